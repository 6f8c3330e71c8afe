#pragma once

#include "test/sim/act.hpp"
#include "test/sim/client.hpp"
#include "test/sim/seat_oracle.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

constexpr const char* desk_topic = "papers";
constexpr const char* desk_group = "clerks";

/// A consumer of an `ordered` group, with an id or without: handles what comes, in order, commits
/// it, and gives queues back when it is asked to, or hangs. It leaves and is cut off, and comes
/// back after a while. What it has lost it now and then tries to commit all the same.
class sitter {
public:
  /// @param id      Empty: it has none.
  /// @param holder  0: whoever has its id, it has to wait.
  sitter(stage s, std::string name, std::string id, std::uint64_t holder, seat_oracle& told)
    : stage_(s),
      link_(*s.node, name),
      told_(&told),
      name_(std::move(name)),
      id_(std::move(id)),
      holder_(holder) {}

  void step(dice& d);
  /// At the end: comes at once, gives back what it is asked for, and commits everything.
  void hurry();
  /// Takes what came.
  void take();
  /// Its connection ends.
  void cut();
  void leave();
  void stay_away(std::uint64_t ms) { back_ms_ = now_ms() + ms; }
  void node_died();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] bool is_member() const { return member_.has_value(); }
  /// It waits for no answer, and is to give nothing back.
  [[nodiscard]] bool settled() const;
  /// Whether it has read, and committed, all of this queue; nothing: it does not have it.
  [[nodiscard]] std::optional<bool> has_done(const frames::topic_queue& queue) const;

private:
  struct holding {
    frames::assigned how;
    offset next, committed;
    std::optional<offset> committing = {};
    bool revoked = false, started = false;
  };
  struct commit_wish {
    member_id member;
    queue_id queue;
    generation owner;
    offset next;
    /// The queue was lost before.
    bool in_vain = false;
  };

  [[nodiscard]] std::uint64_t now_ms() const { return stage_.node->clocks->now_ms; }
  bool connected();
  void join();
  void commit(holding& h);
  void commit_in_vain(dice& d);
  void release(queue_id queue);
  void lost(bool by_node = false);
  void has_lost(const holding& h);
  void got(const frames::deliver& d);
  void got(const frames::assigned& how);
  void got(const frames::revoked& what);
  void got(const frames::subscription_ended& end);
  void join_answered(const frames::body& answer);
  void commit_answered(const commit_wish& what, const frames::error* refusal);

  stage stage_;
  connection link_;
  seat_oracle* told_;
  std::string name_, id_;
  std::uint64_t holder_ = 0;
  /// When it comes back, and until when it hangs.
  std::uint64_t back_ms_ = 0, hangs_ms_ = 0;
  std::uint64_t joining_ = 0;
  std::optional<member_id> member_;
  std::map<queue_id, holding> holds_;
  std::map<std::uint64_t, commit_wish> commits_;
  /// What it has lost for good, as a member of this connection.
  std::vector<commit_wish> former_;
};

} // namespace carafe::sim
