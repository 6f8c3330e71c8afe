#include "actors/core/delivery_core.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carafe::core {

/// What does not pass the filter is done.
/// Not what some consumer has or had: the group's filter may have been another one then.
void delivery_core::leave_out(queue_id id, queue_state& queue, const delivery_batch& batch,
                              effects_list& out) {
  const offset_set passes{*batch.passes};
  effects::settled done{options_.group, id, {}, effects::settled::reason::filtered};
  for (const auto& part : unfinished(queue, {batch.what.base, batch.what.count}))
    for (const auto& range : passes.missing(part))
      for (const auto& unlent : queue.progress.lent().missing(range))
        for (const auto& unmet : without_rows(queue, unlent)) {
          forget(queue, id, unmet);
          queue.progress.settle({unmet});
          left_out_.filtered += unmet.count;
          done.ranges.push_back(unmet);
        }
  if (!done.ranges.empty()) out.push_back(write{id, std::move(done), true});
}

/// Of messages that failed before they were read, the keys come with their batch. No later one of
/// the key was met before it.
void delivery_core::learn_keys(queue_id id, queue_state& queue, const delivery_batch& batch,
                               effects_list& out) {
  std::vector<waiting_record> learnt;
  for (const auto& [at, row] : queue.progress.rows({batch.what.base, batch.what.count}))
    if (row.key_unknown) learnt.push_back(row);
  for (auto& row : learnt) {
    row.key = batch.keys.empty() ? 0 : batch.keys[row.at.value - batch.what.base.value];
    row.key_unknown = false;
    meet_key(queue, row.at, row.key);
    if (queue.dying.contains(row.at)) continue; // Its end may be written already.
    const std::vector<offset_range> itself{{row.at, 1}};
    const bool lent = queue.progress.lent().contains(row.at); // To put its row ends that.
    queue.progress.put(row);
    out.push_back(write{id, effects::waiting{options_.group, id, std::move(row)}, true});
    if (!lent) continue;
    queue.progress.lend(itself);
    out.push_back(write{id, effects::lent{options_.group, id, itself, {}}, true});
  }
}

/// Everything below `end` was read, or is gone.
void delivery_core::read_to(queue_id id, queue_state& queue, offset end) {
  const bool before = queue.revived && queue.fetched < queue.barrier;
  queue.fetched = std::max(queue.fetched, end);
  if (before && queue.fetched >= queue.barrier)
    for (const auto first : queue.lines.firsts()) wake_first(id, queue, first);
}

/// Puts the messages of a batch that nobody has dealt with into the window.
void delivery_core::sort_in(queue_state& queue, const delivery_batch_ptr& batch) {
  queue_state::window_part part{batch, {}, 0};
  const auto& keys = batch->keys;
  const auto base = batch->what.base;
  const auto begin = std::max({base, queue.progress.next(), queue.fetched});
  if (begin >= batch->end()) return;
  const offset_range whole{begin, batch->end().value - begin.value};
  for (const auto& unmet : queue.progress.done().missing(whole)) {
    const auto lent = queue.progress.lent().within(unmet);
    for (const auto& range : lent)
      for (auto at = range.first; !keys.empty() && at < range.end(); at = at + 1)
        meet_key(queue, at, keys[at.value - base.value]);
    for (const auto& range : queue.progress.lent().missing(unmet)) {
      if (keys.empty()) {
        part.free.push_back(range);
        continue;
      }
      for (auto at = range.first; at < range.end(); at = at + 1) {
        if (!meet_key(queue, at, keys[at.value - base.value])) continue;
        if (!part.free.empty() && part.free.back().end() == at)
          ++part.free.back().count;
        else
          part.free.push_back({at, 1});
      }
    }
  }
  if (part.free.empty()) return;
  part.bytes = batch->what.bytes.size();
  queue.window_bytes += part.bytes;
  if (batch->priorities.empty())
    queue.window[priority_default].push_back(std::move(part));
  else
    rank(queue, std::move(part));
}

