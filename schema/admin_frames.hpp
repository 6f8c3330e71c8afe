#pragma once

/// Frames about topics, groups and the node itself, as plain structs.

#include "schema/message_frames.hpp"
#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace carafe::frames {

struct topic_describe {
  std::string name;
  bool create_if_missing = false;
};
struct topic_queue {
  queue_number number;
  queue_id queue;
  shard_id shard;
  durability mode = durability::fsync;
  offset earliest;
  offset end;
  unix_ms last_time;
};
/// What quotas held back since the node's start.
struct throttling {
  std::uint64_t produce_refused = 0;
  std::uint64_t consume_paused_ms = 0;
};
struct topic_description {
  topic_id topic;
  std::string name;
  topic_settings settings;
  unix_ms created;
  std::vector<topic_queue> queues;
  throttling throttled = {};
};
struct topic_create {
  std::string name;
  std::uint32_t queues = 0;
  topic_settings settings;
  bool if_missing = false;
};
struct topic_alter {
  std::string name;
  /// 0: as it is.
  std::uint32_t queues = 0;
  std::optional<std::uint64_t> retention_ms;
  std::optional<std::uint64_t> default_ttl_ms = {};
  std::optional<std::uint64_t> dedup_window_ms = {};
  std::optional<std::uint64_t> produce_bytes_per_second = {};
  std::optional<std::uint64_t> consume_bytes_per_second = {};
  std::optional<bool> compacted = {};
};
struct topic_delete {
  std::string name;
};
struct topic_list {};
struct topic_summary {
  std::string name;
  topic_id topic;
  std::uint32_t queues = 0;
  std::uint64_t messages = 0;
};
struct topic_names {
  std::vector<topic_summary> topics;
};

struct group_list {};
struct group_summary {
  std::string name;
  group_id group;
  std::string mode;
  std::vector<std::string> topics;
  std::uint32_t members = 0;
  std::uint64_t lag = 0;
};
struct group_names {
  std::vector<group_summary> groups;
};
struct group_describe {
  std::string name;
};
struct group_member {
  member_id member;
  std::string name;
  std::string client;
  std::string address;
  std::uint32_t queues = 0;
  unix_ms joined;
  std::uint64_t in_flight = 0;
  std::uint64_t idle_ms = 0;
  std::string id = {};
  /// It is away, and its queues are kept until then.
  std::optional<unix_ms> kept_until = {};
};
struct group_queue {
  std::string topic;
  queue_number number;
  queue_id queue;
  std::optional<offset> committed;
  offset earliest;
  offset end;
  /// 0: nobody.
  member_id owner;
  std::uint64_t lag = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;
};
/// How far a named consumer of a `broadcast` group is on one queue.
struct consumer_place {
  queue_id queue;
  std::optional<offset> committed;
  std::uint64_t lag = 0;
};
struct named_consumer {
  std::string name;
  unix_ms created;
  /// 0: nobody has the name now.
  member_id member;
  std::vector<consumer_place> places;
};
struct group_description {
  std::string name;
  group_id group;
  std::string mode;
  std::vector<std::string> topics;
  std::vector<group_member> members;
  std::vector<group_queue> queues;
  delivery_settings delivery = {};
  std::uint64_t version = 0;
  message_filter filter = {};
  /// Of `broadcast` groups.
  std::vector<named_consumer> consumers = {};
  /// Messages that were not sent for the group's filter, and for their age.
  std::uint64_t filtered = 0;
  std::uint64_t expired = 0;
};
struct group_put {
  std::string name;
  std::string mode;
  std::vector<std::string> topics;
  delivery_settings delivery = {};
  /// 0: make it.
  std::uint64_t version = 0;
  bool if_missing = false;
  message_filter filter = {};
};
struct dead_letters {
  std::string group;
};
struct open_letters {
  queue_id queue;
  queue_number number;
  std::vector<offset_range> open;
};
struct dead_letter_list {
  std::vector<open_letters> queues;
};
struct redrive {
  std::string group;
  std::vector<queue_ranges> letters;
  bool purge = false;
};
struct redriven_letter {
  queue_id queue;
  offset at;
  failure why{errc::none};
};
struct redriven {
  std::vector<redriven_letter> letters;
};
struct group_reset {
  std::string group;
  /// Empty: every topic of the group.
  std::string topic;
  /// Nothing: every queue.
  std::optional<queue_number> number;
  start_position to;
  /// Of `broadcast` groups; empty: all named consumers.
  std::string consumer = {};
};
struct group_delete {
  std::string name;
};
/// A named consumer of a `broadcast` group goes, with its offsets.
struct group_forget {
  std::string group;
  std::string name;
};

struct node_status {};
struct latency_summary {
  std::uint64_t count = 0;
  std::uint64_t p50_us = 0;
  std::uint64_t p99_us = 0;
  std::uint64_t max_us = 0;
};
/// So many groups of at most so many bytes.
struct group_size {
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
};
struct shard_status {
  shard_id shard;
  durability mode = durability::fsync;
  std::string role;
  term current_term;
  entry_index first;
  entry_index committed;
  entry_index checkpoint;
  entry_index synced;
  std::uint32_t queues = 0;
  std::uint64_t log_bytes = 0;
  std::uint32_t segments = 0;
  std::uint32_t producers = 0;
  latency_summary commits;
  latency_summary syncs;
  bool storage_full = false;
  std::vector<group_size> group_sizes;
};
struct node_status_report {
  std::string node;
  std::string software;
  std::uint64_t uptime_ms = 0;
  std::uint32_t connections = 0;
  std::uint32_t topics = 0;
  std::uint32_t groups = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_out = 0;
  double messages_in_per_second = 0;
  double messages_out_per_second = 0;
  double bytes_in_per_second = 0;
  double bytes_out_per_second = 0;
  std::vector<shard_status> shards;
  std::uint64_t disk_free_bytes = 0;
  std::string data_dir;
  std::uint64_t cpu_ms = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t disk_written_bytes = 0;
  std::uint64_t fsyncs = 0;
  throttling throttled = {};
};
struct node_actors {};
struct actor_info {
  std::string name;
  std::string kind;
  std::uint32_t mailbox = 0;
};
struct node_actor_list {
  std::vector<actor_info> actors;
};
struct backup {
  std::string path;
};
struct backup_done {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint32_t shards = 0;
};

} // namespace carafe::frames
