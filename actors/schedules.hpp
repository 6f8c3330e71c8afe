#pragma once

#include "actors/clock.hpp"
#include "actors/core/schedule_core.hpp"
#include "actors/interfaces.hpp"
#include "schema/batch.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carafe {

struct schedules_options {
  core::schedule_limits limits;
  /// What a message may be.
  batch_limits messages;
  /// Makes the id of a new one, never one that it made before; empty: at random.
  std::function<schedule_id()> make_id = {};
  /// False only in simulated time, where everything runs on one thread.
  bool own_threads = true;
};

struct schedules_state {
  static inline const char* name = "schedules";

  using decision = core::schedule_core::decision;
  /// A wish to change something, waiting for its turn.
  struct change {
    std::string name;
    std::function<result<decision>()> decide;
    std::function<void(const result<decision>&)> done;
  };
  /// Where a topic's messages go, and when that was looked up.
  struct route {
    std::vector<queue_place> queues;
    mono_ms at{0};
  };
  struct held_schedule {
    schedule_id schedule;
    mono_ms until{0};
  };

  std::optional<core::schedule_core> core;
  catalogue_actor catalogue;
  std::map<shard_id, shard_actor> shards;
  std::shared_ptr<const clock> clocks;
  schedules_options options;
  std::deque<change> changes;
  bool changing = false;
  /// Steps that are being written.
  std::size_t writing = 0;
  std::map<std::string, route> routes;
  /// Shards that have rows of a schedule.
  std::map<schedule_id, std::set<shard_id>> homes;
  std::vector<held_schedule> held;
  /// What some shards could not take yet.
  std::vector<std::function<void()>> put_off;
  /// When the next tick comes.
  std::optional<mono_ms> tick_at;
};

using schedules_pointer = schedules_actor::stateful_pointer<schedules_state>;

/// Sends the messages of schedules when they are due: each with its schedule's progress as one
/// entry of its queue's shard. Schedules themselves are entries of shard 0; one change at a time.
///
/// @param shards Open ones, shard 0 among them.
/// @thread Spawn detached: it looks up time zones.
schedules_actor::behavior_type schedules(schedules_pointer self, catalogue_actor catalogue,
                                         const shard_table& shards,
                                         std::shared_ptr<const clock> clocks,
                                         schedules_options options);

// -- shared by the actor's parts ------------------------------------------------------------------

/// Takes the steps that are due, and comes back for the next.
void pump_schedules(schedules_pointer self);
/// Carries out the next change, if its schedule is free.
void change_schedules(schedules_pointer self);
/// A step: looks where the message goes, and writes it (schedule_firing.cpp).
void fire_schedule(schedules_pointer self, const core::schedule_core::firing& step);
/// Has it done a little later.
void put_off_in_schedules(schedules_pointer self, std::function<void()> work);
/// Looks again in `ms`, or before.
void look_at_schedules_in(schedules_pointer self, std::uint64_t ms);

} // namespace carafe
