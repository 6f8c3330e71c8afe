#pragma once

/// A member of a group that lends messages: works on them, well and badly.

#include "test/core/dice.hpp"
#include "test/sim/client.hpp"
#include "test/sim/lending_oracle.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace carafe::sim {

/// A `shared` or `keyed` group, as its clients know it.
struct lending_group {
  std::string name;
  std::string mode;
  std::vector<std::string> topics;
  /// It may read the first of them only, at this time.
  bool fewer = false;
  /// Filters that let the same messages pass; the group has one of them.
  std::vector<message_filter> filters;
  lending_oracle told;

  /// What it reads when it has left some.
  [[nodiscard]] std::vector<std::string> first_topic() const { return {topics.front()}; }
};

/// Does what the protocol page tells members to do: it renews, presents what it has when it comes
/// back, and sends again what was not answered. Sometimes it hangs, dies, or is cut off.
class worker {
public:
  worker(rig& r, std::uint64_t number, lending_group& group)
    : rig_(&r), link_(r, "worker " + std::to_string(number)), group_(&group) {}

  void step(dice& d, oracle& o);
  /// At the end: settles whatever comes.
  void finish(oracle& o);
  void node_died();
  void lost_power(queue_id queue);
  [[nodiscard]] const lending_group& group() const { return *group_; }

private:
  struct had {
    std::uint32_t attempt = 0;
    /// Since before the node's last start: how often it has failed, the node may know otherwise.
    bool old = false;
  };
  struct failure_told {
    message_place place;
    had what;
    std::optional<std::uint64_t> delay_ms;
    bool dead = false;
  };
  struct request {
    enum class kind { join, leave, settle, renew };
    kind what;
    moment asked;
    /// `renew`: what was presented; `settle`: what was done.
    std::vector<message_place> places = {};
    std::vector<failure_told> failed = {};
  };

  bool connected(oracle& o);
  void join(dice* d);
  void cut(bool dies);
  void leave();
  void lost();
  void renew(bool present);
  void settle_some(dice& d);
  void settle(const std::vector<message_place>& done, const std::vector<failure_told>& failed,
              const std::vector<message_place>& returned);
  void pay();
  void take(oracle& o);
  void got(const frames::leased& what, oracle& o);
  void answered(const request& what, const frames::body& answer);
  void settle_answered(const request& what, const frames::body& answer);
  void renewed(const request& what, const frames::renewed& answer);

  rig* rig_;
  connection link_;
  lending_group* group_;
  holder self_, before_death_;
  moment fence_;
  bool joining_ = false, leaving_ = false, renewing_ = false;
  /// Before it may settle anything it has to present what it has.
  bool must_present_ = false;
  std::optional<frames::joined> joined_;
  /// Where it was let in last, and how often it was not, for the filter or the topics.
  group_id group_was_;
  std::size_t mismatches_ = 0;
  /// Of its last membership; what still comes for it counts no more.
  subscription_id before_{0};
  std::map<message_place, had> holds_;
  /// Done, and not answered.
  std::set<message_place> again_;
  std::map<std::uint64_t, request> requests_;
  std::uint64_t owed_ = 0;
  std::uint64_t hangs_until_ms_ = 0;
};

} // namespace carafe::sim
