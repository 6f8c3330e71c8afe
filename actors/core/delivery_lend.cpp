#include "actors/core/delivery_core.hpp"

#include <algorithm>
#include <bit>
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
  if (stopped_) return;
  std::size_t without = room_somewhere() ? 0 : queues_.size();
  auto at = queues_.upper_bound(turn_);
  while (without < queues_.size()) {
    if (at == queues_.end()) at = queues_.begin();
    without = give_from(at->first, at->second, out, now) ? 0 : without + 1;
    turn_ = at->first;
    ++at;
  }
  if (shelf_.size() > 0 && nothing_is_left()) shelf_.clear();
  pull_more(out);
}

/// Bit p: something of priority p may be there to lend.
unsigned delivery_core::priorities_there(const queue_state& queue) {
  unsigned out = 0;
  for (const auto& [priority, parts] : queue.window) out |= 1u << priority;
  for (const auto& [priority, offsets] : queue.ready.lanes()) out |= 1u << priority;
  return out;
}

/// @pre something is there
std::uint8_t delivery_core::priority_of_oldest(const queue_state& queue) {
  std::optional<std::pair<offset, std::uint8_t>> oldest;
  const auto look_at = [&oldest](offset at, std::uint8_t priority) {
    if (!oldest || at < oldest->first) oldest.emplace(at, priority);
  };
  for (const auto& [priority, parts] : queue.window)
    look_at(parts.front().free.front().first, priority);
  for (const auto& [priority, offsets] : queue.ready.lanes()) look_at(*offsets.begin(), priority);
  return oldest->second;
}

std::uint8_t delivery_core::priority_at(const queue_state& queue, offset at) {
  if (queue.priority_of.empty()) return priority_default;
  const auto found = queue.priority_of.find(at);
  return found == queue.priority_of.end() ? priority_default : found->second;
}

bool delivery_core::give_from(queue_id id, queue_state& queue, effects_list& out, instant now) {
  constexpr auto all = ~std::uint64_t{0};
  const auto give = [&](share of) {
    return give_ready(id, queue, of, out, now) || give_window(id, queue, of, out, now);
  };
  const auto there = priorities_there(queue);
  if (there == 0) return false;
  if (std::has_single_bit(there)) // As it is where no message has a priority.
    return give({static_cast<std::uint8_t>(std::countr_zero(there)), all});
  const auto oldest = priority_of_oldest(queue);
  if (queue.passed_over >= passed_over_max && give({oldest, 1})) {
    queue.passed_over = 0;
    return true;
  }
  for (unsigned priority = priority_max + 1; priority-- > 0;) {
    if ((there >> priority & 1u) == 0) continue;
    const auto left = passed_over_max - std::min(passed_over_max, queue.passed_over);
    const bool passes_over = priority != oldest;
    const auto before = in_flight_;
    if (!give({static_cast<std::uint8_t>(priority), passes_over && left > 0 ? left : all}))
      continue;
    queue.passed_over = passes_over ? queue.passed_over + (in_flight_ - before) : 0;
    return true;
  }
  return false;
}

bool delivery_core::give_ready(queue_id id, queue_state& queue, share of, effects_list& out,
                               instant now) {
  const auto lane = queue.ready.lanes().find(of.priority);
  if (lane == queue.ready.lanes().end()) return false;
  const auto at = *lane->second.begin();
  if (const auto found = queue.found; found && at >= found->what.base && at < found->end() &&
                                      (at == queue.found_for || !stands_alone(queue, at))) {
    const bool lent = lend_ready(id, queue, found, queue.found_for, of, out, now);
    forget_found(queue);
    return lent;
  }
  if (!stands_alone(queue, at))
    if (const auto batch = shelf_.find(id, at))
      return lend_ready(id, queue, batch, std::nullopt, of, out, now);
  if (queue.looking) return false;
  for (const auto& [priority, parts] : queue.window)
    for (const auto& part : parts) {
      if (at < part.batch->what.base || at >= part.batch->end() || stands_alone(queue, at))
        continue;
      const auto batch = part.batch;
      return lend_ready(id, queue, batch, std::nullopt, of, out, now);
    }
  if (!room_somewhere()) return false;
  queue.looking = at;
  out.emplace_back(look{id, at});
  return false;
}

/// Nobody is there, or nothing is under way.
bool delivery_core::nothing_is_left() const {
  if (members_.empty()) return true;
  return idle() && behind_ == 0 &&
         std::ranges::all_of(queues_, [](const auto& each) { return each.second.ready.empty(); });
}

void delivery_core::read_anew() {
  shelf_.clear();
  for (auto& [id, queue] : queues_) queue.found.reset();
}

void delivery_core::shelve(queue_id id, const delivery_batch_ptr& batch) {
  shelf_.put(id, batch, [this](queue_id of, const delivery_batch& b) {
    return soon_wanted(queues_.at(of), {b.what.base, b.what.count});
  });
}

/// Whether any of these may go before long: what failed and has a long pause, and what waits behind
/// a failed one, does not.
bool delivery_core::soon_wanted(const queue_state& queue, offset_range range) const {
  constexpr std::int64_t soon_ms = 1'000;
  for (const auto& part : unfinished(queue, range))
    for (auto at = part.first; at < part.end(); at = at + 1) {
      const auto first = queue.lines.first_before(at).value_or(at);
      const auto* const row = queue.progress.row(first);
      if (row == nullptr) return true;
      if (first == at && row->due.value - row->last_failed.value <= soon_ms) return true;
    }
  return false;
}

