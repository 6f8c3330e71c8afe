#include "actors/core/row_key.hpp"
#include "actors/core/shard_state.hpp"

#include <algorithm>

namespace carafe::core {

delivery_progress* shard_state::deliver(const progress_key& key) {
  const auto queue = queues_.find(key.queue);
  if (queue == queues_.end()) return nullptr;
  const auto [row, fresh] = progress_.try_emplace(key);
  if (fresh) groups_of_[key.queue].insert(key.group);
  // A group may be set to where its queue began a moment ago; what is gone it does not wait for.
  const auto next = std::max(row->second.next, queue->second.start);
  return &deliveries_.try_emplace(key, next).first->second;
}

void shard_state::delivered(const progress_key& key, const delivery_progress& now) {
  progress_[key] = progress_record{now.next(), time_};
  dirty_.insert(row_key::of(key));
  // What a checkpoint would not tell apart from none must not behave otherwise.
  if (now.has_letters())
    with_letters_.insert(key);
  else
    with_letters_.erase(key);
  if (now.plain()) deliveries_.erase(key);
}

void shard_state::forget_waiting(const progress_key& key, const std::vector<offset>& rows) {
  for (const auto at : rows) dirty_.insert(row_key::of(key, at));
}

void shard_state::forget_delivery(const progress_key& key) {
  const auto at = deliveries_.find(key);
  if (at == deliveries_.end()) return;
  for (const auto& [row, record] : at->second.waiting()) dirty_.insert(row_key::of(key, row));
  with_letters_.erase(key);
  deliveries_.erase(at);
}

void shard_state::on(const effects::settled& e) {
  const auto key = progress_key{e.group, e.queue};
  // The group was deleted meanwhile.
  if (e.why == effects::settled::reason::moved && !progress_.contains(key)) return;
  auto* delivery = deliver(key);
  if (delivery == nullptr) return;
  forget_waiting(key, delivery->settle(e.ranges));
  delivered(key, *delivery);
}

void shard_state::on(const effects::lent& e) {
  const auto key = progress_key{e.group, e.queue};
  auto* delivery = deliver(key);
  if (delivery == nullptr) return;
  delivery->lend(e.ranges);
  delivered(key, *delivery);
}

void shard_state::on(const effects::returned& e) {
  const auto key = progress_key{e.group, e.queue};
  const auto delivery = deliveries_.find(key);
  if (delivery == deliveries_.end()) return;
  delivery->second.give_back(e.ranges);
  delivered(key, delivery->second);
}

void shard_state::on(const effects::waiting& e) {
  const auto key = progress_key{e.group, e.queue};
  auto* delivery = deliver(key);
  if (delivery == nullptr) return;
  // A transaction may have finished it before the group's actor, which wrote this, heard of it.
  // Only what is redriven begins anew.
  const auto& row = e.row;
  const bool redriven = row.attempts == 0 && row.letter_queue.value != 0 && row.stored.value == 0;
  if (redriven || !delivery->finished(row.at)) {
    if (redriven)
      delivery->revive(row);
    else
      delivery->put(row);
    dirty_.insert(row_key::of(key, row.at));
  }
  delivered(key, *delivery);
}

void shard_state::on(const effects::kept& e) {
  const auto key = progress_key{e.group, e.queue};
  // A group that was deleted meanwhile waits for nothing.
  if (!progress_.contains(key) && e.read != effects::kept::all_letters) return;
  auto* delivery = deliver(key);
  if (delivery == nullptr) return;
  delivery->reach(e.read);
  for (const auto& row : e.rows)
    if (delivery->holds(row.at) && delivery->keep(row)) dirty_.insert(row_key::of(key, row.at));
  delivered(key, *delivery);
}

void shard_state::on(const effects::queue_start& e) {
  auto at = queues_.find(e.queue);
  if (at == queues_.end()) return;
  auto& queue = at->second;
  auto start = std::min(e.start, queue.next);
  if (e.sparing)
    if (const auto first = held(e.queue, start, 1); !first.empty()) start = first.front().at;
  if (start <= queue.start) return;
  queue.start = start;
  dirty_.insert(row_key::of(e.queue));
  const auto groups = groups_of_.find(e.queue);
  if (groups == groups_of_.end()) return;
  for (const auto group : groups->second) {
    const auto key = progress_key{group, e.queue};
    const auto delivery = deliveries_.find(key);
    if (delivery == deliveries_.end()) continue;
    forget_waiting(key, delivery->second.start_at(start));
    delivered(key, delivery->second);
  }
}

std::optional<group_id> shard_state::group_of_letters(queue_id queue) const {
  const auto groups = groups_of_.find(queue);
  if (groups == groups_of_.end()) return std::nullopt;
  for (const auto group : groups->second) {
    const auto own = deliveries_.find(progress_key{group, queue});
    if (own != deliveries_.end() && own->second.of_letters()) return group;
  }
  return std::nullopt;
}

std::vector<held_message> shard_state::held(queue_id queue, offset end, std::size_t max) const {
  std::vector<held_message> out;
  if (const auto groups = groups_of_.find(queue); groups != groups_of_.end())
    for (const auto group : groups->second) {
      const auto own = deliveries_.find(progress_key{group, queue});
      if (own == deliveries_.end()) continue;
      std::size_t taken = 0;
      for (const auto& range : own->second.held(end))
        for (auto at = range.first; at < range.end() && taken < max; at = at + 1, ++taken)
          out.push_back({at, own->first, at});
    }
  for (const auto& key : with_letters_) {
    const auto& progress = deliveries_.at(key);
    auto letter = progress.letter_from(queue, offset{0});
    for (std::size_t taken = 0; letter && letter->first < end && taken < max; ++taken) {
      out.push_back({letter->first, key, letter->second});
      letter = progress.letter_from(queue, letter->first + 1);
    }
  }
  std::ranges::sort(out, {}, &held_message::at);
  if (out.size() > max) out.resize(max);
  return out;
}

} // namespace carafe::core
