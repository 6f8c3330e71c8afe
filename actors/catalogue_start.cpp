#include "actors/catalogue.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/raft/replica.hpp"

#include <string>
#include <utility>

namespace carafe {

namespace {

void repair(catalogue_pointer self, shard_id shard, const shard_actor& actor);

/// Repeats what a crash may have left undone in one shard, an entry full at a time.
void repair_some(catalogue_pointer self, shard_id shard, const shard_actor& actor,
                 const core::catalogue_core::inventory& there) {
  auto repairs = self->state.core->repairs(shard, there);
  if (repairs.empty()) return;
  if (repairs.size() > raft::effects_per_entry_max) repairs.resize(raft::effects_per_entry_max);
  logging::info("catalogue", std::to_string(repairs.size()) + " follow-ups repeated in shard " +
                               std::to_string(shard.value));
  self->request(actor, caf::infinite, write_atom_v, effect_list{std::move(repairs)})
    .await([self, shard, actor](entry_index) { repair(self, shard, actor); },
           [self, shard, actor](const caf::error& error) {
             const auto why = from_caf(error);
             if (!is_temporary(why)) return self->quit(error);
             // Reading must go on although the disk is full.
             logging::warning("catalogue", "follow-ups wait: " + why.message());
             put_off(self, [self, shard, actor] { repair(self, shard, actor); });
           });
}

void repair(catalogue_pointer self, shard_id shard, const shard_actor& actor) {
  self->request(actor, caf::infinite, inventory_atom_v)
    .await([self, shard,
            actor](const shard_inventory& found) { repair_some(self, shard, actor, found.there); },
           [self](const caf::error& why) { self->quit(why); });
}

/// Every shard that has queues must be there: what is in it would be taken for deleted.
result<void> check_shards(const catalogue_state& s) {
  for (const auto& [id, topic] : s.core->topics())
    for (const auto& place : topic.queues)
      if (!s.shards.contains(place.shard))
        return {errc::storage_corrupt, "topic " + topic.name + " has queues in shard-" +
                                         std::to_string(place.shard.value) +
                                         ", a folder that is missing; put it back"};
  return {};
}

} // namespace

void load_catalogue(catalogue_pointer self) {
  auto& s = self->state;
  self->request(s.shards.at(shard_id{0}).shard, caf::infinite, load_atom_v)
    .await(
      [self](const catalogue_rows& rows) {
        auto& state = self->state;
        state.core.emplace(state.options.limits, rows.topics, rows.groups, rows.counters.next_id,
                           rows.producers);
        if (auto ok = check_shards(state); !ok) return self->quit(to_caf(ok.error()));
        for (const auto& [shard, handles] : state.shards) repair(self, shard, handles.shard);
        for (const auto& [id, topic] : state.core->topics()) state.options.quotas->put(topic);
        // Their messages grow old whether anybody uses them or not.
        for (const auto& [id, topic] : state.core->topics())
          if (topic.settings.retention_ms != 0) topic_of(self, topic);
      },
      [self](const caf::error& why) { self->quit(why); });
}

} // namespace carafe
