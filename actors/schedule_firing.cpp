#include "actors/catalogue.hpp"
#include "actors/core/schedule_message.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/schedules.hpp"

#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = schedules_pointer;
using firing = core::schedule_core::firing;

/// A topic's queues are looked up again after this, and when one is gone.
constexpr std::uint64_t route_ms = 10'000;
constexpr std::size_t routes_max = 10'000;
constexpr std::uint64_t again_ms = 200;
constexpr std::uint64_t again_full_ms = 1'000;

void settle(self_pointer self, const firing& step, const schedule_progress& progress,
            shard_id shard) {
  auto& s = self->state;
  --s.writing;
  s.homes[step.schedule].insert(shard);
  s.core->settled(step.schedule, progress);
  pump_schedules(self);
}

/// It cannot be written now.
void hold(self_pointer self, const firing& step, const failure& why) {
  auto& s = self->state;
  --s.writing;
  const auto wait = why.code == errc::storage_full ? again_full_ms : again_ms;
  s.core->hold(step.schedule, why.message());
  s.held.push_back({step.schedule, mono_ms{s.clocks->monotonic().value + wait}});
  pump_schedules(self);
}

/// Whether it was written is not known: the shard's own row says it.
void look_again(self_pointer self, const firing& step, shard_id shard, const failure& why) {
  self->request(self->state.shards.at(shard), caf::infinite, schedules_atom_v)
    .then(
      [self, step, shard, why](const schedule_rows& rows) {
        for (const auto& row : rows.fired)
          if (row.schedule == step.schedule && row.progress.step >= step.after.step)
            return settle(self, step, row.progress, shard);
        hold(self, step, why);
      },
      [self](const caf::error& error) { self->quit(error); });
}

bool passes(const failure& why) {
  return why.code == errc::queue_unknown || is_temporary(why) || is_retriable(why.code);
}

/// Writes the progress alone, which shard 0 keeps.
void write_progress(self_pointer self, const firing& step, const schedule_progress& progress) {
  const shard_id shard{0};
  effect_list wish{{effects::schedule_fired{step.schedule, progress}}};
  self->request(self->state.shards.at(shard), caf::infinite, write_atom_v, std::move(wish))
    .then([self, step, progress, shard](entry_index) { settle(self, step, progress, shard); },
          [self, step, shard](const caf::error& error) {
            const auto why = from_caf(error);
            if (why.code == errc::outcome_unknown) return look_again(self, step, shard, why);
            hold(self, step, why);
          });
}

/// This time it is not sent at all.
void give_up(self_pointer self, const firing& step, const failure& why) {
  auto& s = self->state;
  const auto progress = core::schedule_core::failed(step, why.message());
  if (progress.error != step.before.error) // Once, not each time.
    logging::warning("schedules", s.core->find(step.schedule)->what.name + ": " + why.message());
  write_progress(self, step, progress);
}

void refused(self_pointer self, const firing& step, const std::string& topic, const failure& why) {
  if (why.code == errc::queue_unknown) self->state.routes.erase(topic);
  if (passes(why))
    hold(self, step, why);
  else
    give_up(self, step, why);
}

void append(self_pointer self, const firing& step, const queue_place& place,
            const core::schedule_message& message) {
  auto& s = self->state;
  const auto& what = s.core->find(step.schedule)->what;
  effects::batch batch;
  batch.queue = place.queue;
  batch.count = message.batch.count;
  batch.producer = no_producer;
  batch.compression = message.batch.compression;
  batch.checksum = message.batch.checksum;
  batch.bytes = message.batch.bytes;
  batch.ranked = message.batch.ranked;
  effect_list wish;
  if (message.key.empty()) wish.keyless = {place.queue};
  wish.effects.emplace_back(std::move(batch));
  wish.effects.emplace_back(effects::schedule_fired{step.schedule, step.after});
  self->request(s.shards.at(place.shard), caf::infinite, write_atom_v, std::move(wish))
    .then([self, step, shard = place.shard](entry_index) { settle(self, step, step.after, shard); },
          [self, step, topic = what.topic, shard = place.shard](const caf::error& error) {
            const auto why = from_caf(error);
            if (why.code == errc::outcome_unknown) return look_again(self, step, shard, why);
            refused(self, step, topic, why);
          });
}

/// The shard may have been opened since this actor began.
void append_by_route(self_pointer self, const firing& step,
                     const std::vector<queue_place>& queues) {
  auto& s = self->state;
  const auto& what = s.core->find(step.schedule)->what;
  auto message =
    core::make_schedule_message(what, step.due, step.passed, s.clocks->wall(), s.options.messages);
  if (!message) return give_up(self, step, message.error());
  const auto count = static_cast<std::uint32_t>(queues.size());
  const auto number = message->key.empty() ? static_cast<std::uint32_t>(step.number % count)
                                           : queue_of_key(message->key, count).value;
  const auto place = queues[number];
  if (s.shards.contains(place.shard)) return append(self, step, place, *message);
  self->request(s.catalogue, caf::infinite, route_atom_v, place.queue)
    .then(
      [self, step, place, made = *message](const shard_actor& shard) {
        self->state.shards.emplace(place.shard, shard);
        append(self, step, place, made);
      },
      [self, step, topic = what.topic](const caf::error& why) {
        refused(self, step, topic, from_caf(why));
      });
}

} // namespace

void fire_schedule(schedules_pointer self, const core::schedule_core::firing& step) {
  auto& s = self->state;
  if (!step.sends) return write_progress(self, step, step.after);
  const auto& topic = s.core->find(step.schedule)->what.topic;
  const auto now = s.clocks->monotonic();
  const auto known = s.routes.find(topic);
  if (known != s.routes.end() && now.value - known->second.at.value < route_ms)
    return append_by_route(self, step, known->second.queues);
  self->request(s.catalogue, caf::infinite, describe_atom_v, frames::topic_describe{topic, true})
    .then(
      [self, step, topic, now](const frames::topic_description& found) {
        std::vector<queue_place> queues;
        for (const auto& each : found.queues) queues.push_back({each.queue, each.shard});
        auto& routes = self->state.routes;
        if (routes.size() >= routes_max) routes.clear();
        routes[topic] = {queues, now};
        append_by_route(self, step, queues);
      },
      [self, step, topic](const caf::error& why) { refused(self, step, topic, from_caf(why)); });
}

} // namespace carafe
