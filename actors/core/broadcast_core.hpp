#pragma once

#include "actors/core/group_core.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace carafe::core {

/// A `broadcast` consumer group: every member reads every queue. The group keeps no offsets; those
/// of a member with a name are kept under that name, which one member has at a time.
///
/// What a member's reading of a queue is, and what moves it on. It begins when the member joins,
/// when the queue is new, and when the member releases it:
///
///     begin   --no name-->                                   reading   (`assign` at its start)
///     begin   --what was done under the name is settled-->   placed
///     begin   --a commit, a search or a reset is under way--> waiting
///     waiting --that is over-->                              placed
///     placed  --an offset is committed-->                    reading   (`assign` there)
///     placed  --none is-->                                   starting  (`find_start` is asked)
///     starting --started-->                                  reading   (`assign`)
///     starting --start_failed-->                             idle
///     starting --a reset begins-->                           waiting
///     reading, idle --a reset begins-->                      returning (`revoke` asks it back)
///     returning --released, or its time is over (`take`)-->  waiting
///     any     --the member leaves, the queue goes, its holder joins again--> gone
///
/// @invariant A name has at most one member; what is committed under it comes from that member, a
///            search of its start, or a reset.
class broadcast_core {
public:
  using queue_info = group_core::queue_info;

  struct member {
    std::string name;
    std::string client;
    std::string address;
    start_position start;
    range_policy out_of_range = range_policy::error;
    std::uint32_t credit_bytes = 0;
    unix_ms joined;
    /// Of whose name the offsets are kept; empty: nobody's.
    std::string consumer;
    /// Who joins again with it has its own name back; 0: nobody.
    std::uint64_t holder = 0;
  };

  /// A name under which offsets are kept, and the id of its progress in the shards.
  struct consumer_info {
    group_id id;
    std::string name;
    unix_ms created;
  };

  struct assign {
    member_id member;
    generation owner;
    queue_id queue;
    start_position start;
  };
  /// It is to finish what it has begun, and give the queue back.
  struct revoke {
    member_id member;
    generation owner;
    queue_id queue;
  };
  /// It reads the queue no more.
  struct take {
    member_id member;
    generation owner;
    queue_id queue;
  };
  /// Nothing is committed yet under the name: find where it begins, commit that, then `started`.
  struct find_start {
    group_id consumer;
    member_id member;
    generation owner;
    queue_id queue;
    start_position start;
    range_policy out_of_range;
  };
  using effect = std::variant<assign, revoke, take, find_start>;
  using effects = std::vector<effect>;

  explicit broadcast_core(std::uint32_t members_max) : members_max_(members_max) {}

  /// A queue of the group's topics. Members that are there read it from its beginning.
  effects add_queue(queue_info info);
  /// Its topic was deleted.
  effects remove_queue(queue_id queue);

  /// A name that is there, with what is committed under it; one that was about to be forgotten
  /// stays.
  void put_consumer(consumer_info info, const std::map<queue_id, offset>& committed);
  /// From here on nobody gets the name.
  /// @errors not_found, name_in_use, group_in_use (a reset is under way)
  result<group_id> begin_forget(const std::string& name);
  void forgotten(group_id consumer) { consumers_.erase(consumer); }

  /// @errors too_many_members; name_in_use (the detail says who has it); not_found (the name was
  ///         forgotten just now).
  result<effects> join(member_id id, member m);
  /// It left, died or was disconnected.
  void leave(member_id id);
  /// The queue begins anew for this member, where it has committed.
  /// @errors not_owner
  result<effects> release(member_id id, queue_id queue, generation owner);

  /// Whether what `find_start` came to may be committed: nobody forgot the name meanwhile.
  [[nodiscard]] bool searching(group_id consumer, queue_id queue, generation owner) const;
  /// `find_start` came to this, and it is committed.
  effects started(group_id consumer, queue_id queue, generation owner, offset start);
  /// It came to nothing: the member is told by the caller, and reads nothing there.
  effects start_failed(group_id consumer, queue_id queue, generation owner);
  /// It came to nothing yet, and a while is over.
  effects start_again(group_id consumer, queue_id queue, generation owner);

  /// May `id` commit here? Then the commit counts as in flight until `commit_done`.
  /// @returns Under which consumer.
  /// @errors not_owner; unsupported (it has no name)
  result<group_id> commit(member_id id, queue_id queue, generation owner);
  effects commit_done(group_id consumer, queue_id queue, std::optional<offset> committed);

  /// A reset begins: who reads the queue under this name is asked to give it back, and until the
  /// reset's end nobody reads it.
  /// @errors group_in_use  another reset is under way, or the name is being forgotten.
  result<effects> begin_reset(group_id consumer, queue_id queue);
  /// The time of `owner` to give the queue back is over.
  effects deadline(queue_id queue, generation owner);
  /// Whether nobody reads it under this name, and no commit is under way, which would undo a
  /// reset's.
  [[nodiscard]] bool may_reset(group_id consumer, queue_id queue) const;
  /// @param committed What the reset has committed; nothing if it failed.
  effects end_reset(group_id consumer, queue_id queue, std::optional<offset> committed);

  /// What is kept of a name on one queue.
  struct place_state {
    std::optional<offset> committed;
    std::uint32_t commits_in_flight = 0;
    /// The generation whose `find_start` is under way, also after its member has gone; 0: none.
    generation finding;
    bool resetting = false;
  };
  struct consumer_state {
    consumer_info info;
    /// 0: nobody has the name.
    member_id member;
    bool leaving = false;
    std::map<queue_id, place_state> places;
  };
  enum class reading : std::uint8_t { waiting, starting, reading, returning, idle };
  struct seat_state {
    generation current;
    reading state = reading::waiting;
    /// The queue came after the member.
    bool from_beginning = false;
  };
  struct member_state {
    member info;
    /// 0: it has no name.
    group_id consumer;
    std::map<queue_id, seat_state> seats;
  };
  [[nodiscard]] const std::map<queue_id, queue_info>& queues() const noexcept { return queues_; }
  [[nodiscard]] const std::map<member_id, member_state>& members() const noexcept {
    return members_;
  }
  [[nodiscard]] const std::map<group_id, consumer_state>& consumers() const noexcept {
    return consumers_;
  }
  /// Queues that it reads.
  [[nodiscard]] std::uint32_t read_by(member_id id) const;

private:
  [[nodiscard]] consumer_state* named(const std::string& name);
  [[nodiscard]] place_state* place_of(group_id consumer, queue_id queue);
  [[nodiscard]] seat_state* seat_of(member_id id, queue_id queue, generation owner);
  /// The place whose `find_start` for `owner` has just ended, or nothing if it is gone.
  [[nodiscard]] place_state* found(group_id consumer, queue_id queue, generation owner);
  void begin(member_id id, queue_id queue, effects& out);
  /// Goes on with what waited for something under the name to be over.
  void resume(group_id consumer, queue_id queue, effects& out);
  [[nodiscard]] static bool is_settled(const place_state& p);

  std::uint32_t members_max_;
  std::uint64_t generations_ = 0;
  std::map<queue_id, queue_info> queues_;
  std::map<member_id, member_state> members_;
  std::map<group_id, consumer_state> consumers_;
};

} // namespace carafe::core
