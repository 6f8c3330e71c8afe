#pragma once

/// What the members of an `ordered` group are given, and what they commit, when some have ids, and
/// whether a broker that keeps its word could have done so. It knows nothing of the broker but the
/// pages' promises.

#include "test/sim/lending_facts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace carafe::sim {

/// - A queue has one owner at a time, and each generation of it one member. Who has lost a queue
///   commits nothing there, and who has it is not refused.
/// - The next owner begins where the last commit was (`group_oracle`).
/// - What is kept for a member that is away nobody else is given.
/// - While only members with ids come and go, each within its grace, each has again just what it
///   had, and nobody who stays is given a queue or asked for one.
/// - When a grace is certainly over, nothing is kept any more. All who are there have equally many
///   queues, but for one.
///
/// Members are told apart by their names, over all their connections. Times are of the monotonic
/// clock.
class seat_oracle {
public:
  /// @param note      Takes what happens, for people.
  /// @param earliest  Tells a queue's first offset.
  /// @param now_ms    Tells the time.
  seat_oracle(std::function<void(const std::string&)> note,
              std::function<offset(queue_id)> earliest, std::function<std::uint64_t()> now_ms,
              std::uint64_t grace_ms)
    : note_(std::move(note)),
      earliest_(earliest),
      now_ms_(std::move(now_ms)),
      grace_ms_(grace_ms),
      group_(std::move(earliest)) {}

  /// @param id  It has one, which is its name.
  void add_member(const std::string& name, bool id) { people_[name].id = id; }
  void add_queue(queue_id queue);
  /// Some queue may come, now or later.
  void queue_may_come();
  /// … and what came is known.
  void queues_known() { queue_may_come_ = false; }

  // -- messages
  void stored(const message_place& place, const message_name& name);
  void delivered(const message_place& place, const message_name& name);

  // -- members
  void joining(const std::string& name);
  void joined(const std::string& name);
  /// Its id is said to be another one's.
  /// @param has_holder  … and that cannot be.
  void called_taken(const std::string& name, bool has_holder) const;
  /// It leaves, or its connection ends.
  /// @param by_node  The node has ended that, who knows when.
  void gone(const std::string& name, bool by_node = false);
  void assigned(const std::string& name, member_id member, queue_id queue, generation owner,
                offset begin);
  /// @param taken  It need not give it back.
  void revoked(const std::string& name, queue_id queue, generation owner, bool taken);
  /// @param asked  It was to.
  void gave_back(const std::string& name, queue_id queue, bool asked);

  // -- commits
  void committing(queue_id queue, generation owner, offset next);
  void committed(queue_id queue, generation owner, offset next);
  void refused(const std::string& name, queue_id queue, generation owner, offset next);
  /// Who has lost the queue tried to commit there.
  void committed_in_vain(const std::string& name, queue_id queue, generation owner) const;

  // -- what is sure
  /// What clients may rely on at this moment.
  struct rest {
    /// No disk is broken, and that for long enough that everything was tried again.
    bool healthy = false;
    /// Nobody waits for an answer, or is to give a queue back.
    bool settled = false;
  };
  /// Everything that was sent has arrived.
  void calm(const rest& how);
  /// Just now it has gone, at rest: what it had is kept.
  /// @param written  … also if the node dies.
  void kept(const std::string& name, bool written);
  /// Whether anybody would notice that something moves.
  [[nodiscard]] bool quiet() const noexcept { return layout_.has_value(); }
  /// Queues may move for another reason.
  void disturbed() { layout_.reset(); }
  /// An operator has the seat go.
  void forgetting(const std::string& name);
  void forgotten(const std::string& name) { people_.at(name).seat = false; }
  [[nodiscard]] bool is_away(const std::string& name) const;

  // -- what ends
  void node_died();
  void node_started();
  /// What was at `end` and beyond is gone, and commits with it.
  void lost_end(queue_id queue, offset end);
  void check_finished() const;

  [[nodiscard]] std::uint64_t assignments() const noexcept { return assignments_; }
  [[nodiscard]] std::uint64_t returns() const noexcept { return returns_; }

private:
  struct holding {
    generation owner;
    bool revoked = false;
  };
  using holdings = std::map<queue_id, holding>;
  struct person {
    bool id = false;
    bool there = false, joining = false;
    /// Something may be kept for it, or it is there.
    bool seat = false;
    /// It was known to be away when it asked for its seat.
    bool clear = false;
    /// It went since the layout was drawn.
    bool went = false;
    std::uint64_t asked_ms = 0, gone_ms = 0;
    /// By when the node surely knew that, if it is sure by now.
    std::optional<std::uint64_t> noticed_ms = {};
    holdings holds = {}, had = {};
  };
  struct claim {
    std::string name;
    std::uint64_t until_ms = 0;
    bool written = false;
  };

  /// Forgets what no grace protects any more.
  void let_pass();
  void check_layout() const;
  void draw_layout();
  void check_shares() const;
  void check_owners() const;
  [[nodiscard]] bool may_be_kept() const;

  std::function<void(const std::string&)> note_;
  std::function<offset(queue_id)> earliest_;
  std::function<std::uint64_t()> now_ms_;
  std::uint64_t grace_ms_ = 0;
  group_oracle group_;
  std::set<queue_id> queues_;
  /// Until the node starts again.
  bool queue_may_come_ = false;
  /// When everything had arrived.
  std::uint64_t calm_ms_ = 0;
  std::map<std::string, person> people_;
  /// Who has what, when all are there and nothing moves; nothing: it may have changed since.
  std::optional<std::map<std::string, std::set<queue_id>>> layout_;
  /// … and it is written.
  bool layout_written_ = false;
  std::map<queue_id, claim> claims_;
  std::map<std::pair<queue_id, generation>, member_id> owners_;
  std::map<message_place, message_name> stored_, seen_;
  std::set<message_name> delivered_;
  std::uint64_t assignments_ = 0, returns_ = 0;
};

} // namespace carafe::sim
