#pragma once

/// What actors say to each other besides atoms. These never leave the process.

#include "actors/core/catalogue_core.hpp"
#include "actors/core/delivery_core.hpp"
#include "actors/core/queue_core.hpp"
#include "actors/core/screen.hpp"
#include "actors/core/story.hpp"
#include "actors/core/submit_window.hpp"
#include "actors/core/timer_core.hpp"
#include "actors/core/transaction_table.hpp"
#include "actors/raft/replica.hpp"
#include "schema/frame.hpp"
#include "storage/commit_log.hpp"
#include "storage/timer_index.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe {

/// What a group becomes, for the actor that serves what it was.
struct group_change {
  /// Its members go on with the next actor; otherwise nobody may be in it.
  bool with_members = false;
  /// It lends messages then, and reads these topics.
  bool lends = false;
  std::vector<std::string> topics;
};

/// The effects of one entry.
struct effect_list {
  std::vector<effects::effect> effects;
  /// Queues that get messages without a key: where one is compacted the entry is refused, with
  /// `key_required`.
  std::vector<queue_id> keyless = {};
  /// The entry deals with this dead letter: if that is not open any more it is refused, with
  /// `not_found`.
  struct letter_place {
    group_id group;
    queue_id queue;
    offset at;
  };
  std::optional<letter_place> letter = {};
};

/// A batch is committed and durable as its shard promises.
struct append_done {
  offset base;
  std::uint32_t count = 0;
  unix_ms time;
  durability reached = durability::fsync;
  bool duplicate = false;
  /// They wait for their times; `base` counts the queue's messages for later.
  bool timed = false;
  /// If any: nothing of the batch is stored, because these are already.
  std::vector<frames::duplicate> repeated = {};
};

/// A queue as its shard sees it, as of entry `applied`.
struct queue_view {
  queue_id queue;
  shard_id shard;
  topic_id topic;
  offset start;
  offset next;
  unix_ms last_time;
  entry_index applied;
  /// Messages that wait for their times.
  std::uint64_t timers_pending = 0;
  /// Where readers may begin: of a compacted queue, where the last message of each key is kept
  /// from; `start` is where its log begins.
  offset earliest = start;
  bool compacted = false;
};
struct queue_views {
  std::vector<queue_view> queues;
};

/// Committed batches of a watched queue, in order; or a raised start; or its end.
struct queue_news {
  queue_view view;
  std::vector<storage::stored_batch> batches;
  bool closed = false;
};

/// A group's committed offsets on one shard's queues.
struct progress_rows {
  struct row {
    queue_id queue;
    progress_record progress;
    std::vector<waiting_record> waiting;
    /// The queue's end.
    offset end;
  };
  std::vector<row> rows;
};

/// The catalogue as shard 0 recovered it.
struct catalogue_rows {
  std::vector<topic_record> topics;
  std::vector<group_record> groups;
  catalogue_record counters;
  std::vector<named_producer_record> producers;
};

/// What a shard knows of schedules.
struct schedule_rows {
  /// In shard 0.
  std::vector<schedule_record> schedules;
  std::vector<effects::schedule_fired> fired;
};

struct read_request {
  queue_id queue;
  offset from;
  /// Nothing above this entry.
  entry_index last;
  std::uint64_t bytes_max = 0;
  storage::read_hint hint;
};
struct read_reply {
  std::vector<storage::stored_batch> batches;
  storage::read_hint hint;
};

/// A part of the log, to be looked through for what concerns a message.
struct walk_request {
  /// 0: the first entry that is not before `since`.
  entry_index first;
  unix_ms since;
  entry_index last;
  /// Of entries that are looked at.
  std::uint64_t bytes_max = 0;
  std::shared_ptr<const core::story_subject> about;
};
struct walk_reply {
  /// Those that concern it.
  std::vector<decoded_entry> entries;
  /// Everything below was looked at.
  entry_index next;
  /// Retention took what was before the first one that was looked at; that one's time.
  bool cut = false;
  unix_ms begins;
};

/// A step of a search for messages of a key.
struct key_request {
  storage::key_query query;
  storage::read_hint hint;
};
struct key_reply {
  storage::key_findings found;
  storage::read_hint hint;
};

/// Writing one group took so long.
struct write_done {
  entry_index last;
  std::uint64_t bytes = 0;
  std::uint64_t sync_us = 0;
};

struct queue_ids {
  /// Empty: all of the shard's.
  std::vector<queue_id> queues;
};

/// What a shard holds that only the catalogue can tell to be right.
struct shard_inventory {
  core::catalogue_core::inventory there;
};

struct time_found {
  std::optional<storage::index_row> row;
};

/// In a message's place for "of groups, not of topics".
struct group_tag {};

struct catalogue_counts {
  std::uint32_t topics = 0;
  std::uint32_t groups = 0;
};

struct node_ports {
  std::uint16_t client = 0;
  std::uint16_t cluster = 0;
};

/// Where queues end in some part of the log.
using queue_ends = std::vector<std::pair<queue_id, offset>>;

