#pragma once

/// Frames of producers and consumers, and of every connection, as plain structs.

#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace carafe::frames {

/// The newest that is spoken. From 2 on deliveries may leave messages out.
inline constexpr std::uint16_t protocol_version = 2;
inline constexpr std::uint16_t protocol_version_min = 1;
inline constexpr std::uint16_t sparse_version = 2;

struct error {
  failure why;
  std::uint32_t retry_after_ms = 0;
};
struct hello {
  std::uint16_t version_min = protocol_version_min;
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
  named_part named = {};
};
struct receipt {
  queue_id queue;
  offset first;
  std::uint32_t count = 0;
  durability reached = durability::fsync;
  std::uint16_t replicas = 1;
  bool duplicate = false;
  unix_ms broker_time;
  bool timed = false;
};

struct subscribe {
  subscription_id subscription;
  queue_id queue;
  start_position start;
  range_policy out_of_range = range_policy::error;
  std::uint32_t credit_bytes = 0;
  message_filter filter = {};
  /// Messages whose time to live is over, too.
  bool expired = false;
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
  /// `batch` holds exactly the messages of `ranges`; the others of `count` were left out.
  bool sparse = false;
  /// Ascending.
  std::vector<offset_range> ranges = {};
  /// Those of them that were too old when they were sent.
  std::vector<offset_range> expired = {};
};
struct subscription_ended {
  subscription_id subscription;
  failure why;
  /// Not 0: it is a membership that ended, and `subscription` is 0.
  member_id member = {};
};

struct join {
  std::string group;
  std::vector<std::string> topics;
  std::string member;
  start_position start;
  range_policy out_of_range = range_policy::error;
  std::uint32_t credit_bytes = 0;
  /// Empty: `ordered`.
  std::string mode;
  std::uint32_t in_flight_max = 0;
  message_filter filter = {};
  /// Of `broadcast`: under which offsets are kept; empty: none are.
  std::string name = {};
  /// Who has the name, over reconnections; 0: only as long as the connection lasts.
  std::uint64_t holder = 0;
  /// Of `ordered`: for whom queues are kept; empty: for nobody.
  std::string member_id = {};
  /// The group that it was a member of before; 0: of none.
  group_id rejoins = {};
};
struct joined {
  member_id member;
  group_id group;
  /// Of `shared` and `keyed` groups.
  subscription_id subscription;
  std::uint64_t lease_ms = 0;
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

struct queue_ranges {
  queue_id queue;
  std::vector<offset_range> ranges;

  friend bool operator==(const queue_ranges&, const queue_ranges&) = default;
};
struct leased {
  subscription_id subscription;
  std::string topic;
  queue_number number;
  queue_id queue;
  /// Ascending.
  std::vector<offset_range> ranges;
  std::uint32_t attempt = 1;
  unix_ms broker_time;
  producer_id producer;
  /// Of the message at offset `base`.
  sequence first;
  offset base;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  /// Exactly the messages of `ranges`; or, if `batch_count` is not 0, so many from `base` on, of
  /// which the others are not the member's.
  shared_bytes batch;
  std::uint32_t batch_count = 0;
};
struct settle_failed {
  queue_id queue;
  offset at;
  bool dead = false;
  /// Nothing: the group's back-off decides.
  std::optional<std::uint64_t> delay_ms;
  std::string error;

  friend bool operator==(const settle_failed&, const settle_failed&) = default;
};
struct settle {
  member_id member;
  std::vector<queue_ranges> done;
  std::vector<settle_failed> failed;
  std::vector<queue_ranges> returned;
};
struct renew {
  member_id member;
  std::vector<queue_ranges> held;
};
struct renewed {
  std::vector<queue_ranges> lost;
};

} // namespace carafe::frames
