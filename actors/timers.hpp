#pragma once

#include "actors/clock.hpp"
#include "actors/core/timer_core.hpp"
#include "actors/interfaces.hpp"
#include "schema/batch.hpp"
#include "storage/timer_runs.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <filesystem>
#include <memory>
#include <optional>

namespace carafe {

struct timers_options {
  /// Where the index is kept.
  std::filesystem::path folder;
  batch_limits limits;
  storage::timer_runs::options runs = {};
  /// False only in simulated time, where everything runs on one thread.
  bool own_threads = true;
};

struct timers_state {
  static inline const char* name = "timers";

  core::timer_core core;
  shard_actor shard;
  timer_store_actor store;
  std::shared_ptr<const clock> clocks;
  timers_options options;
  /// When the next tick comes.
  std::optional<mono_ms> tick_at;
  mono_ms fired_at{0};
  /// After a refusal nothing is delivered before.
  mono_ms not_before{0};
};

using timers_pointer = timers_actor::stateful_pointer<timers_state>;

/// A shard's waiting messages: what the shard tells it of the log goes into `timer_core`; what is
/// due is written by the shard, as one entry with its end.
timers_actor::behavior_type timers(timers_pointer self, shard_actor shard,
                                   std::shared_ptr<const clock> clocks, timers_options options);

// -- timer_requests.cpp: what people ask for ------------------------------------------------------
caf::result<std::uint32_t> cancel_timers(timers_pointer self, const timer_selection& which);
caf::result<std::uint32_t> move_timers(timers_pointer self, const timer_selection& which,
                                       std::int64_t deliver_at);
caf::result<timer_rows> list_timers(timers_pointer self, const timer_page& page);
caf::result<timer_rows> find_timers(timers_pointer self, const timer_selection& which);

} // namespace carafe