/// Up to where compacted queues were taken into the index of each key's last message.
struct latest_horizons {
  std::map<queue_id, offset> queues;
};
/// What is to be taken in of a compacted queue before retention takes it.
struct keep_request {
  queue_id queue;
  /// If nothing of it was taken in yet.
  offset from;
  offset until;
  /// Nothing above this entry: what a power failure could take back is not taken in.
  entry_index last;
};
struct keep_reply {
  offset horizon;
};

/// What retention may drop, computed beside a checkpoint.
struct retention_plan {
  /// Entries below may go once queues begin at `ends`, committed and checkpointed; 0: nothing to
  /// drop.
  entry_index first{0};
  std::shared_ptr<const queue_ends> ends;
  /// Age or size has come: the queues' starts are to be raised. Otherwise the entries may go if all
  /// the queues begin there anyhow.
  bool due = false;
};
struct retention_rule {
  /// Nothing after it may go.
  entry_index checkpoint;
  unix_ms keep_after;
  std::uint64_t bytes_max = 0;
};

/// A consumer wants in.
struct join_request {
  frames::join wish;
  std::string client;
  std::string address;
  /// A batch that it is lent may have messages that are not its own.
  bool takes_others = false;
};

/// Messages that members of a group were not sent, since its actor was made.
struct left_out_counts {
  std::atomic<std::uint64_t> filtered{0};
  std::atomic<std::uint64_t> expired{0};
};

/// What is kept from members of a group, or from a reader without one.
struct screening {
  core::screen_rule rule;
  /// Null: nobody wants to know.
  std::shared_ptr<left_out_counts> counts;
};

/// A member of an `ordered` group whose queues are kept while it is away.
struct member_seat {
  group_id group;
  std::string member;
  std::vector<queue_id> queues;
  /// They are kept no more.
  bool gone = false;
};

/// A queue is now this member's.
struct assignment {
  member_id member;
  generation owner;
  std::string topic;
  queue_number number;
  queue_id queue;
  start_position start;
  range_policy out_of_range = range_policy::error;
  std::uint32_t credit_bytes = 0;
  screening screen = {};
};

/// A queue is to be given back.
struct revocation {
  member_id member;
  queue_id queue;
  generation owner;
  std::uint32_t deadline_ms = 0;
  /// It is taken already: stop, there is nothing to release.
  bool taken = false;
};

/// Messages for a member of a `shared` or `keyed` group, and the bytes of its demand that they
/// cost.
struct lending {
  frames::leased what;
  std::uint64_t bytes = 0;
};

/// Where a message is in a group that lends, as of `now`.
struct lent_whereabouts {
  core::whereabouts where;
  /// The name of who has it.
  std::string member;
  core::instant now;
};

/// A subscription's position was found.
struct reading {
  core::reader_id reader;
  offset begin;
  offset earliest;
  offset end;
  /// How long its messages are worth delivering.
  core::topic_expiry expiry = {};
};

/// What a reader of a queue needs at once, and the demand that it gave back.
struct want {
  std::uint64_t bytes = 0;
  std::uint64_t returned = 0;
};

/// What the log says of messages for later, in its order.
struct timer_news_list {
  std::vector<core::timer_news> news;
  /// Read at a start, from the checkpoint on: the index may know it already.
  bool replayed = false;
};

struct timer_rows {
  std::vector<core::timer_ptr> rows;
  /// These are all that was asked for; otherwise there may be more behind `end`.
  bool whole = true;
  timer_key end = {};
};

/// Pending ones of these queues, behind `after`.
struct timer_page {
  std::set<queue_id> queues;
  timer_key after;
  std::size_t limit = 0;
};

/// Which of these queues' messages for later.
struct timer_selection {
  std::vector<queue_id> queues;
  frames::timer_which which;
};

/// Changes for the index, all or none.
struct timer_flush {
  std::vector<core::timer_ptr> put;
  std::vector<timer_key> ended;
};

/// The index, for reading; null: there is none.
struct timer_handle {
  std::shared_ptr<const storage::timer_index> index;
};

/// What a transaction gets more, as its shard keeps it.
struct tx_wish {
  transaction_id id;
  std::string group;
  std::uint32_t check_first_ms = 0;
  std::uint32_t check_every_ms = 0;
  std::vector<half_batch> halves;
  std::vector<consumed_messages> consumed;
  /// Queues that get messages without a key.
  std::set<queue_id> keyless = {};
};
/// A transaction has ended so; what groups are done with by that.
struct tx_done {
  bool committed = false;
  std::vector<consumed_messages> consumed;
};
/// Parts of commits of `from`, in their order.
struct tx_parts {
  shard_id from;
  std::vector<core::transaction_part> parts;
};
/// Transactions of one shard that have changed, and those that it has forgotten.
struct tx_news {
  shard_id shard;
  std::vector<transaction_record> changed;
  std::vector<transaction_id> gone;
  transaction_counts counts;
};
/// Where the parts of a transaction go.
struct tx_question {
  shard_id coordinator;
  std::vector<queue_id> queues;
  std::vector<std::string> groups;
};
/// What groups are done with.
struct tx_settled {
  std::vector<consumed_messages> consumed;
};

struct subscribe_request {
  subscription_id subscription;
  start_position start;
  range_policy out_of_range = range_policy::error;
};

} // namespace carafe

#include "actors/local_messages.hpp"
