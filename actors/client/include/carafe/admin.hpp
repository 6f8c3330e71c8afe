#pragma once

/// What the admin calls of `client` take and give.

#include <carafe/consumer.hpp>
#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace carafe::client {

struct topic_settings {
  std::uint64_t retention_ms = 0; ///< 0: the node's own.
  durability mode = durability::fsync;
  /// How long after it was stored a message is worth delivering; 0:
  /// always.
  std::uint64_t default_ttl_ms = 0;
  /// How long the `dedup_id` of a message counts, at most 30 days; 0: ids do not matter.
  std::uint64_t dedup_window_ms = 0;
  /// Quotas of the whole topic: bytes of batches, as they are sent, a second, at most 16 GiB; 0:
  /// none. Over it, producers wait and consumers are sent less.
  std::uint64_t produce_bytes_per_second = 0;
  std::uint64_t consume_bytes_per_second = 0;
  /// The last message of each key outlives retention, and is read at its offset; messages need a
  /// key. One with an empty body ends its key.
  bool compacted = false;
};
/// What to change of a topic, as in `topic_settings`; what is not given stays.
struct topic_change {
  /// Never fewer than before.
  std::optional<std::uint32_t> queues = {};
  std::optional<std::uint64_t> retention_ms = {};
  std::optional<std::uint64_t> default_ttl_ms = {};
  std::optional<std::uint64_t> dedup_window_ms = {};
  std::optional<std::uint64_t> produce_bytes_per_second = {};
  std::optional<std::uint64_t> consume_bytes_per_second = {};
  std::optional<bool> compacted = {};

  friend bool operator==(const topic_change&, const topic_change&) = default;
};
/// What quotas held back since the node's start.
struct throttling {
  /// Batches refused; their producers sent them again later.
  std::uint64_t produce_refused = 0;
  /// How long batches were held back: of each queue by its topic's quota, of each connection by its
  /// client's.
  std::uint64_t consume_paused_ms = 0;
};
struct queue_info {
  queue_number number;
  queue_id queue;
  shard_id shard;
  durability mode = durability::fsync;
  offset earliest;
  offset end;
  unix_ms last_time;
};
struct topic_info {
  topic_id topic;
  std::string name;
  topic_settings settings;
  unix_ms created;
  std::vector<queue_info> queues;
  throttling throttled = {};
};
/// A producer's name.
struct producer_line {
  std::string name;
  /// How often it was opened.
  std::uint32_t epoch = 0;
  unix_ms created;
  unix_ms opened;
};
struct topic_line {
  std::string name;
  topic_id topic;
  std::uint32_t queues = 0;
  std::uint64_t messages = 0;
};
/// How a group of mode `shared` or `keyed` delivers.
struct delivery_settings {
  /// A delivery that is neither settled nor renewed for so long has failed.
  std::uint64_t lease_ms = 30'000;
  /// After so many failed deliveries a message is dead.
  std::uint32_t attempts_max = 16;
  /// Pause after the 1st, 2nd … failed delivery; the last one repeats. At most 64.
  std::vector<std::uint64_t> backoff_ms = {
    10'000,  30'000,  60'000,  120'000, 180'000,   240'000,   300'000,   360'000,
    420'000, 480'000, 540'000, 600'000, 1'200'000, 1'800'000, 3'600'000, 7'200'000};
  /// Each pause is shortened at random by up to so much of it.
  std::uint32_t jitter_percent = 0;
  /// Messages that one consumer, or all of the group, may have at a time.
  std::uint32_t member_in_flight_max = 10'000;
  std::uint32_t in_flight_max = 100'000;
  /// Messages that wait for their next attempt, or behind one of their key; past it the group takes
  /// no new ones.
  std::uint32_t waiting_max = 100'000;
  /// Messages that expire become dead letters; otherwise they are dropped.
  bool expired_to_dead_letters = false;

