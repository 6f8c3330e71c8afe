#include "actors/core/transaction_entry.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace carafe::core {

namespace {

failure consumed_before(queue_id queue, offset at) {
  return {errc::tx_ended, "it is rolled back: message " + std::to_string(at.value) + " of queue " +
                            std::to_string(queue.value) + " was acknowledged before"};
}

/// What a group is done with on one queue, what is in flight included.
struct done_view {
  const delivery_progress* delivery = nullptr;
  offset next;
  offset_set in_flight;

  [[nodiscard]] bool has(offset at) const {
    if (in_flight.contains(at)) return true;
    return delivery != nullptr ? delivery->finished(at) : at < next;
  }
};

done_view view_of(const shard_state& state, const effects_in_flight& in_flight,
                  const progress_key& key) {
  done_view view;
  if (const auto* progress = state.progress(key)) view.next = progress->next;
  view.delivery = state.delivery(key);
  in_flight([&](const effects::effect& effect) {
    if (const auto* settled = std::get_if<effects::settled>(&effect)) {
      if (settled->group == key.group && settled->queue == key.queue)
        for (const auto& range : settled->ranges) view.in_flight.add(range);
    } else if (const auto* commit = std::get_if<effects::commit>(&effect)) {
      if (commit->group == key.group && commit->queue == key.queue) {
        view.next = commit->next;
        view.delivery = nullptr;
      }
    }
  });
  return view;
}

} // namespace

result<void> check_consumed(const shard_state& state, const effects_in_flight& in_flight,
                            const std::vector<consumed_messages>& consumed) {
  for (const auto& each : consumed) {
    const auto* queue = state.queue(each.queue);
    if (queue == nullptr) continue; // Deleted: nobody gets its messages any more.
    const auto view = view_of(state, in_flight, {each.group, each.queue});
    for (const auto& range : each.ranges) {
      if (range.end() > queue->next)
        return {errc::tx_ended, "it is rolled back: queue " + std::to_string(each.queue.value) +
                                  " ends at " + std::to_string(queue->next.value)};
      for (auto at = range.first; at < range.end(); at = at + 1)
        if (view.has(at)) return consumed_before(each.queue, at);
    }
  }
  return {};
}

void append_commit(std::vector<effects::effect>& to, const shard_state& state, producer_id producer,
                   const std::vector<half_batch>& halves,
                   const std::vector<consumed_messages>& consumed) {
  for (const auto& half : halves) {
    if (state.queue(half.queue) == nullptr) continue;
    effects::batch batch;
    batch.queue = half.queue;
    batch.count = half.count;
    batch.producer = producer;
    batch.first = half.first;
    batch.compression = half.compression;
    batch.checksum = half.checksum;
    batch.bytes = half.bytes;
    batch.ranked = half.ranked;
    batch.transacted = true;
    to.emplace_back(std::move(batch));
  }
  for (const auto& each : consumed) {
    const auto* queue = state.queue(each.queue);
    if (queue == nullptr || each.ranges.empty()) continue;
    if (each.ordered) {
      const auto next = std::min(each.ranges.back().end(), queue->next);
      const auto* progress = state.progress({each.group, each.queue});
      if (progress == nullptr || progress->next < next)
        to.emplace_back(effects::commit{each.group, each.queue, next});
      continue;
    }
    effects::settled settled{each.group, each.queue, {}};
    for (const auto& range : each.ranges)
      if (range.first < queue->next)
        settled.ranges.push_back(
          {range.first, std::min(range.end(), queue->next).value - range.first.value});
    if (!settled.ranges.empty()) to.emplace_back(std::move(settled));
  }
}

std::vector<consumed_messages> consumed_in(shard_id shard,
                                           const std::vector<consumed_messages>& all) {
  std::vector<consumed_messages> out;
  std::ranges::copy_if(all, std::back_inserter(out),
                       [shard](const auto& each) { return each.shard == shard; });
  return out;
}

std::vector<shard_id> other_shards(shard_id own, const transaction_table::stored& row) {
  std::set<shard_id> out;
  for (const auto& [number, half] : row.halves)
    if (half.shard != own) out.insert(half.shard);
  for (const auto& each : row.record.consumed)
    if (each.shard != own) out.insert(each.shard);
  return {out.begin(), out.end()};
}

} // namespace carafe::core
