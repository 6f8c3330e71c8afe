#include "actors/catalogue.hpp"
#include "actors/error_bridge.hpp"
#include "actors/key_finder.hpp"

#include <string>
#include <utility>

namespace carafe {

namespace {

/// Each reads the log, in turn with the others of its shard.
constexpr std::size_t finders_max = 16;

/// Whether it can be looked for at all.
result<key_plan> plan_of(catalogue_pointer self, const frames::key_find& wish) {
  const auto& s = self->state;
  const auto* topic = s.core->topic(wish.topic);
  if (topic == nullptr) return {errc::topic_unknown, wish.topic};
  if (wish.number.value >= topic->queues.size()) return no_such_queue(*topic, wish.number);
  if (wish.key.empty()) return {errc::invalid_argument, "an empty key is no key"};
  const auto& place = topic->queues[wish.number.value];
  const auto shard = s.shards.find(place.shard);
  if (shard == s.shards.end())
    return {errc::shard_unavailable, "shard " + std::to_string(place.shard.value)};
  if (s.finders.size() >= finders_max)
    return {errc::too_many_requests,
            "at most " + std::to_string(finders_max) + " keys are looked for at a time"};
  return key_plan{wish, place, shard->second};
}

} // namespace

caf::result<frames::key_found> find_key(catalogue_pointer self, const frames::key_find& wish) {
  auto plan = plan_of(self, wish);
  if (!plan) return to_caf(plan.error());
  auto finder = self->spawn<caf::monitored>(carafe::find_key_of, std::move(*plan));
  self->state.finders.push_back(finder);
  return self->delegate(finder, find_atom_v);
}

} // namespace carafe