  friend bool operator==(const delivery_settings&, const delivery_settings&) = default;
};
/// What a group is to be.
struct group_definition {
  std::string name{};
  /// "ordered", "shared", "keyed" or "broadcast".
  std::string mode{};
  std::vector<std::string> topics{};
  /// Of `shared` and `keyed` groups.
  delivery_settings delivery{};
  /// 0: make it. Otherwise: change it, if it still has this version.
  std::uint64_t version = 0;
  /// When made: the same group being there already is no error.
  bool if_missing = false;
  message_filter filter{};
};
/// Dead letters of a group that were neither brought back nor purged, in one queue of its topic
/// `%DLQ%<group>`: offsets from `first` on, `count` of them.
struct dead_letter_range {
  queue_id queue;
  queue_number number;
  offset first;
  std::uint64_t count = 0;
};
/// What became of one dead letter.
struct redriven_letter {
  queue_id queue;
  carafe::offset offset;
  /// `errc::none`: it is done.
  failure why{errc::none};
};
struct group_line {
  std::string name;
  group_id group;
  std::string mode;
  std::vector<std::string> topics;
  std::uint32_t members = 0;
  std::uint64_t lag = 0;
};
struct member_info {
  member_id member;
  std::string name;
  std::string client;
  std::string address;
  std::uint32_t queues = 0;
  unix_ms joined;
  // Of `shared` and `keyed` groups: messages that it has, and how long it has had some and settled
  // none.
  std::uint64_t in_flight = 0;
  std::uint64_t idle_ms = 0;
  // Of `ordered` groups: for whom queues are kept. It is away (`member` is 0), and they are kept
  // until then.
  std::string id = {};
  std::optional<unix_ms> kept_until = {};
};
struct group_queue_info {
  std::string topic;
  queue_number number;
  queue_id queue;
  std::optional<offset> committed;
  offset earliest;
  offset end;
  member_id owner;
  std::uint64_t lag = 0;
  // Of `shared` and `keyed` groups: messages that members have, and that wait for their next
  // attempt or behind one of their key; `lag` counts both.
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;
};
/// How far a named consumer of a `broadcast` group is.
struct named_consumer_info {
  struct place {
    queue_id queue;
    std::optional<offset> committed;
    std::uint64_t lag = 0;
  };
  std::string name;
  unix_ms created;
  /// 0: it is not connected.
  member_id member;
  std::vector<place> places;
};
struct group_info {
  std::string name;
  group_id group;
  std::string mode;
  std::vector<std::string> topics;
  std::vector<member_info> members;
  std::vector<group_queue_info> queues;
  delivery_settings delivery{};
  /// Rises with each change of mode, topics, filter or settings.
  std::uint64_t version = 0;
  message_filter filter{};
  /// Of `broadcast` groups, by name. There `committed` and `lag` of a queue are those of the
  /// consumer that is least far.
  std::vector<named_consumer_info> consumers{};
  /// Messages that consumers were not sent for the filter, and for their age, since the node knows
  /// the group as it is: since its start, or the last change of mode, topics or filter. In
  /// `ordered` and `broadcast` groups once for each reading of the message.
  std::uint64_t filtered = 0;
  std::uint64_t expired = 0;
};
struct latency {
  std::uint64_t count = 0, p50_us = 0, p99_us = 0, max_us = 0;
};
/// Groups of entries that were written in one transaction each.
struct group_size {
  /// The most that one of them has.
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
};
struct shard_info {
  shard_id shard;
  durability mode = durability::fsync;
  std::string role;
  carafe::term term;
  entry_index first, committed, checkpoint, synced;
  std::uint32_t queues = 0, segments = 0, producers = 0;
  std::uint64_t log_bytes = 0;
  latency commits, syncs;
  bool storage_full = false;
  /// Since the node's start, by size, smallest first; each is within an eighth of `bytes`.
  std::vector<group_size> group_sizes;
};
struct node_info {
  std::string node, software, data_dir;
  std::uint64_t uptime_ms = 0, messages_in = 0, bytes_in = 0, messages_out = 0, bytes_out = 0;
  std::uint32_t connections = 0, topics = 0, groups = 0;
  double messages_in_per_second = 0, messages_out_per_second = 0;
  double bytes_in_per_second = 0, bytes_out_per_second = 0;
  std::uint64_t disk_free_bytes = 0;
  /// Of the process, all threads, since its start.
  std::uint64_t cpu_ms = 0;
  /// Resident without the pages of files: now, and the most so far, looked at once a second.
  std::uint64_t memory_bytes = 0, memory_peak_bytes = 0;
  /// Given to write calls since the start, mostly for pages of files, each as often as it was
  /// written; what goes over connections is not in it.
  std::uint64_t disk_written_bytes = 0;
  /// How often the node waited for the disk since its start.
  std::uint64_t fsyncs = 0;
  std::vector<shard_info> shards;
  throttling throttled = {};
};
struct actor_line {
  std::string name, kind;
  std::uint32_t mailbox = 0;
};
struct backup_info {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint32_t shards = 0;
};

} // namespace carafe::client
