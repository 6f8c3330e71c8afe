#pragma once

/// Frames of producers and consumers, and of every connection, as plain structs.

#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <string>
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

} // namespace carafe::frames
