#pragma once

#include "actors/interfaces.hpp"
#include "storage/timer_index.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <filesystem>
#include <memory>

namespace carafe {

struct timer_store_state {
  static inline const char* name = "timer_store";
  std::shared_ptr<storage::timer_index> index;
};

/// A shard's index of waiting messages. It opens (and checks) it first, and quits if it cannot.
///
/// @thread Spawn detached: it blocks on the disk.
timer_store_actor::behavior_type
timer_store(timer_store_actor::stateful_pointer<timer_store_state> self,
            std::filesystem::path folder, storage::timer_runs::options runs);

} // namespace carafe
