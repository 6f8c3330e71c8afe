#include "actors/shard.hpp"

namespace carafe {

namespace {

frames::latency_summary summary(const core::histogram& h) {
  return {h.count(), h.quantile(500), h.quantile(990), h.max()};
}

} // namespace

queue_view view_of(shard_pointer self, queue_id id, const queue_record& record) {
  const auto& replica = *self->state.replica;
  return {id,
          replica.options().shard,
          record.topic,
          record.start,
          record.next,
          record.last_time,
          replica.applied(),
          record.timers_pending,
          record.earliest(),
          record.compacted};
}

queue_views views_of(shard_pointer self, const queue_ids& wanted) {
  queue_views views;
  const auto& all = self->state.replica->state().queues();
  if (wanted.queues.empty())
    for (const auto& [id, record] : all)
      if (id != kept_messages) views.queues.push_back(view_of(self, id, record));
  for (const auto id : wanted.queues)
    if (auto at = all.find(id); at != all.end())
      views.queues.push_back(view_of(self, id, at->second));
  return views;
}

shard_inventory inventory_of(shard_pointer self) {
  shard_inventory out;
  const auto& state = self->state.replica->state();
  for (const auto& [id, record] : state.queues()) {
    if (id != kept_messages) out.there.queues.push_back(id);
    if (record.dedup_window_ms != 0) out.there.dedup_windows.emplace(id, record.dedup_window_ms);
    if (record.compacted) out.there.compacted.insert(id);
  }
  for (const auto& [id, record] : state.names()) out.there.producers.emplace(id, record.epoch);
  for (const auto& [key, record] : state.all_progress())
    if (out.there.groups.empty() || out.there.groups.back() != key.group)
      out.there.groups.push_back(key.group);
  return out;
}

progress_rows progress_of(shard_pointer self, group_id group) {
  progress_rows out;
  const auto& state = self->state.replica->state();
  const auto& all = state.all_progress();
  for (auto at = all.lower_bound({group, queue_id{0}}); at != all.end() && at->first.group == group;
       ++at) {
    auto& row = out.rows.emplace_back();
    row.queue = at->first.queue;
    row.progress = at->second;
    row.end = state.queue(row.queue)->next;
    const auto* delivery = state.delivery(at->first);
    if (delivery == nullptr) continue;
    row.progress.done = delivery->done().to_ranges();
    row.progress.lent = delivery->lent().to_ranges();
    for (const auto& [message, waiting] : delivery->waiting()) row.waiting.push_back(waiting);
  }
  return out;
}

frames::producer_progress progress_of(shard_pointer self, producer_name_id name,
                                      const queue_ids& queues) {
  frames::producer_progress out;
  const auto& state = self->state.replica->state();
  for (const auto queue : queues.queues)
    if (const auto* row = state.named({name, queue})) {
      out.spread = row->spread;
      out.queues.push_back({queue, row->last});
    }
  return out;
}

catalogue_rows catalogue_of(shard_pointer self) {
  const auto& state = self->state.replica->state();
  catalogue_rows rows;
  for (const auto& [id, topic] : state.topics()) rows.topics.push_back(topic);
  for (const auto& [id, group] : state.groups()) rows.groups.push_back(group);
  rows.counters = state.catalogue();
  for (const auto& [id, producer] : state.names()) rows.producers.push_back(producer);
  return rows;
}

schedule_rows schedules_of(shard_pointer self) {
  const auto& state = self->state.replica->state();
  schedule_rows rows;
  for (const auto& [id, schedule] : state.schedules()) rows.schedules.push_back(schedule);
  for (const auto& [id, progress] : state.fired()) rows.fired.push_back({id, progress});
  return rows;
}

frames::shard_status status_of(shard_pointer self) {
  const auto& s = self->state;
  const auto bounds = s.log->bounds();
  frames::shard_status out;
  out.shard = s.replica->options().shard;
  out.mode = s.options.mode;
  out.role = s.replica->is_leader() ? "leader" : "follower";
  out.current_term = s.replica->current_term();
  out.first = bounds.first;
  out.committed = s.replica->applied();
  out.checkpoint = s.replica->checkpoint_index();
  out.synced = bounds.synced;
  const auto& queues = s.replica->state().queues();
  out.queues = static_cast<std::uint32_t>(queues.size() - queues.count(kept_messages));
  out.log_bytes = bounds.bytes;
  out.segments = bounds.segments;
  out.producers = static_cast<std::uint32_t>(s.replica->state().producers());
  out.commits = summary(s.commits);
  out.syncs = summary(s.syncs);
  s.group_sizes.for_each([&out](std::uint64_t bytes, std::uint64_t count) {
    out.group_sizes.push_back({bytes, count});
  });
  out.storage_full = s.room != storage::log_room::everything;
  return out;
}

} // namespace carafe
