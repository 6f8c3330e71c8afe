#pragma once

#include "actors/clock.hpp"
#include "actors/interfaces.hpp"
#include "storage/commit_log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <memory>

namespace carafe {

struct log_writer_state {
  static inline const char* name = "log_writer";
  std::shared_ptr<storage::commit_log> log;
  std::shared_ptr<const clock> clocks;
  shard_actor shard;
  /// Groups that found the disk full, in order; nothing overtakes them.
  std::deque<raft::write_group> waiting;
  /// Answered, in order, once the log is synced up to `target`; one a timer or checkpoint.
  struct sync_waiter {
    entry_index target;
    caf::typed_response_promise<entry_index> promise;
  };
  std::deque<sync_waiter> syncing;
  storage::log_room room = storage::log_room::everything;
};

/// Appends groups in the order they come and reports each as written; goes on appending while the
/// log is being synced. Tells the shard what there is room for. A disk that is full all the same
/// makes it try again until there is room (what was submitted to consensus cannot be taken back);
/// any other failure ends it, and with it the node.
///
/// @thread Spawn detached: it blocks on the disk.
log_writer_actor::behavior_type
log_writer(log_writer_actor::stateful_pointer<log_writer_state> self, shard_actor shard,
           std::shared_ptr<storage::commit_log> log, std::shared_ptr<const clock> clocks);

} // namespace carafe
