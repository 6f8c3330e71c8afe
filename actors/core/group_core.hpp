#pragma once

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace carafe::core {

/// An `ordered` consumer group: every queue has at most one owner, and only queues that move
/// pause.
///
/// A queue's states and what moves it on:
///
///     loading  --loaded-->          free
///     free     --(rebalance)-->     starting   (no committed offset: `find_start` is asked)
///     starting --started-->         owned      (`assign`)
///     free     --(rebalance)-->     owned      (committed offset known: `assign`)
///     owned    --(rebalance)-->     revoking   (`revoke`, `arm_deadline`)
///     owned, revoking, starting --owner leaves or dies--> free
///     revoking --release, deadline--> free
///     free     --begin_reset-->     resetting --end_reset--> free
///     owned    --begin_reset-->     revoking, and resetting once it is free
///     owned, starting --owner with an id is lost--> kept    (for the member of this id)
///     kept     --joined again-->    owned      (as from free, but nobody else gets it)
///     kept     --away too long, forgotten--> free
///
/// A member with an id has a *seat*: while it is away it counts as a member, its queues are kept,
/// and no other queue moves. Others are due their shares of the rest.
///
/// A queue leaves for its next owner only when no commit of it is in flight; a `find_start` under
/// way counts as one, because it ends with a commit.
///
/// @invariant At any time a queue has one generation that may commit; generations only rise.
/// @invariant With M members that are there, and Q queues that are not kept for others, all free of
///            moves, each member owns Q/M or Q/M + 1.
class group_core {
public:
  struct queue_info {
    std::string topic;
    queue_number number;
    queue_id queue;
  };

  struct member {
    std::string name;
    std::string client;
    std::string address;
    start_position start;
    range_policy out_of_range = range_policy::error;
    std::uint32_t credit_bytes = 0;
    unix_ms joined;
    /// Its seat's; empty: it has none.
    std::string id = {};
    /// Who joins again with it has its seat back although it is taken; 0: nobody.
    std::uint64_t holder = 0;
    bool away = false;
  };

  /// The queue is this member's, from `start` on.
  struct assign {
    member_id member;
    generation owner;
    queue_id queue;
    offset start;
  };
  /// Ask the member to give the queue back within the revoke time-out.
  struct revoke {
    member_id member;
    generation owner;
    queue_id queue;
  };
  /// The queue was taken; tell the member that it is too late.
  struct take {
    member_id member;
    generation owner;
    queue_id queue;
  };
  /// Nothing is committed yet: find where `member` wants to begin, commit that, then `started`.
  struct find_start {
    member_id member;
    generation owner;
    queue_id queue;
    start_position start;
    range_policy out_of_range;
  };
  using effect = std::variant<assign, revoke, take, find_start>;
  using effects = std::vector<effect>;

  explicit group_core(std::uint32_t members_max) : members_max_(members_max) {}

  /// A queue of the group's topics, with what is committed on it.
  effects add_queue(queue_info info, std::optional<offset> committed);
  /// Its topic was deleted.
  effects remove_queue(queue_id queue);

  /// @errors too_many_members; name_in_use (somebody else has the seat; the detail says who)
  result<effects> join(member_id id, member m);
  /// It left, died or was disconnected. One with an id is away from now on.
  effects leave(member_id id);

  /// Who has the seat of this id, or had it last.
  [[nodiscard]] std::optional<member_id> seated(std::string_view id) const;
  /// A seat as it was before a restart, whose member is away. Queues that are not there any more,
  /// or are another's, are not its own.
  void restore(member_id id, member m, const std::vector<queue_id>& queues);
  /// It was away too long. Nothing if it is not away any more.
  effects grace_over(member_id id);
  /// @errors not_found, name_in_use (it is there)
  result<effects> forget(std::string_view id);
  /// What each seat is to have back.
  [[nodiscard]] std::map<std::string, std::vector<queue_id>> seats() const;
  /// @errors not_owner
  result<effects> release(member_id id, queue_id queue, generation owner);
  /// The revoke time-out of `owner` on `queue` is over.
  effects deadline(queue_id queue, generation owner);

  /// `find_start` came to this, and it is committed.
  effects started(queue_id queue, generation owner, offset start);
  /// It came to nothing (out of range, or its shard failed): the queue stays with its owner, who
  /// is told by the caller, and reads nothing. If that owner has gone, the next one tries.
  [[nodiscard]] effects start_failed(queue_id queue, generation owner);
  /// It came to nothing yet, and is to be tried again after a while that is over now: for the same
  /// owner if that is still there, else for the next one.
  [[nodiscard]] effects start_again(queue_id queue, generation owner);

  /// May `id` commit here? Then the commit counts as in flight until `commit_done`.
  /// @errors not_owner
  result<void> commit(member_id id, queue_id queue, generation owner);
  effects commit_done(queue_id queue, std::optional<offset> committed);

  /// A reset begins: its owner is asked to give it back, and until the reset's end nobody is given
  /// the queue, and would begin at the old offset.
  /// @errors group_in_use  another reset of it is under way.
  result<effects> begin_reset(queue_id queue);
  /// Whether no commit of an earlier owner is under way, which would undo a reset's.
  [[nodiscard]] bool settled(queue_id queue) const;
  /// … and nobody has it.
  [[nodiscard]] bool may_reset(queue_id queue) const;
  /// A transaction has committed so far, whoever owns it.
  void acknowledged(queue_id queue, offset next);
  /// @param committed What the reset has committed; nothing if it failed.
  effects end_reset(queue_id queue, std::optional<offset> committed);

  struct queue_state {
    queue_info info;
    std::optional<offset> committed;
    /// 0: nobody.
    member_id owner;
    /// Nobody has it, and it is for this member: who is away, or is given it as soon as what was
    /// under way is over.
    member_id kept_for;
    generation current;
    bool revoking = false;
    bool starting = false;
    /// The generation whose `find_start` is under way, also after its owner has gone; 0: none.
    generation finding;
    bool resetting = false;
    std::uint32_t commits_in_flight = 0;
  };
  [[nodiscard]] const std::map<queue_id, queue_state>& queues() const noexcept { return queues_; }
  [[nodiscard]] const std::map<member_id, member>& members() const noexcept { return members_; }
  /// Also those that are kept for it.
  [[nodiscard]] std::uint32_t owned_by(member_id id) const;

private:
  [[nodiscard]] bool is_away(member_id id) const;
  void free_seat(member_id id, effects& out);
  /// Its queues are kept for `to` from now on.
  void keep(member_id id, member_id to, effects* taken);
  void rebalance(effects& out);
  void give(queue_state& queue, member_id to, effects& out);
  using counts = std::map<member_id, std::size_t>;
  [[nodiscard]] counts kept() const;
  [[nodiscard]] counts quotas(const counts& has) const;
  void take_surplus(counts& has, const counts& quota, effects& out);
  void give_free(counts& has, const counts& quota, effects& out);
  [[nodiscard]] queue_state* owned(member_id id, queue_id queue, generation owner);
  /// The queue whose `find_start` for `owner` has just ended, or nothing if it was removed.
  [[nodiscard]] queue_state* found(queue_id queue, generation owner);
  static void set_free(queue_state& queue);

  std::uint32_t members_max_;
  std::uint64_t generations_ = 0;
  std::map<queue_id, queue_state> queues_;
  std::map<member_id, member> members_;
};

} // namespace carafe::core
