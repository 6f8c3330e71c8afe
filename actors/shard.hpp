#pragma once

#include "actors/clock.hpp"
#include "actors/core/histogram.hpp"
#include "actors/interfaces.hpp"
#include "actors/latest_messages.hpp"
#include "actors/raft/replica.hpp"
#include "actors/timers.hpp"
#include "schema/batch.hpp"
#include "storage/commit_log.hpp"

#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

namespace carafe {

struct shard_options {
  durability mode = durability::fsync;
  std::uint64_t sync_interval_ms = 100;
  std::uint64_t checkpoint_entries = 0;
  std::uint64_t checkpoint_interval_ms = 0;
  std::uint64_t retention_ms = 0;
  std::uint64_t retention_bytes = 0;
  /// Retention copies messages for no more bytes than were written since, and so many at once.
  std::uint64_t copied_bytes_max = 64u << 20;
  timers_options timers;
  batch_limits limits = {};
  /// Open transactions.
  std::size_t transactions_max = 10'000;
  /// Where compacted queues keep the last message of each key.
  std::shared_ptr<latest_messages> latest;
  /// False only in simulated time, where everything runs on one thread.
  bool own_threads = true;
};

struct shard_state_data {
  static inline const char* name = "shard";

  /// Who is answered when an entry is applied.
  struct append_waiter {
    caf::typed_response_promise<append_done> promise;
    bool duplicate = false;
    std::vector<frames::duplicate> repeated = {};
  };
  using effect_waiter = caf::typed_response_promise<entry_index>;
  struct waiters {
    std::vector<append_waiter> appends;
    std::vector<effect_waiter> effects;
    std::vector<std::function<void()>> then;
    std::uint64_t submitted_us = 0;
  };

  std::unique_ptr<raft::replica> replica;
  std::shared_ptr<storage::commit_log> log;
  std::shared_ptr<const clock> clocks;
  shard_options options;
  log_writer_actor writer;
  checkpoint_actor keeper;
  /// Null as long as no message ever waited for its time.
  timers_actor timers;
  /// What `timers` may hold in memory since the last checkpoint was taken, about.
  std::uint64_t timers_bytes = 0;
  /// `timers` was told of the checkpoint that is not saved yet.
  bool timers_cut = false;

  std::unordered_map<entry_index, waiters> waiting;
  std::unordered_map<queue_id, queue_actor> watchers;
  std::size_t groups_out = 0;
  storage::log_room room = storage::log_room::everything;
  bool sync_armed = false;

  /// A checkpoint taken and not yet saved; kept until it is.
  std::shared_ptr<raft::checkpoint> unsaved;
  bool saving = false;
  /// Since the disk had no room for a checkpoint.
  std::optional<mono_ms> save_again_at;
  mono_ms checkpointed_at{0};
  /// Retention: entries below `first` go once a checkpoint holds `after`.
  struct drop_plan {
    entry_index first;
    entry_index after;
    /// What the entries hold of each queue.
    std::shared_ptr<const queue_ends> ends;
  };
  std::optional<drop_plan> drop;
  /// The plan that waits until what groups wait for is copied. It stays as it is: what was copied
  /// for it may be old, too, by the next plan, and that would wait for it anew.
  std::optional<retention_plan> copying_for;
  /// Starts that are raised once what groups wait for below them is copied.
  std::map<queue_id, offset> sparing;
  bool copying = false;
  /// Bytes of copies that may be written.
  std::uint64_t copies_left = 0;
  /// Dead letters of this queue are being written again: who wants to deal with some waits.
  std::optional<queue_id> moving_letters;
  std::vector<std::pair<effect_list, caf::typed_response_promise<entry_index>>> after_moving;
  /// Of queues with dead letters.
  struct letter_entries {
    /// The last entries that deal with some, and that end some for a limit.
    entry_index dealt_with{0};
    entry_index given_up{0};
    /// Those that died before are not written again.
    unix_ms keep_after{0};
  };
  std::map<queue_id, letter_entries> letters;

  /// Up to where compacted queues were taken into the index, once that is known.
  std::map<queue_id, offset> horizons;
  bool horizons_known = false;
  /// What is to be taken in before retention goes on.
  std::map<queue_id, offset> taking_in;
  bool keeping = false;
  /// What the index has of these is of no use.
  std::set<queue_id> useless;
  bool forgetting = false;

  /// Hears what becomes of transactions.
  tx_watcher_actor tx_watcher;
  /// Those of which something is under way: one thing at a time.
  std::set<transaction_id> tx_busy;
  /// What under way makes more of them, and of their bytes.
  std::size_t tx_opening = 0;
  std::uint64_t tx_bytes = 0;
  /// Shards whose parts are being taken.
  std::set<shard_id> tx_applying;

