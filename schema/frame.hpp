#pragma once

/// The client protocol's frames as plain structs; `schema/wire.capnp` is their exact wire shape.

#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace carafe::frames {

inline constexpr std::uint16_t protocol_version = 1;

struct error {
  failure why;
  std::uint32_t retry_after_ms = 0;
};
struct hello {
  std::uint16_t version_min = protocol_version;
  std::uint16_t version_max = protocol_version;
  std::string client;
  std::string software;
};
struct welcome {
  std::uint16_t version = protocol_version;
  std::string node;
  std::string software;
  std::uint32_t frame_bytes_max = 0;
  std::uint32_t message_bytes_max = 0;
  std::uint32_t batch_count_max = 0;
  std::uint32_t idle_timeout_ms = 0;
  std::uint32_t in_flight_max = 0;
};
struct ping {};
struct pong {};
struct ok {};

struct produce {
  queue_id queue;
  producer_id producer;
  sequence first;
  sequence previous;
  std::uint32_t count = 0;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  shared_bytes batch;
};
struct receipt {
  queue_id queue;
  offset first;
  std::uint32_t count = 0;
  durability reached = durability::fsync;
  std::uint16_t replicas = 1;
  bool duplicate = false;
  unix_ms broker_time;
};

struct subscribe {
  subscription_id subscription;
  queue_id queue;
  start_position start;
  range_policy out_of_range = range_policy::error;
  std::uint32_t credit_bytes = 0;
};
struct subscribed {
  subscription_id subscription;
  offset begin;
  offset earliest;
  offset end;
};
struct unsubscribe {
  subscription_id subscription;
};
struct credit {
  subscription_id subscription;
  std::uint32_t bytes = 0;
};
struct deliver {
  subscription_id subscription;
  queue_id queue;
  offset base;
  std::uint32_t count = 0;
  unix_ms broker_time;
  producer_id producer;
  sequence first;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  shared_bytes batch;
};
struct subscription_ended {
  subscription_id subscription;
  failure why;
};

struct join {
  std::string group;
  std::vector<std::string> topics;
  std::string member;
  start_position start;
  range_policy out_of_range = range_policy::error;
  std::uint32_t credit_bytes = 0;
};
struct joined {
  member_id member;
  group_id group;
};
struct assigned {
  member_id member;
  subscription_id subscription;
  generation owner;
  std::string topic;
  queue_number number;
  queue_id queue;
  offset begin;
};
struct revoked {
  member_id member;
  queue_id queue;
  generation owner;
  std::uint32_t deadline_ms = 0;
};
struct release {
  member_id member;
  queue_id queue;
  generation owner;
};
struct commit_position {
  queue_id queue;
  generation owner;
  offset next;
};
struct commit {
  member_id member;
  std::vector<commit_position> positions;
};
struct leave {
  member_id member;
};

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
struct topic_description {
  topic_id topic;
  std::string name;
  topic_settings settings;
  unix_ms created;
  std::vector<topic_queue> queues;
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
};
struct group_description {
  std::string name;
  group_id group;
  std::string mode;
  std::vector<std::string> topics;
  std::vector<group_member> members;
  std::vector<group_queue> queues;
};
struct group_reset {
  std::string group;
  /// Empty: every topic of the group.
  std::string topic;
  /// Nothing: every queue.
  std::optional<queue_number> number;
  start_position to;
};
struct group_delete {
  std::string name;
};

struct node_status {};
struct latency_summary {
  std::uint64_t count = 0;
  std::uint64_t p50_us = 0;
  std::uint64_t p99_us = 0;
  std::uint64_t max_us = 0;
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

/// Alternatives in the order of the union in `wire.capnp`.
using body =
  std::variant<error, hello, welcome, ping, pong, ok, produce, receipt, subscribe, subscribed,
               unsubscribe, credit, deliver, subscription_ended, join, joined, assigned, revoked,
               release, commit, leave, topic_describe, topic_description, topic_create, topic_alter,
               topic_delete, topic_list, topic_names, group_list, group_names, group_describe,
               group_description, group_reset, group_delete, node_status, node_status_report,
               node_actors, node_actor_list, backup, backup_done>;

struct frame {
  std::uint64_t request = 0;
  frames::body body;
};

/// Encodes `f` at the end of `out` as one Cap'n Proto stream message.
/// @cost One copy of a batch.
void encode(const frame& f, std::vector<char>& out);

/// Splits a byte stream into frames.
///
/// Bytes go in as they arrive; whole frames come out. Batches in them are views into the reader's
/// buffers, kept alive by `shared_bytes`, so nothing is copied after `feed`.
class reader {
public:
  /// @param frame_bytes_max A frame that announces more is refused before it is buffered.
  explicit reader(std::uint32_t frame_bytes_max);

  /// Takes the bytes in.
  void feed(std::span<const std::byte> bytes);

  /// The next whole frame, nothing if more bytes are needed.
  /// @errors frame_malformed, frame_too_large, unsupported (a union tag of a newer version, with
  ///         the frame's request number in `last_request`). After frame_malformed and
  ///         frame_too_large the stream cannot be trusted: close the connection.
  result<std::optional<frame>> next();

  /// Request number of the frame `next` last looked at, for the answer to a bad one; 0 if unknown.
  [[nodiscard]] std::uint64_t last_request() const noexcept { return last_request_; }

  /// Bytes held that are not yet a whole frame.
  [[nodiscard]] std::size_t buffered() const noexcept;

private:
  void make_room(std::size_t more);
  result<std::optional<frame>> decode(std::span<const std::byte> bytes);

  std::uint32_t frame_bytes_max_;
  std::uint64_t last_request_ = 0;
  std::size_t frame_bytes_seen_ = 0;    // The largest frame so far.
  std::shared_ptr<std::byte[]> buffer_; // 16-byte aligned, as Cap'n Proto wants.
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

} // namespace carafe::frames
