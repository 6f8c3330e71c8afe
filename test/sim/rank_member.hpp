#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/rank_oracle.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace carafe::sim {

/// The one member of a group: settles, fails, rejects and gives back, one request at a time.
class rank_member {
public:
  rank_member(stage s, rank_oracle& told) : stage_(s), link_(*s.node, "ranker"), told_(&told) {}

  void step(dice& d);
  /// At the end: settles whatever comes.
  void finish();
  /// Whether nothing that it has done waits for an answer.
  [[nodiscard]] bool idle() const { return !link_.busy() && again_.empty() && has_.empty(); }
  void cut();
  /// What its next memberships will have at a time.
  void takes(std::uint32_t in_flight_max) { in_flight_max_ = in_flight_max; }
  void node_died();

private:
  void take();
  void answered(const frames::body& answer);
  void got(const frames::leased& what);
  void join(std::uint32_t credit, std::uint32_t in_flight_max);
  void ask(frames::body what);
  void ask_credit();
  void settle(const std::vector<message_place>& done, const std::vector<message_place>& failed,
              const std::vector<message_place>& dead, const std::vector<message_place>& back);
  void lost();

  stage stage_;
  asker link_;
  rank_oracle* told_;
  std::optional<frames::joined> joined_;
  bool joining_ = false;
  rank_moment asked_, fence_;
  std::set<message_place> has_;
  /// Sent as done, and not answered; those that are to be sent again.
  std::vector<message_place> settling_, again_;
  std::uint64_t owed_ = 0;
  std::uint32_t in_flight_max_ = 8;
};

} // namespace carafe::sim