/// Puts each of the part's messages among those of its priority.
void delivery_core::rank(queue_state& queue, queue_state::window_part part) {
  const auto& batch = *part.batch;
  std::map<std::uint8_t, std::deque<offset_range>> ranked;
  for (const auto& range : part.free)
    for (auto at = range.first; at < range.end(); at = at + 1) {
      const auto said = batch.priorities[at.value - batch.what.base.value];
      const auto priority = std::min(said, priority_max);
      if (priority != priority_default) queue.priority_of.emplace(at, priority);
      auto& free = ranked[priority];
      if (!free.empty() && free.back().end() == at)
        ++free.back().count;
      else
        free.push_back({at, 1});
    }
  // The batch's bytes are counted once.
  for (auto& [priority, free] : ranked)
    queue.window[priority].push_back({part.batch, std::move(free), std::exchange(part.bytes, 0)});
}

/// @returns Whether it was free there.
bool delivery_core::take_from_window(queue_state& queue, offset at) {
  const auto lane = queue.window.find(priority_at(queue, at));
  if (lane == queue.window.end()) return false;
  auto& parts = lane->second;
  const auto part = std::ranges::find_if(parts, [at](const auto& each) {
    return each.batch->what.base <= at && at < each.batch->end();
  });
  if (part == parts.end()) return false;
  offset_set free{std::vector<offset_range>{part->free.begin(), part->free.end()}};
  if (!free.remove(at)) return false;
  const auto left = free.to_ranges();
  part->free.assign(left.begin(), left.end());
  if (!left.empty()) return true;
  queue.window_bytes -= part->bytes;
  parts.erase(part);
  if (parts.empty()) queue.window.erase(lane);
  return true;
}

/// Takes `range` out of every lease.
void delivery_core::end_leases(queue_state& queue, offset_range range, const lent_away& each) {
  auto at = queue.leases.upper_bound(range.first);
  if (at != queue.leases.begin()) --at;
  while (at != queue.leases.end() && at->first < range.end()) {
    const auto first = at->first;
    const auto was = at->second;
    const auto end = first + was.count;
    if (end <= range.first) {
      ++at;
      continue;
    }
    at = queue.leases.erase(at);
    const auto from = std::max(first, range.first);
    const auto to = std::min(end, range.end());
    auto rest = was;
    if (first < from) {
      rest.count = from.value - first.value;
      queue.leases.emplace(first, rest);
    }
    if (to < end) {
      rest.count = end.value - to.value;
      queue.leases.emplace(to, rest);
    }
    const auto count = to.value - from.value;
    in_flight_ -= count;
    if (auto member = members_.find(was.member); member != members_.end())
      member->second.in_flight -= count;
    each({from, count}, was);
  }
}

bool delivery_core::lent_out(const queue_state& queue, offset at) {
  auto found = queue.leases.upper_bound(at);
  if (found == queue.leases.begin()) return false;
  --found;
  return at < found->first + found->second.count;
}

std::optional<delivery_core::lease> delivery_core::take_lease(queue_state& queue, member_id id,
                                                              offset at) {
  auto found = queue.leases.upper_bound(at);
  if (found == queue.leases.begin()) return std::nullopt;
  --found;
  const auto was = found->second;
  const bool known = was.member == id || was.member == member_id{0};
  if (at >= found->first + was.count || !known) return std::nullopt;
  end_leases(queue, {at, 1}, [](offset_range, const lease&) {});
  return was;
}

/// Drops everything that is known of these but what the log says.
void delivery_core::forget(queue_state& queue, queue_id id, offset_range range) {
  end_leases(queue, range, [](offset_range, const lease&) {});
  if (auto& known = queue.priority_of; !known.empty())
    known.erase(known.lower_bound(range.first), known.lower_bound(range.end()));
  queue.dying.erase(queue.dying.lower_bound(range.first), queue.dying.lower_bound(range.end()));
  for (const auto& [at, row] : queue.progress.rows(range)) due_.erase({row.due, id, at});
  leave_lines(id, queue, range);
  // Last: the end of one may have given another one of the range its turn.
  queue.ready.erase(range);
}

std::uint64_t delivery_core::pause_after(std::uint32_t attempts) {
  const auto& list = options_.how.backoff_ms;
  if (list.empty()) return 0;
  const auto pause = list[std::min<std::size_t>(attempts, list.size()) - 1];
  const auto spread = pause / 100 * options_.how.jitter_percent;
  return spread == 0 ? pause : pause - dice_(spread + 1);
}

