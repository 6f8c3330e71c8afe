#include "actors/core/group_core.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

group_core::effects group_core::add_queue(queue_info info, std::optional<offset> committed) {
  effects out;
  const auto id = info.queue;
  auto [at, fresh] = queues_.try_emplace(id);
  if (!fresh) return out;
  at->second.info = std::move(info);
  at->second.committed = committed;
  rebalance(out);
  return out;
}

group_core::effects group_core::remove_queue(queue_id queue) {
  effects out;
  auto at = queues_.find(queue);
  if (at == queues_.end()) return out;
  const auto& state = at->second;
  if (state.owner.value != 0) out.push_back(take{state.owner, state.current, queue});
  queues_.erase(at);
  rebalance(out);
  return out;
}

result<group_core::effects> group_core::join(member_id id, member m) {
  effects out;
  if (const auto before = seated(m.id)) {
    const auto& had = members_.at(*before);
    if (!had.away && (had.holder == 0 || had.holder != m.holder))
      return {errc::name_in_use, m.id + " is connected from " + had.address};
    keep(*before, id, &out);
    members_.erase(*before);
  } else if (members_.size() >= members_max_) {
    return {errc::too_many_members, "a group has at most " + std::to_string(members_max_)};
  }
  members_.emplace(id, std::move(m));
  rebalance(out);
  return out;
}

group_core::effects group_core::leave(member_id id) {
  effects out;
  const auto at = members_.find(id);
  if (at == members_.end() || at->second.away) return out;
  if (at->second.id.empty()) {
    members_.erase(at);
    for (auto& [queue, state] : queues_)
      if (state.owner == id) set_free(state);
  } else {
    at->second.away = true;
    keep(id, id, nullptr);
  }
  rebalance(out);
  return out;
}

group_core::queue_state* group_core::owned(member_id id, queue_id queue, generation owner) {
  auto at = queues_.find(queue);
  if (at == queues_.end() || at->second.owner != id || at->second.current != owner) return nullptr;
  return &at->second;
}

result<group_core::effects> group_core::release(member_id id, queue_id queue, generation owner) {
  auto* state = owned(id, queue, owner);
  if (state == nullptr)
    return {errc::not_owner, "queue " + std::to_string(queue.value) + " has moved on"};
  set_free(*state);
  effects out;
  rebalance(out);
  return out;
}

group_core::effects group_core::deadline(queue_id queue, generation owner) {
  effects out;
  auto at = queues_.find(queue);
  if (at == queues_.end()) return out;
  auto& state = at->second;
  if (!state.revoking || state.current != owner) return out;
  out.push_back(take{state.owner, owner, queue});
  set_free(state);
  rebalance(out);
  return out;
}

group_core::queue_state* group_core::found(queue_id queue, generation owner) {
  auto at = queues_.find(queue);
  if (at == queues_.end() || at->second.finding != owner) return nullptr;
  at->second.finding = generation{0};
  return &at->second;
}

group_core::effects group_core::started(queue_id queue, generation owner, offset start) {
  effects out;
  auto* state = found(queue, owner);
  if (state == nullptr) return out;
  // Committed is committed, also when the member it was found for has gone meanwhile.
  state->committed = start;
  if (!std::exchange(state->starting, false)) {
    rebalance(out);
    return out;
  }
  out.push_back(assign{state->owner, owner, queue, start});
  return out;
}

group_core::effects group_core::start_failed(queue_id queue, generation owner) {
  effects out;
  auto* state = found(queue, owner);
  if (state == nullptr) return out;
  if (!std::exchange(state->starting, false)) rebalance(out);
  return out;
}

group_core::effects group_core::start_again(queue_id queue, generation owner) {
  auto at = queues_.find(queue);
  if (at == queues_.end() || at->second.finding != owner) return {};
  if (!at->second.starting) return start_failed(queue, owner);
  const auto to = at->second.owner;
  const auto& wish = members_.at(to);
  return {find_start{to, owner, queue, wish.start, wish.out_of_range}};
}

result<void> group_core::commit(member_id id, queue_id queue, generation owner) {
  auto* state = owned(id, queue, owner);
  if (state == nullptr || state->starting)
    return {errc::not_owner, "queue " + std::to_string(queue.value) + " has moved on"};
  ++state->commits_in_flight;
  return {};
}

group_core::effects group_core::commit_done(queue_id queue, std::optional<offset> committed) {
  effects out;
  auto at = queues_.find(queue);
  if (at == queues_.end()) return out;
  auto& state = at->second;
  CARAFE_ASSERT(state.commits_in_flight > 0);
  --state.commits_in_flight;
  if (committed) state.committed = committed;
  if (state.owner.value == 0) rebalance(out);
  return out;
}

result<group_core::effects> group_core::begin_reset(queue_id queue) {
  effects out;
  auto& state = queues_.at(queue);
  if (state.resetting)
    return {errc::group_in_use, "queue " + std::to_string(state.info.number.value) + " of " +
                                  state.info.topic + " is being reset"};
  state.resetting = true;
  if (state.starting) {
    set_free(state);
  } else if (state.owner.value != 0 && !state.revoking) {
    state.revoking = true;
    out.push_back(revoke{state.owner, state.current, queue});
  }
  return out;
}

