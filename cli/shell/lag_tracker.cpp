#include "cli/shell/lag_tracker.hpp"

#include <cmath>

namespace carafe::shell {

void lag_tracker::observe(const client::group_info& group, mono_ms now) {
  look seen{now, {}};
  for (const auto& q : group.queues) seen.queues[{q.topic, q.number}] = {q.lag, q.end.value};
  looks_.push_back(std::move(seen));
  if (looks_.size() > looks_max) looks_.pop_front();
}

std::optional<lag_flow> lag_tracker::total() const {
  if (looks_.size() < 2) return std::nullopt;
  state before, after;
  for (const auto& [name, now] : looks_.back().queues) {
    const auto then = looks_.front().queues.find(name);
    // Of a queue that is new in the group nothing is known but its lag.
    const auto& from = then == looks_.front().queues.end() ? now : then->second;
    before.lag += from.lag;
    before.end += from.end;
    after.lag += now.lag;
    after.end += now.end;
  }
  return flow(before, after);
}

std::optional<lag_flow> lag_tracker::of(const std::string& topic, queue_number number) const {
  if (looks_.size() < 2) return std::nullopt;
  const auto then = looks_.front().queues.find({topic, number});
  const auto now = looks_.back().queues.find({topic, number});
  if (then == looks_.front().queues.end() || now == looks_.back().queues.end()) return std::nullopt;
  return flow(then->second, now->second);
}

std::optional<lag_flow> lag_tracker::flow(const state& before, const state& after) const {
  const auto ms = looks_.back().at.value - looks_.front().at.value;
  if (ms == 0) return std::nullopt;
  const auto per_second = [ms](std::uint64_t from, std::uint64_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) * 1'000 / static_cast<double>(ms);
  };
  lag_flow f;
  f.in_per_second = per_second(before.end, after.end);
  f.change_per_second = per_second(before.lag, after.lag);
  f.done_per_second = f.in_per_second - f.change_per_second;
  if (after.lag == 0)
    f.drain_ms = 0;
  else if (f.change_per_second < 0)
    f.drain_ms = static_cast<std::uint64_t>(
      std::llround(static_cast<double>(after.lag) / -f.change_per_second * 1'000));
  return f;
}

} // namespace carafe::shell