waiting_record delivery_core::next_row(const queue_state& queue, offset at, std::uint32_t attempts,
                                       std::string error, instant now) const {
  waiting_record row;
  row.key_unknown = true;
  if (const auto* const before = queue.progress.row(at)) row = *before;
  if (options_.keyed && at < queue.fetched) row.key_unknown = false;
  row.at = at;
  row.attempts = attempts + 1;
  if (error.size() > delivery_error_bytes_max) error.resize(delivery_error_bytes_max);
  row.error = std::move(error);
  if (const auto key = queue.lines.key_of(at); key != 0) row.key = key;
  row.priority = priority_at(queue, at);
  if (attempts == 0) row.first_failed = now.wall;
  row.last_failed = now.wall;
  return row;
}

void delivery_core::failed(queue_id id, queue_state& queue, offset at, std::uint32_t attempts,
                           std::optional<std::uint64_t> delay_ms, std::string error,
                           effects_list& out, instant now) {
  auto row = next_row(queue, at, attempts, std::move(error), now);
  if (row.attempts >= options_.how.attempts_max) {
    queue.dying.insert(at);
    out.push_back(bury{id, std::move(row)});
    return;
  }
  constexpr std::uint64_t pause_ms_max = 315'360'000'000; // Ten years.
  const auto pause = std::min(delay_ms ? *delay_ms : pause_after(row.attempts), pause_ms_max);
  row.due = unix_ms{now.wall.value + static_cast<std::int64_t>(pause)};
  queue.progress.put(row);
  if (pause == 0)
    ready_again(id, queue, at);
  else
    due_.emplace(row.due, id, at);
  out.push_back(write{id, effects::waiting{options_.group, id, std::move(row)}});
  // One that was brought back may have waited for this.
  if (queue.revived)
    if (const auto first = queue.lines.first_before(at)) wake_first(id, queue, *first);
}

/// What a lease that came to nothing leaves behind.
void delivery_core::end_lease(queue_id id, queue_state& queue, offset_range range, const lease& was,
                              std::optional<std::uint64_t> delay_ms, const std::string& error,
                              effects_list& out, instant now) {
  for (auto at = range.first; at < range.end(); at = at + 1)
    failed(id, queue, at, was.attempts, delay_ms, error, out, now);
}

/// The parts of `range` that `id` was lent, or nobody known.
std::vector<offset_range> delivery_core::held_by(const queue_state& queue, offset_range range,
                                                 member_id id) const {
  std::vector<offset_range> out;
  auto at = queue.leases.upper_bound(range.first);
  if (at != queue.leases.begin()) --at;
  for (; at != queue.leases.end() && at->first < range.end(); ++at) {
    if (at->second.member != id && at->second.member != member_id{0}) continue;
    const auto from = std::max(at->first, range.first);
    const auto to = std::min(at->first + at->second.count, range.end());
    if (from < to) out.push_back({from, to.value - from.value});
  }
  return out;
}

/// The parts of a window's free range that may be lent now.
std::vector<offset_range> delivery_core::lendable(const queue_state& queue,
                                                  offset_range range) const {
  auto open = unfinished(queue, range);
  if (!queue.revived) return open;
  offset_set left;
  for (const auto& part : open)
    for (auto at = part.first; at < part.end(); at = at + 1)
      if (!lent_out(queue, at) && !queue.ready.contains(at) && queue.progress.row(at) == nullptr &&
          queue.lines.first_before(at).value_or(at) == at && !key_is_lent(queue, at))
        left.add({at, 1});
  return left.to_ranges();
}

std::vector<offset_range> delivery_core::without_rows(const queue_state& queue,
                                                      offset_range range) {
  const auto rows = queue.progress.rows(range);
  if (rows.empty()) return {range};
  offset_set left;
  left.add(range);
  for (const auto& [at, row] : rows) left.remove(at);
  return left.to_ranges();
}

/// The parts of `range` that may still be finished.
std::vector<offset_range> delivery_core::unfinished(const queue_state& queue,
                                                    offset_range range) const {
  const auto& progress = queue.progress;
  const auto from = std::max(range.first, progress.next());
  std::vector<offset_range> unmet;
  if (from < range.end()) unmet = progress.done().missing({from, range.end().value - from.value});
  const auto rows = progress.rows(range);
  auto dying = queue.dying.lower_bound(range.first);
  const bool none_dies = dying == queue.dying.end() || *dying >= range.end();
  if (rows.empty() && none_dies) return unmet;
  offset_set open{unmet};
  for (const auto& [at, row] : rows) open.add({at, 1});
  for (; dying != queue.dying.end() && *dying < range.end(); ++dying) open.remove({*dying, 1});
  return open.to_ranges();
}

} // namespace carafe::core
