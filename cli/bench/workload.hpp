#pragma once

#include "actors/core/histogram.hpp"
#include "cli/shell/interruption.hpp"
#include "cli/shell/node_api.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace carafe::bench {

/// What is sent, and how.
struct load {
  std::string topic;
  std::uint32_t queues = 4;
  durability mode = durability::fsync;
  std::uint64_t messages = 1'000'000;
  std::uint64_t body_bytes = 100;
  std::uint64_t key_bytes = 0;
  /// Different keys; message n has key n % keys, as digits that `key_bytes` may cut.
  std::uint64_t keys = 1'000'003;
  /// Messages a second, in an even stream that does not wait for answers; 0: as fast as they go.
  double rate = 0;
  client::producer_options producer{};
  /// What `consume` is sent; it counts everything that was looked through for that.
  client::message_filter filter{};
};

/// What one workload came to.
struct figures {
  std::string workload;
  std::uint64_t messages = 0;
  /// Of bodies.
  std::uint64_t bytes = 0;
  double seconds = 0;
  /// From the moment a message was due to its acknowledgement; of a sample of them unless the
  /// stream is paced. Empty where there is nothing to wait for.
  core::histogram latency{};
  // Of the node, while it ran.
  std::uint64_t node_cpu_ms = 0;
  /// The most it had, looked at ten times a second.
  std::uint64_t node_memory_peak_bytes = 0;
  /// Given to write calls.
  std::uint64_t disk_bytes = 0;
  std::uint64_t fsyncs = 0;
  /// Groups that the node's log writers stored, and how large they were.
  std::uint64_t groups = 0;
  std::vector<client::group_size> group_sizes{};
  /// What its logs grew by.
  std::uint64_t entries = 0;
  std::uint64_t log_bytes = 0;
};

/// Sends `what.messages` without waiting for each.
result<figures> produce(shell::node_api& node, const load& what, shell::interruption& stop);

/// Sends messages one at a time, each when the one before is acknowledged.
result<figures> produce_one_by_one(shell::node_api& node, const load& what,
                                   shell::interruption& stop);

/// Reads the topic's first `what.messages` messages, all queues, without a group; with a filter
/// those of them that pass.
result<figures> consume(shell::node_api& node, const load& what, shell::interruption& stop);

} // namespace carafe::bench
