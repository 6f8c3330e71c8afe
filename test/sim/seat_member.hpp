#pragma once

#include "test/core/dice.hpp"
#include "test/sim/client.hpp"
#include "test/sim/oracle.hpp"
#include "test/sim/seat_oracle.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace carafe::sim {

/// Of an ordered group, perhaps with an id.
struct seat_wish {
  std::string group, topic;
  /// Empty: none.
  std::string id;
  std::uint64_t holder = 0;
};

/// A member of an ordered group that may have an id: reads, commits, and gives back what it is
/// asked for, late or not at all.
class seat_member {
public:
  seat_member(rig& r, std::uint64_t number, seat_wish wish, seat_oracle& seats, group_oracle& group)
    : link_(r, "member " + std::to_string(number)),
      wish_(std::move(wish)),
      seats_(&seats),
      group_(&group) {}

  void step(dice& d);
  void take();
  /// It leaves in good order, and does not come back by itself.
  void leave();
  /// Its connection breaks; it comes back.
  void cut();
  /// … and does not.
  void die();
  void node_died();
  void lost_end(queue_id queue, offset end);

  [[nodiscard]] bool dead() const noexcept { return dead_; }
  [[nodiscard]] const std::string& id() const noexcept { return wish_.id; }
  [[nodiscard]] std::uint64_t holder() const noexcept { return wish_.holder; }
  [[nodiscard]] bool joined() const noexcept { return member_.has_value(); }
  [[nodiscard]] std::size_t queues() const noexcept { return holds_.size(); }

private:
  struct holding {
    frames::assigned how;
    offset next;
    offset committed;
    std::optional<offset> committing = {};
    bool revoked = false;
  };
  struct commit_wish {
    queue_id queue;
    generation owner;
    offset next;
  };

  void join();
  void lost();
  void joining_answered(const frames::body& answer);
  void assigned(const frames::assigned& what);
  void revoked(const frames::revoked& what);
  void got(const frames::deliver& d);
  void commit(holding& h);
  void commit_answered(const commit_wish& what, const frames::error* refusal);

  connection link_;
  seat_wish wish_;
  seat_oracle* seats_;
  group_oracle* group_;
  std::uint64_t joining_ = 0;
  std::optional<stay> stay_;
  std::optional<member_id> member_;
  std::map<queue_id, holding> holds_;
  std::map<std::uint64_t, commit_wish> commits_;
  bool dead_ = false;
};

} // namespace carafe::sim
