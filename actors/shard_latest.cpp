#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/shard.hpp"

#include <algorithm>
#include <utility>

namespace carafe {

namespace {

/// Up to where a compacted queue was taken in, as far as it is known.
offset horizon_of(const shard_state_data& s, queue_id queue, const queue_record& record) {
  const auto at = s.horizons.find(queue);
  return at == s.horizons.end() ? record.kept_from : std::max(at->second, record.kept_from);
}

bool lacks(const shard_state_data& s, queue_id queue, offset end) {
  const auto* record = s.replica->state().queue(queue);
  return record != nullptr && record->compacted && horizon_of(s, queue, *record) < end;
}

/// What is left is tried again when retention comes by again.
void give_up(shard_pointer self, const failure& why) {
  logging::warning(shard_name(self),
                   "retention waits for what is kept of compacted topics: " + why.message());
  self->state.keeping = false;
  self->state.taking_in.clear();
}

void take_in_next(shard_pointer self) {
  auto& s = self->state;
  if (s.keeping || s.draining) return;
  while (!s.taking_in.empty()) {
    const auto [queue, until] = *s.taking_in.begin();
    if (!lacks(s, queue, until)) {
      s.taking_in.erase(s.taking_in.begin());
      continue;
    }
    s.keeping = true;
    const auto from = s.replica->state().queue(queue)->kept_from;
    const keep_request wish{queue, from, until, s.replica->checkpoint_index()};
    self->request(s.keeper, caf::infinite, keep_atom_v, wish)
      .then(
        [self, queue = queue,
         before = horizon_of(s, queue, *s.replica->state().queue(queue))](const keep_reply& done) {
          auto& state = self->state;
          state.keeping = false;
          if (done.horizon <= before) return state.taking_in.clear(); // Retention comes by again.
          state.horizons[queue] = done.horizon;
          take_in_next(self);
        },
        [self](const caf::error& why) { give_up(self, from_caf(why)); });
    return;
  }
  look_after_retention(self);
}

bool is_compacted(const shard_state_data& s, queue_id queue) {
  const auto* record = s.replica->state().queue(queue);
  return record != nullptr && record->compacted;
}

/// A queue in parts. If it is compacted again meanwhile, what is left does no harm.
void forget_next(shard_pointer self) {
  auto& s = self->state;
  if (s.forgetting || s.draining) return;
  for (auto at = s.horizons.begin(); at != s.horizons.end();) {
    const auto queue = (at++)->first;
    if (is_compacted(s, queue)) continue;
    s.horizons.erase(queue);
    s.useless.insert(queue);
  }
  std::erase_if(s.useless, [&s](queue_id queue) { return is_compacted(s, queue); });
  if (s.useless.empty()) return;
  s.forgetting = true;
  self->request(s.keeper, caf::infinite, forget_atom_v, *s.useless.begin())
    .then(
      [self, queue = *s.useless.begin()](bool gone) {
        self->state.forgetting = false;
        if (gone) self->state.useless.erase(queue);
        forget_next(self);
      },
      [self](const caf::error& why) {
        self->state.forgetting = false; // Another checkpoint tries it again.
        logging::warning(shard_name(self), from_caf(why).message());
      });
}

} // namespace

bool latest_lack(const shard_state_data& s, const queue_ends& ends) {
  return std::ranges::any_of(ends,
                             [&](const auto& end) { return lacks(s, end.first, end.second); });
}

void take_in_latest(shard_pointer self, const queue_ends& ends) {
  auto& s = self->state;
  for (const auto& [queue, end] : ends)
    if (lacks(s, queue, end)) {
      auto& until = s.taking_in[queue];
      until = std::max(until, end);
    }
  if (s.horizons_known) return take_in_next(self);
  load_latest(self);
}

void load_latest(shard_pointer self) {
  self->request(self->state.keeper, caf::infinite, load_atom_v)
    .then(
      [self](const latest_horizons& all) {
        self->state.horizons = all.queues;
        self->state.horizons_known = true;
        forget_next(self);
        if (!self->state.taking_in.empty()) take_in_next(self);
      },
      [self](const caf::error& why) { give_up(self, from_caf(why)); });
}

void forget_latest(shard_pointer self) { forget_next(self); }

} // namespace carafe
