#include "actors/core/id_table.hpp"

#include <tuple>

namespace carafe::core {

void id_table::add(const row_key& key, stored_ids_record row) {
  auto& places = places_[key.queue];
  for (std::uint32_t i = 0; i < row.ids.size(); ++i) {
    if (row.ids[i] == id_digest{}) continue;
    ++count_;
    auto& seen = places[row.ids[i]];
    if (std::tie(seen.until, seen.row) <= std::tie(row.until, key.place))
      seen = {key.place, i, row.until};
  }
  turns_.emplace(row.until, key);
  rows_.emplace(key, std::move(row));
}

std::optional<id_table::place> id_table::find(queue_id queue, const id_digest& id,
                                              unix_ms now) const {
  const auto of_queue = places_.find(queue);
  if (of_queue == places_.end()) return std::nullopt;
  const auto at = of_queue->second.find(id);
  if (at == of_queue->second.end() || at->second.until <= now) return std::nullopt;
  const auto& seen = at->second;
  return place{offset{(seen.row >> 1) + seen.index}, (seen.row & 1) != 0, seen.until};
}

const stored_ids_record* id_table::row(const row_key& key) const {
  const auto at = rows_.find(key);
  return at == rows_.end() ? nullptr : &at->second;
}

void id_table::remove(std::map<row_key, stored_ids_record>::iterator at) {
  const auto& [key, row] = *at;
  const auto of_queue = places_.find(key.queue);
  for (const auto& id : row.ids) {
    if (id == id_digest{}) continue;
    --count_;
    const auto seen = of_queue->second.find(id);
    if (seen != of_queue->second.end() && seen->second.row == key.place)
      of_queue->second.erase(seen);
  }
  turns_.erase({row.until, key});
  const auto next = rows_.erase(at);
  const bool more = (next != rows_.end() && next->first.queue == of_queue->first) ||
                    (next != rows_.begin() && std::prev(next)->first.queue == of_queue->first);
  if (!more) places_.erase(of_queue);
}

std::vector<id_table::row_key> id_table::expire(unix_ms now) {
  std::vector<row_key> gone;
  while (!turns_.empty() && turns_.begin()->first <= now) {
    gone.push_back(turns_.begin()->second);
    remove(rows_.find(gone.back()));
  }
  return gone;
}

std::vector<id_table::row_key> id_table::forget(queue_id queue) {
  std::vector<row_key> gone;
  for (;;) {
    const auto at = rows_.lower_bound({queue, 0});
    if (at == rows_.end() || at->first.queue != queue) return gone;
    gone.push_back(at->first);
    remove(at);
  }
}

} // namespace carafe::core
