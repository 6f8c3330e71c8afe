#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/shard.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

/// A checkpoint that the disk had no room for.
constexpr std::uint64_t save_again_after_ms = 1'000;

/// Topics that were deleted, or keep their messages for less long, have left nothing to read there.
bool all_begin_after(const core::shard_state& state, const queue_ends& ends) {
  return std::ranges::all_of(ends, [&](const auto& end) {
    const auto* record = state.queue(end.first);
    return record == nullptr || record->start >= end.second;
  });
}

void plan_retention(shard_pointer self, const retention_plan& newest) {
  auto& s = self->state;
  const auto plan = s.copying_for.value_or(newest);
  if (plan.first.value == 0 || s.drop || s.draining) return;
  if (latest_lack(s, *plan.ends)) {
    if (plan.due || all_begin_after(s.replica->state(), *plan.ends))
      take_in_latest(self, *plan.ends);
    return;
  }
  if (!plan.due) {
    if (all_begin_after(s.replica->state(), *plan.ends))
      s.drop = shard_state_data::drop_plan{plan.first, s.replica->applied(), plan.ends};
    return;
  }
  if (holds_any(s.replica->state(), *plan.ends)) {
    // Once these are copied, another checkpoint finds the starts where they are to be.
    s.copying_for = plan;
    for (const auto& [queue, start] : *plan.ends) spare_waiting(self, queue, start);
    return;
  }
  effect_list raise;
  bool all = true;
  for (const auto& [queue, start] : *plan.ends) {
    const auto* record = s.replica->state().queue(queue);
    if (record == nullptr || record->start >= start) continue;
    if (!(all = raise.effects.size() < raft::effects_per_entry_max)) break;
    raise.effects.emplace_back(effects::queue_start{queue, start, true});
  }
  if (raise.effects.empty()) {
    // The starts are as of what is applied, and a power failure may take that back.
    s.copying_for.reset();
    s.drop = shard_state_data::drop_plan{plan.first, s.replica->applied(), plan.ends};
    return;
  }
  auto index =
    s.replica->submit_effects(std::move(raise.effects), s.clocks->wall(), s.clocks->monotonic());
  if (!index) return; // Too much in flight: the next checkpoint plans again …
  // … and for the queues that this entry has no place for.
  if (all) {
    s.copying_for.reset();
    s.drop = shard_state_data::drop_plan{plan.first, *index, plan.ends};
  }
  pump_writes(self);
}

void drop_segments(shard_pointer self) {
  auto& s = self->state;
  if (!s.drop || s.replica->checkpoint_index() < s.drop->after) return;
  // A group may have begun to wait for something there since.
  const auto& state = s.replica->state();
  if (latest_lack(s, *s.drop->ends)) { // Its topic was made compacted since.
    take_in_latest(self, *s.drop->ends);
    s.drop.reset();
    return;
  }
  if (!all_begin_after(state, *s.drop->ends) || holds_any(state, *s.drop->ends)) {
    for (const auto& [queue, start] : *s.drop->ends) spare_waiting(self, queue, start);
    s.drop.reset();
    return;
  }
  logging::info(shard_name(self),
                "retention drops entries below " + std::to_string(s.drop->first.value));
  self->send(s.writer, drop_atom_v, s.drop->first);
  s.drop.reset();
}

retention_rule rule_of(const shard_state_data& s) {
  retention_rule rule;
  rule.checkpoint = s.replica->checkpoint_index();
  if (s.options.retention_ms != 0)
    rule.keep_after =
      unix_ms{s.clocks->wall().value - static_cast<std::int64_t>(s.options.retention_ms)};
  rule.bytes_max = s.options.retention_bytes;
  return rule;
}

/// @returns Whether the shard goes on.
bool checkpoint_saved(shard_pointer self) {
  auto& s = self->state;
  const auto index = s.unsaved->mark.index;
  s.saving = false;
  s.timers_cut = false;
  s.unsaved.reset();
  if (std::exchange(s.save_again_at, std::nullopt))
    logging::info(shard_name(self), "checkpoint: there is room again");
  s.checkpointed_at = s.clocks->monotonic();
  auto first = s.log->bounds().first;
  first = std::min(first, index + 1);
  if (auto ok = s.replica->checkpointed(index, first, s.clocks->monotonic()); !ok) {
    fail_shard(self, ok.error());
    return false;
  }
  forget_latest(self);
  drop_segments(self);
  look_after_retention(self);
  return true;
}

