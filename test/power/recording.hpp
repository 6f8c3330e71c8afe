#pragma once

/// A node under load whose every write and sync is recorded, and what its client did meanwhile.

#include "schema/frame.hpp"
#include "test/e2e/node_process.hpp"
#include "test/sim/oracle.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace carafe::power {

using sim::batch_name;

/// What is loaded: a topic of two queues for each durability.
struct loaded_queue {
  std::string topic;
  queue_number number;
  durability mode = durability::fsync;
  queue_id queue;
};

/// A batch that the client sent.
struct sent_batch {
  batch_name name;
  sequence previous;
  /// Into the queues.
  std::size_t queue = 0;
  std::vector<std::string> bodies;
};

/// A commit of the group that reads the `fsync` and the `interval` topic.
struct sent_commit {
  std::size_t queue = 0;
  offset next;
};

struct recording {
  std::uint64_t seed = 0;
  std::uint64_t root_inode = 0;
  std::string trace;
  std::vector<loaded_queue> queues;
  std::vector<sent_batch> batches;
  /// By request, which no two have in common, over all phases.
  std::map<std::uint64_t, std::size_t> batch_requests;
  std::map<std::uint64_t, sent_commit> commit_requests;
  /// The entry of each batch that is in a log of `interval` or `memory` mode at the end.
  std::map<std::pair<queue_id, offset>, entry_index> entries;
  /// … and the first entry of each commit there, by where the group goes on.
  std::map<std::pair<queue_id, offset>, entry_index> commit_entries;
  /// Index of the first batch of each life of the node.
  std::vector<std::size_t> lives;
};

[[nodiscard]] frames::produce produce_frame(const sent_batch& b, queue_id queue);

inline constexpr const char* group_name = "workers";

/// The node's settings: small segments, frequent checkpoints, retention.
[[nodiscard]] test::node_process::settings node_settings();

struct recording_plan {
  std::uint64_t seed = 0;
  std::string program;
  std::string recorder;
  /// Its data go here.
  std::filesystem::path folder;
  std::uint32_t lives = 2;
  std::uint32_t batches = 220;
};

/// Starts the node, loads it and ends it, with kill -9 or in order, again and again.
[[nodiscard]] recording record(const recording_plan& plan);

} // namespace carafe::power
