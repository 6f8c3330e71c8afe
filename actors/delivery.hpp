#pragma once

#include "actors/clock.hpp"
#include "actors/core/delivery_core.hpp"
#include "actors/core/filter.hpp"
#include "actors/group.hpp"
#include "actors/interfaces.hpp"
#include "actors/owed_answers.hpp"
#include "actors/watch_list.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace carafe {

struct delivery_state {
  static inline const char* name = "delivery";

  struct member {
    session_actor session;
    core::reader_id reader;
    std::string name;
    std::string client;
    std::string address;
    /// What it is lent may come with messages that are not its own.
    bool takes_others = false;
    start_position start;
    range_policy out_of_range = range_policy::error;
    unix_ms joined;
  };
  struct queue {
    std::string topic;
    queue_number number;
    shard_id shard;
    queue_actor actor;
    /// 0: nobody reads for us.
    core::reader_id reader{0};
    /// Number of the opening under way; 0: none. An answer to another one is overtaken.
    std::uint64_t opening = 0;
    /// What retention took of it is asked for: nothing is to come before that is known.
    bool learning = false;
    /// The core has it: the group's place in it is known.
    bool known = false;
    bool resetting = false;
    /// A reset looks for its new place.
    bool reset_asked = false;
  };
  /// What becomes one entry of a shard.
  struct chunk {
    effect_list wish;
    std::vector<std::function<void(const failure&)>> done;
    /// `keyed`: messages that go out when the log knows to whom.
    struct lent {
      member_id member;
      std::uint64_t number = 0;
      lending what;
    };
    std::vector<lent> held;
  };
  struct outbox {
    chunk gathering;
    bool writing = false;
    /// It will be looked at later, or in a moment.
    bool armed = false;
    bool soon = false;
  };
  /// A message that is to be read, and what then; again if that fails.
  struct errand {
    queue_id queue;
    offset at;
    /// Nothing: it is to be delivered again. Otherwise it is dead.
    std::optional<waiting_record> dead;
    /// The log was asked whether there is a copy.
    bool asked = false;
  };

  using burial_place = std::pair<queue_id, offset>;
  using told_later = std::vector<std::function<void(const failure&)>>;

  group_record record;
  std::map<std::string, topic_record> topics;
  shard_table shards;
  std::map<queue_id, queue> queues;
  /// Openings so far.
  std::uint64_t openings = 0;
  std::unordered_map<core::reader_id, queue_id> readers;
  std::map<member_id, member> members;
  std::unordered_map<core::reader_id, member_id> member_readers;
  std::map<shard_id, outbox> outboxes;
  std::optional<core::delivery_core> core;
  std::optional<core::filter> wanted;
  /// Dead letters are being brought back, one after another.
  bool redriving = false;
  /// The topic of its dead letters, once it was needed.
  std::optional<topic_record> graves;
  /// Its queues of which the log knows that they have this group's letters.
  std::set<queue_id> own_graves;
  std::vector<errand> failed_errands;
  mono_ms errands_after{};
  catalogue_actor catalogue;
  std::shared_ptr<const clock> clocks;
  group_options options;
  std::uint64_t dice = 0;
  /// When the next tick comes.
  std::optional<mono_ms> tick_at;
  /// It is going to end, and nothing more is begun: what those are told who come.
  std::optional<failure> gone;
  /// Queues that the group will not read any more: what consumers have of them comes back first.
  std::set<queue_id> leaving;
  /// They had their time for that.
  bool overdue = false;
  /// Who is told once nothing is written any more.
  std::function<void(const result<caf::ok_atom>&)> ending;
  /// It was told: from here on this actor writes nothing.
  bool ended = false;
  /// Entries of their own under way to the log: dead letters, beginnings.
  std::size_t writing_apart = 0;
  /// Who is told when a message's dead letter is written, or cannot be just now.
  std::map<burial_place, told_later> burials;
  watch_list watched;
  owed_answers owed;
};

using delivery_pointer = delivery_actor::stateful_pointer<delivery_state>;

/// One group of mode `shared` or `keyed`: carries out what `delivery_core` decides
/// (docs/adr/0010-deliveries-are-folded-too.md). What it did with each message is durable in the
/// queues' shards; members and leases are of this run.
///
/// @param topics      Those of the group's topics that exist.
/// @param lease_left  In ms: so long leases may run that an actor before this one has given.
delivery_actor::behavior_type delivery(delivery_pointer self, group_record record,
                                       std::vector<topic_record> topics, shard_table shards,
                                       catalogue_actor catalogue,
                                       std::shared_ptr<const clock> clocks, group_options options,
                                       std::uint64_t lease_left);