/// What was looked up goes when nothing of it is ready any more.
void delivery_core::forget_found(queue_state& queue) {
  if (!queue.found) return;
  const auto holds = [&queue](const auto& lane) {
    const auto at = lane.second.lower_bound(queue.found->what.base);
    return at != lane.second.end() && *at < queue.found->end();
  };
  if (std::ranges::none_of(queue.ready.lanes(), holds)) queue.found.reset();
}

/// Lends what is ready in `batch` to one member, as much as that has room for.
/// @returns Whether anything was lent, or had expired.
/// @param looked_up  For this one `batch` was read; of others, what stands alone is not in it.
bool delivery_core::lend_ready(queue_id id, queue_state& queue, const delivery_batch_ptr& batch,
                               std::optional<offset> looked_up, share of, effects_list& out,
                               instant now) {
  const auto to = next_member();
  const auto lane = queue.ready.lanes().find(of.priority);
  if (to == member_id{0} || lane == queue.ready.lanes().end()) return false;
  auto left = std::min(room(members_.at(to), batch->what), of.most);
  std::vector<offset_range> chosen;
  for (auto at = lane->second.lower_bound(batch->what.base);
       at != lane->second.end() && *at < batch->end() && left > 0; ++at) {
    if (*at != looked_up && stands_alone(queue, *at)) continue;
    --left;
    if (!chosen.empty() && chosen.back().end() == *at)
      ++chosen.back().count;
    else
      chosen.push_back({*at, 1});
  }
  if (chosen.empty()) return false;
  for (const auto& range : chosen) queue.ready.erase(range);
  std::map<std::uint32_t, std::vector<offset_range>> by_attempts;
  for (const auto& range : without_expired(id, queue, *batch, std::move(chosen), out, now))
    for (auto at = range.first; at < range.end(); at = at + 1) {
      const auto* const row = queue.progress.row(at);
      auto& ranges = by_attempts[row == nullptr ? 0 : row->attempts];
      if (!ranges.empty() && ranges.back().end() == at)
        ++ranges.back().count;
      else
        ranges.push_back({at, 1});
    }
  for (auto& [attempts, ranges] : by_attempts)
    put_out(queue, lend{to, id, batch, std::move(ranges), attempts + 1}, out, now);
  return true;
}

/// Whether only what is looked up for this message will do. What is delivered of a redriven one is
/// its letter; and the filter has not seen a copy that was made before anybody had read the
/// message.
bool delivery_core::stands_alone(const queue_state& queue, offset at) {
  const auto* const row = queue.progress.row(at);
  if (row == nullptr || row->letter_queue.value == 0) return false;
  return row->stored.value == 0 || row->attempts == 0;
}

bool delivery_core::give_window(queue_id id, queue_state& queue, share of, effects_list& out,
                                instant now) {
  for (;;) {
    const auto lane = queue.window.find(of.priority);
    if (lane == queue.window.end()) return false;
    auto& part = lane->second.front();
    const auto batch = part.batch;
    lend what{member_id{0}, id, batch, {}, 1};
    std::uint64_t left = 0;
    while (!part.free.empty()) {
      auto range = part.free.front();
      // Some may be settled already, or too old.
      const auto open = without_expired(id, queue, *batch, lendable(queue, range), out, now);
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
        left = std::min(room(members_.at(what.member), batch->what), of.most);
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
    if (part.free.empty()) {
      queue.window_bytes -= part.bytes;
      lane->second.pop_front();
      if (lane->second.empty()) queue.window.erase(lane);
    }
    if (what.ranges.empty()) continue;
    put_out(queue, std::move(what), out, now);
    return true;
  }
}

/// Nobody has it any more, and it has not failed.
void delivery_core::take_back(queue_id id, queue_state& queue, offset_range range) {
  queue.progress.give_back({range});
  for (auto at = range.first; at < range.end(); at = at + 1)
    if (at < queue.fetched || queue.progress.row(at) != nullptr) ready_again(id, queue, at);
  // The others, of before a restart, come with their batches.
}

void delivery_core::put_out(queue_state& queue, lend what, effects_list& out, instant now) {
  auto& member = members_.at(what.member);
  what.number = ++lends_;
  std::uint64_t count = 0;
  const mono_ms ends{now.mono.value + options_.how.lease_ms};
  soonest_ = std::min(soonest_, ends);
  for (const auto& range : what.ranges) {
    count += range.count;
    queue.leases.emplace(range.first,
                         lease{range.count, what.member, what.attempt - 1, ends, what.number});
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
  std::uint64_t held = 0;
  for (const auto& [id, queue] : queues_) held += queue.window_bytes + queue.asked;
  for (auto& [id, queue] : queues_) {
    const bool full = held >= options_.window_bytes;
    if (held_up() && queue.fetched >= queue.barrier) continue;
    if (queue.asked > 0 && queue.wants == 0) continue;
    if (queue.window_bytes > 0 && (full || queue.window_bytes >= pull_bytes)) continue;
    const auto bytes = std::max(full ? pull_bytes_min : pull_bytes, std::exchange(queue.wants, 0));
    queue.asked += bytes;
    held += bytes;
    out.emplace_back(pull{id, bytes});
  }
}

} // namespace carafe::core