bool group_core::settled(queue_id queue) const {
  auto at = queues_.find(queue);
  return at == queues_.end() ||
         (at->second.commits_in_flight == 0 && at->second.finding.value == 0);
}

bool group_core::may_reset(queue_id queue) const {
  auto at = queues_.find(queue);
  return settled(queue) && (at == queues_.end() || at->second.owner.value == 0);
}

group_core::effects group_core::end_reset(queue_id queue, std::optional<offset> committed) {
  effects out;
  auto at = queues_.find(queue);
  if (at == queues_.end()) return out;
  at->second.resetting = false;
  if (committed) at->second.committed = committed;
  rebalance(out);
  return out;
}

void group_core::acknowledged(queue_id queue, offset next) {
  const auto at = queues_.find(queue);
  if (at == queues_.end()) return;
  auto& committed = at->second.committed;
  if (!committed || *committed < next) committed = next;
}

std::uint32_t group_core::owned_by(member_id id) const {
  std::uint32_t count = 0;
  for (const auto& [queue, state] : queues_)
    if (state.owner == id || state.kept_for == id) ++count;
  return count;
}

void group_core::set_free(queue_state& queue) {
  queue.owner = member_id{0};
  queue.revoking = false;
  queue.starting = false;
}

void group_core::give(queue_state& queue, member_id to, effects& out) {
  queue.owner = to;
  queue.kept_for = member_id{0};
  queue.current = generation{++generations_};
  if (queue.committed) {
    out.push_back(assign{to, queue.current, queue.info.queue, *queue.committed});
    return;
  }
  const auto& wish = members_.at(to);
  queue.starting = true;
  queue.finding = queue.current;
  out.push_back(find_start{to, queue.current, queue.info.queue, wish.start, wish.out_of_range});
}

void group_core::rebalance(effects& out) {
  auto has = kept();
  if (has.empty()) return;
  const auto quota = quotas(has);
  take_surplus(has, quota, out);
  give_free(has, quota, out);
}

/// What each member that is there has, without what it was asked to give back.
group_core::counts group_core::kept() const {
  counts has;
  for (const auto& [id, m] : members_)
    if (!m.away) has[id] = 0;
  for (const auto& [id, queue] : queues_) {
    if (queue.owner.value != 0 && !queue.revoking) ++has[queue.owner];
    if (queue.kept_for.value != 0 && !is_away(queue.kept_for)) ++has[queue.kept_for];
  }
  return has;
}

/// What each member is due: those that have most keep the odd queues, so that fewest move.
group_core::counts group_core::quotas(const counts& has) const {
  std::vector<std::pair<member_id, std::size_t>> order(has.begin(), has.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  const auto shared =
    static_cast<std::size_t>(std::count_if(queues_.begin(), queues_.end(), [this](const auto& row) {
      return !is_away(row.second.kept_for);
    }));
  const auto each = shared / has.size();
  auto odd = shared % has.size();
  counts quota;
  for (const auto& [id, count] : order) {
    quota[id] = each + (odd > 0 ? 1 : 0);
    if (odd > 0) --odd;
  }
  return quota;
}

/// Highest queues first, but before all those of which their owner has not been told yet.
void group_core::take_surplus(counts& has, const counts& quota, effects& out) {
  // What waits for its member to have it again is nobody's yet.
  for (auto at = queues_.rbegin(); at != queues_.rend(); ++at) {
    auto& queue = at->second;
    if (queue.kept_for.value == 0 || is_away(queue.kept_for)) continue;
    auto& count = has.at(queue.kept_for);
    if (count <= quota.at(queue.kept_for)) continue;
    --count;
    queue.kept_for = member_id{0};
  }
  for (const bool untold : {true, false}) {
    for (auto at = queues_.rbegin(); at != queues_.rend(); ++at) {
      auto& queue = at->second;
      if (queue.owner.value == 0 || queue.revoking || queue.starting != untold) continue;
      auto& count = has.at(queue.owner);
      if (count <= quota.at(queue.owner)) continue;
      --count;
      if (untold) {
        set_free(queue);
        continue;
      }
      queue.revoking = true;
      out.push_back(revoke{queue.owner, queue.current, queue.info.queue});
    }
  }
}

void group_core::give_free(counts& has, const counts& quota, effects& out) {
  auto next = has.begin();
  for (auto& [id, queue] : queues_) {
    if (queue.owner.value != 0 || queue.resetting || !settled(id)) continue;
    if (queue.kept_for.value != 0) {
      if (!is_away(queue.kept_for)) give(queue, queue.kept_for, out);
      continue;
    }
    for (std::size_t tries = 0; tries < has.size(); ++tries) {
      if (next == has.end()) next = has.begin();
      const auto to = next->first;
      ++next;
      if (has.at(to) >= quota.at(to)) continue;
      ++has.at(to);
      give(queue, to, out);
      break;
    }
  }
}

} // namespace carafe::core