// -- shared by the actor's parts ------------------------------------------------------------------

[[nodiscard]] core::instant now(delivery_pointer self);
/// Tries it again after a while.
void put_off(delivery_pointer self, const delivery_state::errand& what, const failure& why);
/// Does what the core has decided.
void carry_out(delivery_pointer self, core::delivery_core::effects_list effects);

// delivery_queues.cpp
void add_queues(delivery_pointer self, const topic_record& topic, const progress_rows& rows);
void remove_topic(delivery_pointer self, const topic_record& topic);
/// Reads the queue for the group, from where that is; finds out where first, if nobody was there.
void begin_reading(delivery_pointer self, queue_id queue);
void stop_reading(delivery_pointer self, queue_id queue);
void reading_ended(delivery_pointer self, core::reader_id reader, const failure& why);
void on_batch(delivery_pointer self, core::reader_id reader, const storage::stored_batch& batch);

// delivery_reading.cpp
/// Reads the batch with this message; nothing if it is there no more.
void read_batch(delivery_pointer self, shard_id shard, queue_id queue, offset at,
                std::function<void(result<core::delivery_batch_ptr>)> then);
/// How long messages of the queue live; 0: they do not expire, or it is no queue of the group.
[[nodiscard]] std::uint64_t ttl_of(const delivery_state& s, queue_id queue);
/// Asks the shard which messages it has copied before retention took them; then `then`.
void learn_copies(delivery_pointer self, shard_id shard, std::function<void(const failure&)> then);
/// Reads one message's batch and does with it what is to be done.
void run(delivery_pointer self, const delivery_state::errand& what);

// delivery_log.cpp
/// Adds to the next entry of the queue's shard.
/// @param at_once  Otherwise it may wait a little for more.
void write(delivery_pointer self, queue_id queue, effects::effect what, bool at_once);
/// Runs `then` when everything given for the shard so far is written, or cannot be.
void when_written(delivery_pointer self, shard_id shard, std::function<void(const failure&)> then);
/// What is to be called `count` times; the last call runs `then` with one of the failures.
[[nodiscard]] std::function<void(const failure&)>
when_all(std::size_t count, std::function<void(const failure&)> then);
void when_all_written(delivery_pointer self, const std::set<shard_id>& shards,
                      std::function<void(const failure&)> then);
void flush(delivery_pointer self, shard_id shard);

// delivery_end.cpp
/// It ends, unless somebody is in it.
caf::result<caf::ok_atom> remove_group(delivery_pointer self);
/// It ends, and another actor serves the group: its members name to that what they have.
caf::result<caf::ok_atom> hand_over(delivery_pointer self, const group_change& change);
/// What consumers have had time to settle of queues that the group leaves goes back.
void leaving_overdue(delivery_pointer self);
/// Answers once the log has everything that this actor wrote: whoever serves the group next begins
/// from there. Its members are forgotten then, with what they have.
void maybe_ended(delivery_pointer self);

// delivery_burial.cpp
/// Writes the dead letter and the end of its source, as one entry.
void bury(delivery_pointer self, const delivery_state::errand& what,
          const core::delivery_batch_ptr& batch);
/// Runs `then` when the message's dead letter is written, or cannot be just now.
void when_buried(delivery_pointer self, queue_id queue, offset at,
                 std::function<void(const failure&)> then);
void burial_ended(delivery_pointer self, const delivery_state::errand& what, const failure& why);
/// Those of a queue, or all, will not be written by this actor.
void burials_ended(delivery_pointer self, std::optional<queue_id> queue, const failure& why);

// delivery_letters.cpp
caf::result<frames::dead_letter_list> dead_letters(delivery_pointer self);
/// Each letter and its message's return are one entry.
caf::result<frames::redriven> redrive(delivery_pointer self, const frames::redrive& wish);

// delivery_admin.cpp
caf::result<frames::group_description> describe_group(delivery_pointer self);
[[nodiscard]] lent_whereabouts where_is(delivery_pointer self, queue_id queue, offset at);
caf::result<caf::ok_atom> reset_group(delivery_pointer self, const frames::group_reset& wish);

} // namespace carafe
