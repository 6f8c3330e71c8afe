#include "actors/catalogue.hpp"
#include "actors/error_bridge.hpp"

#include <algorithm>
#include <string>

namespace carafe {

namespace {

result<shard_id> place_of(const catalogue_state& s, queue_id queue) {
  if (const auto* topic = s.core->owner_of(queue))
    for (const auto& place : topic->queues)
      if (place.queue == queue) return place.shard;
  return {errc::queue_unknown, "queue " + std::to_string(queue.value)};
}

} // namespace

caf::result<tx_places> resolve_transaction(catalogue_pointer self, const tx_question& wish) {
  const auto& s = self->state;
  tx_places out;
  const auto coordinator = s.shards.find(wish.coordinator);
  if (coordinator == s.shards.end())
    return to_caf(
      {errc::invalid_argument, "there is no shard " + std::to_string(wish.coordinator.value)});
  out.coordinator = coordinator->second.shard;
  for (const auto queue : wish.queues) {
    auto shard = place_of(s, queue);
    if (!shard) return to_caf(shard.error());
    out.queues.emplace(queue, *shard);
    if (s.core->owner_of(queue)->settings.compacted) out.compacted.insert(queue);
  }
  for (const auto& name : wish.groups) {
    const auto* group = s.core->group(name);
    if (group == nullptr) return to_caf({errc::group_unknown, name});
    if (group->mode == "broadcast")
      return to_caf({errc::unsupported, "group " + name +
                                          " is broadcast: a transaction cannot acknowledge its "
                                          "messages"});
    out.groups.emplace(name, std::pair{group->group, group->mode == "ordered"});
  }
  return out;
}

void settle_by_transaction(catalogue_pointer self, const tx_settled& what) {
  const auto& s = self->state;
  for (const auto& each : what.consumed)
    // An actor that is made later learns it from the shard.
    if (const auto group = s.groups.find(each.group); group != s.groups.end())
      self->send(group->second, settle_atom_v, each);
}

} // namespace carafe
