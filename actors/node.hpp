#pragma once

#include "actors/catalogue.hpp"
#include "actors/clock.hpp"
#include "actors/interfaces.hpp"
#include "actors/latest_messages.hpp"
#include "actors/metrics.hpp"
#include "actors/quotas.hpp"
#include "config/node_options.hpp"
#include "storage/data_dir.hpp"

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace carafe {

/// The version of this software, as `--version` and `node status` show it.
inline constexpr const char* software_version = "carafe 0.1.0";

/// Called once, from any thread, when the node cannot go on.
using fatal_handler = std::function<void(const failure&)>;

struct node_state {
  static inline const char* name = "node";

  struct sample {
    std::uint64_t at_us = 0;
    std::uint64_t messages_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t messages_out = 0;
    std::uint64_t bytes_out = 0;
  };

  config::node_options options;
  std::shared_ptr<storage::data_dir> dir;
  std::shared_ptr<const clock> clocks;
  std::shared_ptr<node_metrics> metrics;
  std::shared_ptr<quota_board> quotas;
  fatal_handler fatal;
  bool stopping = false;
  /// The parts are told to end: that they do is no failure.
  bool ending = false;
  /// Why a part ended while the node was stopping.
  std::optional<failure> failed_stop;
  mono_ms started{0};
  /// Who waits for the start.
  std::optional<caf::typed_response_promise<node_ports>> starting;
  bool listening = false;

  shard_table shards;
  /// For backups.
  std::map<shard_id, storage::opened_shard> disks;
  std::map<shard_id, std::shared_ptr<latest_messages>> latest;
  catalogue_actor catalogue;
  transactions_actor transactions;
  listener_actor listener;
  /// What the node cannot do without, and how the log calls it.
  std::unordered_map<caf::actor_addr, std::string> parts;
  /// Once a second, the last ten.
  std::deque<sample> samples;
  std::uint64_t memory_peak_bytes = 0;
  std::uint32_t idle_seconds = 0;
};

/// The supervisor. A shard, its log writer, reader or checkpoint actor, the catalogue or the
/// listener that dies takes the node with it: `fatal` is called, and nothing more is acknowledged.
///
/// @thread Spawn detached: it opens shards.
node_actor::behavior_type node(node_actor::stateful_pointer<node_state> self,
                               config::node_options options, std::shared_ptr<storage::data_dir> dir,
                               std::shared_ptr<const clock> clocks, fatal_handler fatal);

/// Answers from all over the node (actors/node_status.cpp).
caf::result<frames::node_status_report>
report_status(node_actor::stateful_pointer<node_state> self);
/// The actors that serve the node, each with the length of its mailbox as it says itself.
caf::result<frames::node_actor_list> list_actors(node_actor::stateful_pointer<node_state> self);
void sample_rates(node_state& s);
/// Gives memory that was needed under load back to the system, when there is none for a while.
void trim_memory_if_idle(node_state& s);

} // namespace carafe
