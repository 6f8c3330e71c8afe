#include "actors/core/delivery_core.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

namespace {

/// A reader is asked for so many bytes at a time, or for its next batch.
constexpr std::uint64_t pull_bytes = 256u << 10;
/// Where many queues share the window, each may bring so much all the same.
constexpr std::uint64_t pull_bytes_min = 64u << 10;

} // namespace

std::uint64_t delivery_core::room(const member_state& member) const {
  if (member.demand == 0 || member.in_flight >= member.in_flight_max ||
      in_flight_ >= options_.how.in_flight_max)
    return 0;
  return std::min<std::uint64_t>(member.in_flight_max - member.in_flight,
                                 options_.how.in_flight_max - in_flight_);
}

/// Of this batch, no more than the member's demand goes for; one message goes always.
std::uint64_t delivery_core::room(const member_state& member, const effects::batch& batch) const {
  const auto each = batch.bytes.size() / batch.count + 1;
  const auto fit = member.demand / each;
  return std::min(room(member), std::max<std::uint64_t>(fit, 1));
}

/// In turn, of those that have room; 0: nobody has.
member_id delivery_core::next_member() {
  auto at = members_.upper_bound(member_turn_);
  for (std::size_t i = 0; i < members_.size(); ++i, ++at) {
    if (at == members_.end()) at = members_.begin();
    if (room(at->second) > 0) return member_turn_ = at->first;
  }
  return member_id{0};
}

bool delivery_core::room_somewhere() const {
  return std::ranges::any_of(members_, [this](const auto& each) { return room(each.second) > 0; });
}

void delivery_core::give(effects_list& out, instant now) {
  std::size_t without = room_somewhere() ? 0 : queues_.size();
  auto at = queues_.upper_bound(turn_);
  while (without < queues_.size()) {
    if (at == queues_.end()) at = queues_.begin();
    without = give_from(at->first, at->second, out, now) ? 0 : without + 1;
    turn_ = at->first;
    ++at;
  }
  pull_more(out);
}

bool delivery_core::give_from(queue_id id, queue_state& queue, effects_list& out, instant now) {
  return give_ready(id, queue, out, now) || give_window(id, queue, out, now);
}

bool delivery_core::give_ready(queue_id id, queue_state& queue, effects_list& out, instant now) {
  if (queue.ready.empty() || queue.looking) return false;
  const auto at = *queue.ready.begin();
  for (const auto& part : queue.window)
    if (part.batch->what.base <= at && at < part.batch->end())
      return lend_ready(id, queue, part.batch, out, now);
  if (!room_somewhere()) return false;
  queue.looking = at;
  out.push_back(look{id, at});
  return false;
}

/// Lends what is ready in `batch` to one member, as much as that has room for.
/// @returns Whether anything was lent.
bool delivery_core::lend_ready(queue_id id, queue_state& queue, const delivery_batch_ptr& batch,
                               effects_list& out, instant now) {
  const auto to = next_member();
  if (to == member_id{0}) return false;
  auto left = room(members_.at(to), batch->what);
  std::map<std::uint32_t, std::vector<offset_range>> by_attempts;
  const auto& rows = queue.progress.waiting();
  auto at = queue.ready.lower_bound(batch->what.base);
  for (; at != queue.ready.end() && *at < batch->end() && left > 0; --left) {
    const auto row = rows.find(*at);
    auto& ranges = by_attempts[row == rows.end() ? 0 : row->second.attempts];
    if (!ranges.empty() && ranges.back().end() == *at)
      ++ranges.back().count;
    else
      ranges.push_back({*at, 1});
    at = queue.ready.erase(at);
  }
  for (auto& [attempts, ranges] : by_attempts)
    put_out(queue, lend{to, id, batch, std::move(ranges), attempts + 1}, out, now);
  return !by_attempts.empty();
}

bool delivery_core::give_window(queue_id id, queue_state& queue, effects_list& out, instant now) {
  const auto drop_front = [&queue] {
    queue.window_bytes -= queue.window.front().batch->what.bytes.size();
    queue.window.pop_front();
  };
  while (!queue.window.empty()) {
    auto& part = queue.window.front();
    lend what{member_id{0}, id, part.batch, {}, 1};
    std::uint64_t left = 0;
    while (!part.free.empty()) {
      auto range = part.free.front();
      const auto open = lendable(queue, range); // Some may be settled already.
      if (open.empty()) {
        part.free.pop_front();
        continue;
      }
      if (open.size() > 1 || open.front() != range) {
        part.free.pop_front();
        part.free.insert(part.free.begin(), open.begin(), open.end());
        continue;
      }
      if (what.member == member_id{0}) {
        what.member = next_member();
        if (what.member == member_id{0}) return false;
        left = room(members_.at(what.member), part.batch->what);
      }
      if (left == 0) break;
      const auto count = std::min(left, range.count);
      what.ranges.push_back({range.first, count});
      left -= count;
      if (count == range.count)
        part.free.pop_front();
      else
        part.free.front() = {range.first + count, range.count - count};
    }
    if (part.free.empty()) drop_front();
    if (what.ranges.empty()) continue;
    put_out(queue, std::move(what), out, now);
    return true;
  }
  return false;
}

void delivery_core::put_out(queue_state& queue, lend what, effects_list& out, instant now) {
  auto& member = members_.at(what.member);
  std::uint64_t count = 0;
  const mono_ms ends{now.mono.value + options_.how.lease_ms};
  soonest_ = std::min(soonest_, ends);
  for (const auto& range : what.ranges) {
    count += range.count;
    queue.leases.emplace(range.first, lease{range.count, what.member, what.attempt - 1, ends});
  }
  in_flight_ += count;
  member.in_flight += count;
  const auto& batch = what.batch->what;
  what.bytes = batch.bytes.size() * count / batch.count;
  member.demand -= std::min(member.demand, what.bytes);
  queue.progress.lend(what.ranges);
  out.push_back(
    write{what.queue, effects::lent{options_.group, what.queue, what.ranges, {}}, !options_.keyed});
  out.push_back(std::move(what));
}

void delivery_core::pull_more(effects_list& out) {
  if (members_.empty()) return;
  const bool held_up = waiting() >= options_.how.waiting_max;
  std::uint64_t held = 0;
  for (const auto& [id, queue] : queues_) held += queue.window_bytes + queue.asked;
  for (auto& [id, queue] : queues_) {
    const bool full = held >= options_.window_bytes;
    if (held_up && queue.fetched >= queue.barrier) continue;
    if (queue.asked > 0 && queue.wants == 0) continue;
    if (queue.window_bytes > 0 && (full || queue.window_bytes >= pull_bytes)) continue;
    const auto bytes = std::max(full ? pull_bytes_min : pull_bytes, std::exchange(queue.wants, 0));
    queue.asked += bytes;
    held += bytes;
    out.push_back(pull{id, bytes});
  }
}

} // namespace carafe::core