  std::optional<caf::typed_response_promise<caf::ok_atom>> draining;
  core::histogram commits;
  core::histogram syncs;
  /// Bytes of what was written in one transaction.
  core::histogram group_sizes;
};

using shard_pointer = shard_actor::stateful_pointer<shard_state_data>;

/// One shard's replica as an actor: submits, hands groups to the log writer, answers when an entry
/// is applied, tells watching queues, takes checkpoints.
///
/// A failure of its log writer or of consensus ends it with an error; the node then stops.
///
/// @param log Only its bounds are read here.
shard_actor::behavior_type shard(shard_pointer self, std::unique_ptr<raft::replica> replica,
                                 std::shared_ptr<storage::commit_log> log,
                                 std::shared_ptr<storage::state_store> state,
                                 std::shared_ptr<const clock> clocks, shard_options options);

// -- shared by the shard's parts ------------------------------------------------------------------

/// "shard 0", for the log.
[[nodiscard]] std::string shard_name(shard_pointer self);
/// Ends the shard, and with it the node.
void fail_shard(shard_pointer self, const failure& why);
/// Hands the log writer what waits, while it takes it.
void pump_writes(shard_pointer self);

// What the shard knows, as of the last entry it applied.
[[nodiscard]] queue_view view_of(shard_pointer self, queue_id id, const queue_record& record);
[[nodiscard]] queue_views views_of(shard_pointer self, const queue_ids& wanted);
[[nodiscard]] shard_inventory inventory_of(shard_pointer self);
[[nodiscard]] progress_rows progress_of(shard_pointer self, group_id group);
[[nodiscard]] frames::producer_progress progress_of(shard_pointer self, producer_name_id name,
                                                    const queue_ids& queues);
[[nodiscard]] catalogue_rows catalogue_of(shard_pointer self);
[[nodiscard]] schedule_rows schedules_of(shard_pointer self);
[[nodiscard]] frames::shard_status status_of(shard_pointer self);

/// Tells the timers what the log says of messages for later.
/// @param replayed At the start, what was read from the log.
void tell_timers(shard_pointer self, bool replayed = false);
/// Since the last checkpoint so much was stored for later that the next one is due.
[[nodiscard]] bool timers_are_heavy(const shard_state_data& s);
/// Submits the entry, unless it has to wait; `promise` is answered once it is applied.
void write_effects(shard_pointer self, effect_list wish,
                   caf::typed_response_promise<entry_index> promise);
/// Dead letters there that died before `keep_after` need not outlive retention: their topic does
/// not keep them so long.
void limit_letters(shard_pointer self, queue_id queue, unix_ms keep_after);
/// Copies what groups wait for below `start`, then raises the queue's start to there.
void spare_waiting(shard_pointer self, queue_id queue, offset start);
/// Whether a group waits for any of these.
[[nodiscard]] bool holds_any(const core::shard_state& state, const queue_ends& ends);

/// Plans what retention may drop, and drops it when it may go.
void look_after_retention(shard_pointer self);

// shard_latest.cpp
/// Whether a compacted queue would lose what was not taken into its index yet.
[[nodiscard]] bool latest_lack(const shard_state_data& s, const queue_ends& ends);
/// Takes it in, then looks after retention again.
void take_in_latest(shard_pointer self, const queue_ends& ends);
/// Asks what the index has.
void load_latest(shard_pointer self);
/// Drops what the index has of queues that are gone, or compacted no more.
void forget_latest(shard_pointer self);

/// Submits what was checked just now, and calls `then` when it is applied.
/// @errors Those of `replica::submit_effects`; `then` is not called.
result<void> submit_then(shard_pointer self, std::vector<effects::effect> what,
                         std::function<void()> then);
/// Why the log takes nothing of this kind; nothing if it does.
[[nodiscard]] failure no_room(storage::log_room left);

// shard_transactions.cpp
caf::result<frames::tx_prepared> prepare_transaction(shard_pointer self, const tx_wish& wish);
caf::result<tx_done> end_transaction(shard_pointer self, const transaction_id& id, bool commit);
caf::result<tx_done> apply_parts(shard_pointer self, const tx_parts& what);
caf::result<tx_parts> parts_for(shard_pointer self, shard_id to);
/// What its log said so far.
tx_news all_transactions(shard_pointer self);
/// Tells what has changed since the last time.
void tell_tx_watcher(shard_pointer self);

/// Takes a checkpoint if there is something new; the log is synced up to it before it is saved.
void begin_checkpoint(shard_pointer self);
/// … when enough entries or time have passed.
void maybe_checkpoint(shard_pointer self);
/// Answers `drain` once nothing is in flight and the last checkpoint is saved.
void maybe_finish_drain(shard_pointer self);

} // namespace carafe
