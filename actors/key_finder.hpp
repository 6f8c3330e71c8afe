#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>

namespace carafe {

/// Offsets in one answer.
inline constexpr std::uint32_t found_keys_max = 10'000;

/// What is looked for, and where.
struct key_plan {
  frames::key_find wish;
  queue_place place;
  shard_handles shard;
};

struct key_finder_state {
  static inline const char* name = "key_finder";

  key_plan plan;
  storage::key_query query;
  storage::read_hint hint;
  /// Where this answer began.
  offset begin;
  std::uint64_t bytes = 0;
  frames::key_found found;
  caf::typed_response_promise<frames::key_found> promise;
  caf::actor_addr asker;
};

using key_finder_pointer = key_finder_actor::stateful_pointer<key_finder_state>;

/// Looks for messages of a key in one queue, as far as one answer goes. It ends with its answer, or
/// with who asked.
///
/// @cost Steps of about 4 MiB of the log, between which the log's other readers have their turn; at
///       most 64 MiB, or what it takes to pass over what has nothing of the queue.
key_finder_actor::behavior_type find_key_of(key_finder_pointer self, key_plan plan);

} // namespace carafe
