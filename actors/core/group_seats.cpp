#include "actors/core/group_core.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

bool group_core::is_away(member_id id) const {
  const auto at = members_.find(id);
  return at != members_.end() && at->second.away;
}

std::optional<member_id> group_core::seated(std::string_view id) const {
  if (id.empty()) return std::nullopt;
  for (const auto& [seated_id, m] : members_)
    if (m.id == id) return seated_id;
  return std::nullopt;
}

void group_core::keep(member_id id, member_id to, effects* taken) {
  for (auto& [queue, state] : queues_) {
    if (state.kept_for == id) state.kept_for = to;
    if (state.owner != id) continue;
    if (taken != nullptr) taken->push_back(take{id, state.current, queue});
    // What it was to give back goes to whoever is due it.
    const bool goes = state.revoking;
    set_free(state);
    if (!goes) state.kept_for = to;
  }
}

void group_core::restore(member_id id, member m, const std::vector<queue_id>& queues) {
  CARAFE_ASSERT(!m.id.empty());
  if (members_.size() >= members_max_ || seated(m.id)) return;
  m.away = true;
  members_.emplace(id, std::move(m));
  for (const auto queue : queues) {
    const auto at = queues_.find(queue);
    if (at == queues_.end()) continue;
    auto& state = at->second;
    if (state.owner.value == 0 && state.kept_for.value == 0) state.kept_for = id;
  }
}

void group_core::free_seat(member_id id, effects& out) {
  members_.erase(id);
  for (auto& [queue, state] : queues_)
    if (state.kept_for == id) state.kept_for = member_id{0};
  rebalance(out);
}

group_core::effects group_core::grace_over(member_id id) {
  effects out;
  if (is_away(id)) free_seat(id, out);
  return out;
}

result<group_core::effects> group_core::forget(std::string_view id) {
  const auto there = seated(id);
  if (!there) return {errc::not_found, "no member has the id " + std::string{id.substr(0, 200)}};
  const auto& had = members_.at(*there);
  if (!had.away)
    return {errc::name_in_use, had.id + " is connected from " + had.address + "; stop it first"};
  effects out;
  free_seat(*there, out);
  return out;
}

std::map<std::string, std::vector<queue_id>> group_core::seats() const {
  std::map<std::string, std::vector<queue_id>> out;
  for (const auto& [seated_id, m] : members_)
    if (!m.id.empty()) out[m.id];
  for (const auto& [queue, state] : queues_) {
    const auto of = state.owner.value != 0 ? state.owner : state.kept_for;
    const auto at = members_.find(of);
    if (at != members_.end() && !at->second.id.empty() && !state.revoking)
      out[at->second.id].push_back(queue);
  }
  return out;
}

} // namespace carafe::core