void not_saved(shard_pointer self, const failure& why) {
  // What a failed sync lost is not known, so it is not tried again.
  if (why.code != errc::storage_full) return fail_shard(self, why);
  // The deltas stay in `unsaved`, and in the timers.
  auto& s = self->state;
  s.saving = false;
  if (!s.save_again_at) logging::error(shard_name(self), "checkpoint: " + why.message());
  s.save_again_at = mono_ms{s.clocks->monotonic().value + save_again_after_ms};
}

void save_state(shard_pointer self) {
  auto& s = self->state;
  self->request(s.keeper, caf::infinite, save_atom_v, *s.unsaved)
    .then(
      [self](caf::ok_atom) {
        if (!checkpoint_saved(self)) return;
        if (self->state.draining) begin_checkpoint(self);
        maybe_finish_drain(self);
        // It may be that nothing is accepted before the next one.
        maybe_checkpoint(self);
      },
      [self](const caf::error& why) { not_saved(self, from_caf(why)); });
}

/// The index of waiting messages goes first: it may be ahead of the checkpoint, never behind it.
void save(shard_pointer self) {
  auto& s = self->state;
  if (!s.timers_cut) return save_state(self);
  self->request(s.timers, caf::infinite, save_atom_v)
    .then([self](caf::ok_atom) { save_state(self); },
          [self](const caf::error& why) { not_saved(self, from_caf(why)); });
}

} // namespace

void look_after_retention(shard_pointer self) {
  auto& s = self->state;
  if (s.draining || s.drop) return;
  self->request(s.keeper, caf::infinite, plan_atom_v, rule_of(s))
    .then(
      [self](const retention_plan& plan) {
        plan_retention(self, plan);
        drop_segments(self);
      },
      [self](const caf::error& why) {
        logging::warning(shard_name(self), "retention: " + from_caf(why).message());
      });
}

void maybe_finish_drain(shard_pointer self) {
  auto& s = self->state;
  if (!s.draining || s.replica->in_flight() != 0 || s.saving) return;
  if (s.replica->applied() > s.replica->checkpoint_index()) return;
  auto promise = std::move(*s.draining);
  s.draining.reset();
  promise.deliver(caf::ok_atom::value);
}

void begin_checkpoint(shard_pointer self) {
  auto& s = self->state;
  if (s.saving) return;
  if (!s.unsaved) {
    if (s.replica->applied() <= s.replica->checkpoint_index()) return;
    s.unsaved = std::make_shared<raft::checkpoint>(s.replica->take_checkpoint());
    if (s.timers) {
      self->send(s.timers, cut_atom_v);
      s.timers_cut = true;
      s.timers_bytes = 0;
    }
  }
  s.saving = true;
  if (s.options.mode == durability::fsync) {
    save(self);
    return;
  }
  self->request(s.writer, caf::infinite, sync_atom_v)
    .then([self](entry_index) { save(self); },
          [self](const caf::error& why) { fail_shard(self, from_caf(why)); });
}

void maybe_checkpoint(shard_pointer self) {
  auto& s = self->state;
  const auto behind = s.replica->applied().value - s.replica->checkpoint_index().value;
  const auto waited = s.clocks->monotonic().value - s.checkpointed_at.value;
  const bool due = behind >= s.options.checkpoint_entries || timers_are_heavy(s) ||
                   waited >= s.options.checkpoint_interval_ms || s.draining;
  if (!due || s.saving) return;
  if (s.save_again_at && s.clocks->monotonic() < *s.save_again_at && !s.draining) return;
  if (behind > 0 || s.unsaved) {
    begin_checkpoint(self);
    return;
  }
  s.checkpointed_at = s.clocks->monotonic();
  look_after_retention(self); // Messages grow old also while nothing is new.
}

} // namespace carafe
