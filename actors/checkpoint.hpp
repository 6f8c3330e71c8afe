#pragma once

#include "actors/interfaces.hpp"
#include "actors/latest_messages.hpp"
#include "schema/batch.hpp"
#include "storage/commit_log.hpp"
#include "storage/state_store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace carafe {

struct checkpoint_state {
  static inline const char* name = "checkpoint";
  std::shared_ptr<storage::commit_log> log;
  std::shared_ptr<storage::state_store> state;
  std::shared_ptr<latest_messages> latest;
  batch_limits limits;
  /// What the oldest segment holds of each queue: looked up once a segment.
  entry_index oldest_end{0};
  std::shared_ptr<const queue_ends> oldest;
};

/// Saves a shard's checkpoints, and looks what retention may drop once one is saved.
///
/// @thread Spawn detached: it blocks on the disk.
checkpoint_actor::behavior_type
checkpoint_keeper(checkpoint_actor::stateful_pointer<checkpoint_state> self,
                  std::shared_ptr<storage::commit_log> log,
                  std::shared_ptr<storage::state_store> state,
                  std::shared_ptr<latest_messages> latest, batch_limits limits);

} // namespace carafe
