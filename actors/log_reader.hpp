#pragma once

#include "actors/interfaces.hpp"
#include "actors/latest_messages.hpp"
#include "storage/commit_log.hpp"
#include "storage/state_store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace carafe {

struct log_reader_state {
  static inline const char* name = "log_reader";
  std::shared_ptr<storage::commit_log> log;
  std::shared_ptr<storage::state_store> state;
  std::shared_ptr<latest_messages> latest;
};

/// Reads the log for queues, one request at a time.
///
/// @thread Spawn detached: a cold page blocks.
log_reader_actor::behavior_type
log_reader(log_reader_actor::stateful_pointer<log_reader_state> self,
           std::shared_ptr<storage::commit_log> log, std::shared_ptr<storage::state_store> state,
           std::shared_ptr<latest_messages> latest);

} // namespace carafe
