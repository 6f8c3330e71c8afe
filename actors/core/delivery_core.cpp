#include "actors/core/delivery_core.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

namespace {

failure not_lent(offset at) {
  return {errc::not_owner, "message " + std::to_string(at.value) + " is not lent to this consumer"};
}

/// Whoever still has what was lent before a restart comes back and says so before.
constexpr std::uint64_t unpresented_ms_max = 60'000;

mono_ms later(mono_ms now, std::uint64_t ms) { return mono_ms{now.value + ms}; }

/// What of it lies before `end`.
offset_range within(offset_range range, offset end) {
  if (range.first >= end) return {end, 0};
  return {range.first, std::min(range.count, end.value - range.first.value)};
}

} // namespace

delivery_core::delivery_core(options o, std::function<std::uint64_t(std::uint64_t)> dice)
  : options_(std::move(o)),
    dice_(std::move(dice)),
    nodes_(std::make_unique<std::pmr::unsynchronized_pool_resource>()),
    shelf_(options_.window_bytes) {}

delivery_core::queue_state* delivery_core::find(queue_id queue) {
  auto at = queues_.find(queue);
  return at == queues_.end() ? nullptr : &at->second;
}

// -- queues ---------------------------------------------------------------------------------------

void delivery_core::add_queue(queue_id id, delivery_progress progress, offset end, instant now) {
  auto [at, fresh] = queues_.try_emplace(id, nodes_.get());
  if (!fresh) return;
  auto& queue = at->second;
  queue.progress = std::move(progress);
  queue.end = end;
  queue.fetched = queue.progress.next();
  for (const auto& [offset, row] : queue.progress.waiting()) {
    if (row.key != 0) meet_key(queue, offset, row.key);
    if (options_.keyed && row.key_unknown) {
      queue.fetched = std::min(queue.fetched, offset);
      queue.barrier = std::max(queue.barrier, offset + 1);
    }
    queue.revived |= row.letter_queue.value != 0;
    if (row.priority != priority_default) queue.priority_of.emplace(offset, row.priority);
    if (!queue.progress.lent().contains(offset)) due_.emplace(row.due, id, offset);
  }
  const auto lease_ms = std::max(options_.how.lease_ms, options_.lease_left_ms);
  const auto ends = later(now.mono, std::min(lease_ms, unpresented_ms_max));
  const auto put = [&](offset_range range, std::uint32_t attempts) {
    if (range.count == 0) return;
    queue.leases.emplace(range.first, lease{range.count, member_id{0}, attempts, ends, 0});
    soonest_ = std::min(soonest_, ends);
    in_flight_ += range.count;
  };
  for (auto range : queue.progress.lent().to_ranges()) {
    queue.barrier = std::max(queue.barrier, range.end());
    // Messages that failed before are lent one by one.
    const auto& rows = queue.progress.waiting();
    for (auto row = rows.lower_bound(range.first); row != rows.end() && row->first < range.end();
         ++row) {
      put({range.first, row->first.value - range.first.value}, 0);
      put({row->first, 1}, row->second.attempts);
      range = {row->first + 1, range.end().value - row->first.value - 1};
    }
    put(range, 0);
  }
}

void delivery_core::remove_queue(queue_id id) {
  auto at = queues_.find(id);
  if (at == queues_.end()) return;
  auto& queue = at->second;
  end_leases(queue, {offset{0}, queue.end.value}, [](offset_range, const lease&) {});
  behind_ -= queue.lines.behind();
  shelf_.drop(id);
  std::erase_if(due_, [id](const auto& due) { return std::get<queue_id>(due) == id; });
  queues_.erase(at);
}

offset delivery_core::reads_from(queue_id queue) const { return queues_.at(queue).fetched; }

delivery_core::effects_list delivery_core::raise_start(queue_id id, offset start, instant now) {
  effects_list out;
  auto* queue = find(id);
  if (queue == nullptr) return out;
  queue->end = std::max(queue->end, start);
  if (start <= queue->fetched) return out; // What was read is known, or looked up.
  offset_set gone{unfinished(*queue, {queue->fetched, start.value - queue->fetched.value})};
  const auto& rows = queue->progress.waiting();
  for (auto row = rows.lower_bound(queue->fetched); row != rows.end() && row->first < start; ++row)
    gone.remove(row->first);
  for (const auto& range : gone.to_ranges()) {
    forget(*queue, id, range);
    queue->progress.settle({range});
  }
  read_to(id, *queue, start);
  give(out, now);
  return out;
}

void delivery_core::kept(queue_id id, const waiting_record& row) {
  auto* queue = find(id);
  if (queue == nullptr) return;
  const auto at = row.at;
  const bool known = at < queue->fetched || queue->progress.waiting().contains(at) ||
                     lent_out(*queue, at) || queue->dying.contains(at);
  if (!queue->progress.keep(row)) return;
  if (queue->found_for == at) queue->found.reset();
  meet_key(*queue, at, row.key);
  if (!known)
    due_.emplace(row.due, id, at); // Its reader will not bring it.
  else if (take_from_window(*queue, at))
    make_ready(*queue, at);
}

// -- members --------------------------------------------------------------------------------------

delivery_core::effects_list delivery_core::join(member_id id, std::uint32_t in_flight_max,
                                                instant now) {
  effects_list out;
  auto& member = members_[id];
  member.in_flight_max = std::min(in_flight_max, options_.how.member_in_flight_max);
  member.last_settled = now.mono;
  give(out, now);
  return out;
}

delivery_core::effects_list delivery_core::leave(member_id id, bool lost, instant now) {
  effects_list out;
  if (members_.erase(id) == 0) return out;
  for (auto& [queue_name, queue] : queues_) {
    std::vector<std::pair<offset_range, lease>> had;
    for (const auto& [first, held] : queue.leases)
      if (held.member == id) had.emplace_back(offset_range{first, held.count}, held);
    effects::returned back{options_.group, queue_name, {}};
    for (const auto& [range, was] : had) {
      end_leases(queue, range, [](offset_range, const lease&) {});
      if (lost) {
        end_lease(queue_name, queue, range, was, 0, "its consumer was lost", out, now);
        continue;
      }
      take_back(queue_name, queue, range);
      back.ranges.push_back(range);
    }
    if (!back.ranges.empty()) out.push_back(write{queue_name, std::move(back)});
  }
  give(out, now);
  return out;
}

delivery_core::effects_list delivery_core::demand(member_id id, std::uint64_t bytes, instant now) {
  effects_list out;
  auto at = members_.find(id);
  if (at == members_.end()) return out;
  constexpr std::uint64_t demand_max = std::uint64_t{1} << 40;
  auto& demand = at->second.demand;
  demand = std::min(demand + std::min(bytes, demand_max), demand_max);
  give(out, now);
  return out;
}

void delivery_core::charged(member_id id, std::uint64_t estimated, std::uint64_t actual) {
  auto at = members_.find(id);
  if (at == members_.end()) return;
  auto& demand = at->second.demand;
  demand += estimated;
  demand -= std::min(demand, actual);
}

// -- messages -------------------------------------------------------------------------------------

delivery_core::effects_list delivery_core::arrived(queue_id id, delivery_batch_ptr batch,
                                                   instant now) {
  effects_list out;
  auto* queue = find(id);
  if (queue == nullptr) return out;
  queue->asked -= std::min<std::uint64_t>(queue->asked, batch->what.bytes.size());
  queue->wants = 0;
  queue->end = std::max(queue->end, batch->end());
  if (batch->passes) leave_out(id, *queue, *batch, out);
  const auto behind = behind_;
  if (options_.keyed) learn_keys(id, *queue, *batch, out);
  sort_in(*queue, batch);
  read_to(id, *queue, batch->end());
  // Retention must spare what waits behind another, and the log cannot tell that from unread.
  if (behind_ > behind) {
    out.push_back(write{id, effects::kept{options_.group, id, queue->fetched, {}}, true});
    shelve(id, batch);
  }
  give(out, now);
  return out;
}

delivery_core::effects_list delivery_core::wanted(queue_id id, std::uint64_t bytes,
                                                  std::uint64_t returned) {
  effects_list out;
  auto* queue = find(id);
  if (queue == nullptr) return out;
  queue->asked -= std::min(queue->asked, returned);
  queue->wants = bytes;
  pull_more(out);
  return out;
}

delivery_core::effects_list delivery_core::reopened(queue_id id) {
  effects_list out;
  auto* queue = find(id);
  if (queue == nullptr) return out;
  queue->asked = queue->wants = 0;
  pull_more(out);
  return out;
}

delivery_core::effects_list delivery_core::looked(queue_id id, offset at, delivery_batch_ptr batch,
                                                  instant now, effects::settled::reason without) {
  effects_list out;
  auto* queue = find(id);
  if (queue == nullptr || queue->looking != at) return out;
  queue->looking.reset();
  if (batch) {
    // It has its turn among the others, at the latest when there is room again: what comes from the
    // window would otherwise take all room while this is looked up, again and again.
    if (queue->ready.contains(at) && !stands_alone(*queue, at)) shelve(id, batch);
    queue->found = std::move(batch);
    queue->found_for = at;
    forget_found(*queue);
  } else if (queue->ready.contains(at)) {
    forget(*queue, id, {at, 1});
    queue->progress.settle({{at, 1}});
    if (without == effects::settled::reason::filtered) ++left_out_.filtered;
    out.push_back(write{id, effects::settled{options_.group, id, {{at, 1}}, without}});
  }
  give(out, now);
  return out;
}

delivery_core::effects_list delivery_core::passed(queue_id id, offset_range what, instant now) {
  effects_list out;
  auto* queue = find(id);
  if (queue == nullptr || what.count == 0) return out;
  effects::settled done{options_.group, id, {}, effects::settled::reason::gone};
  for (const auto& part : unfinished(*queue, what)) {
    forget(*queue, id, part);
    queue->progress.settle({part});
    done.ranges.push_back(part);
  }
  if (!done.ranges.empty()) out.push_back(write{id, std::move(done), true});
  queue->end = std::max(queue->end, what.end());
  read_to(id, *queue, what.end());
  give(out, now);
  return out;
}

result<delivery_core::effects_list> delivery_core::settle(member_id id, queue_id name,
                                                          const std::vector<offset_range>& ranges,
                                                          instant now) {
  auto* queue = find(name);
  if (queue == nullptr) return {errc::queue_unknown, "queue " + std::to_string(name.value)};
  // Those of a transaction were checked by the shard, and may not have been read here yet.
  if (id == member_id{0})
    for (const auto& range : ranges) queue->end = std::max(queue->end, range.end());
  effects_list out;
  effects::settled done{options_.group, name, {}};
  for (const auto& range : ranges)
    for (const auto& part : unfinished(*queue, within(range, queue->end))) {
      forget(*queue, name, part);
      queue->progress.settle({part});
      done.ranges.push_back(part);
    }
  if (auto member = members_.find(id); member != members_.end())
    member->second.last_settled = now.mono;
  if (!done.ranges.empty()) out.push_back(write{name, std::move(done)});
  give(out, now);
  return out;
}

result<delivery_core::effects_list> delivery_core::nack(member_id id, queue_id name, offset at,
                                                        std::optional<std::uint64_t> delay_ms,
                                                        std::string error, instant now) {
  auto* queue = find(name);
  if (queue == nullptr) return {errc::queue_unknown, "queue " + std::to_string(name.value)};
  const auto was = take_lease(*queue, id, at);
  if (!was) return not_lent(at);
  effects_list out;
  failed(name, *queue, at, was->attempts, delay_ms, std::move(error), out, now);
  if (auto member = members_.find(id); member != members_.end())
    member->second.last_settled = now.mono;
  give(out, now);
  return out;
}

result<delivery_core::effects_list> delivery_core::reject(member_id id, queue_id name, offset at,
                                                          std::string error, instant now) {
  auto* queue = find(name);
  if (queue == nullptr) return {errc::queue_unknown, "queue " + std::to_string(name.value)};
  const auto was = take_lease(*queue, id, at);
  if (!was) return not_lent(at);
  effects_list out;
  queue->dying.insert(at);
  out.push_back(bury{name, next_row(*queue, at, was->attempts, std::move(error), now)});
  give(out, now);
  return out;
}

delivery_core::effects_list delivery_core::give_back(member_id id, queue_id name,
                                                     const std::vector<offset_range>& ranges,
                                                     instant now) {
  effects_list out;
  auto* queue = find(name);
  if (queue == nullptr) return out;
  effects::returned back{options_.group, name, {}};
  for (const auto& range : ranges)
    for (const auto& part : held_by(*queue, range, id)) {
      end_leases(*queue, part, [](offset_range, const lease&) {});
      take_back(name, *queue, part);
      back.ranges.push_back(part);
    }
  if (!back.ranges.empty()) out.push_back(write{name, std::move(back)});
  give(out, now);
  return out;
}

void delivery_core::renew(member_id id, instant now) {
  const auto ends = later(now.mono, options_.how.lease_ms);
  for (auto& [name, queue] : queues_)
    for (auto& [first, held] : queue.leases)
      if (held.member == id) held.ends = std::max(held.ends, ends); // It may be shorter by now.
}

std::vector<offset_range> delivery_core::reclaim(member_id id, queue_id name,
                                                 const std::vector<offset_range>& ranges,
                                                 instant now) {
  auto* queue = find(name);
  auto member = members_.find(id);
  if (queue == nullptr || member == members_.end()) return ranges;
  offset_set missing{ranges};
  const auto ends = later(now.mono, options_.how.lease_ms);
  for (const auto& range : ranges) {
    std::vector<std::pair<offset_range, lease>> here;
    end_leases(*queue, range,
               [&here](offset_range part, const lease& was) { here.emplace_back(part, was); });
    for (auto [part, was] : here) {
      const bool ours = was.member == id || was.member == member_id{0};
      if (ours) {
        was.member = id;
        was.ends = std::max(was.ends, ends);
        missing.remove(part);
      }
      was.count = part.count;
      queue->leases.emplace(part.first, was);
      in_flight_ += part.count;
      if (auto holder = members_.find(was.member); holder != members_.end())
        holder->second.in_flight += part.count;
    }
  }
  return missing.to_ranges();
}

delivery_core::effects_list delivery_core::buried(queue_id name, offset at, instant now) {
  effects_list out;
  auto* queue = find(name);
  if (queue == nullptr || !queue->dying.contains(at)) return out;
  forget(*queue, name, {at, 1});
  queue->progress.settle({{at, 1}});
  give(out, now);
  return out;
}

delivery_core::effects_list delivery_core::revived(queue_id name, waiting_record row, instant now) {
  effects_list out;
  auto* queue = find(name);
  if (queue == nullptr) return out;
  const auto at = row.at;
  queue->revived = true;
  // These have the message as it was sent, not as it is brought back.
  queue->found.reset();
  if (queue->looking == at) queue->looking.reset();
  queue->progress.revive(row);
  if (row.key != 0) meet_key(*queue, at, row.key);
  due_.emplace(row.due, name, at);
  give(out, now);
  return out;
}

// -- time -----------------------------------------------------------------------------------------

delivery_core::effects_list delivery_core::tick(instant now) {
  effects_list out;
  while (!due_.empty() && std::get<unix_ms>(*due_.begin()) <= now.wall) {
    const auto [due, name, at] = *due_.begin();
    due_.erase(due_.begin());
    auto& queue = queues_.at(name);
    if (!lent_out(queue, at)) ready_again(name, queue, at);
  }
  if (now.mono >= soonest_) end_overdue(out, now);
  give(out, now);
  return out;
}

void delivery_core::end_overdue(effects_list& out, instant now) {
  soonest_ = mono_ms{~std::uint64_t{0}};
  for (auto& [name, queue] : queues_) {
    std::vector<std::pair<offset_range, lease>> ended;
    for (const auto& [first, held] : queue.leases) {
      if (held.ends > now.mono) {
        soonest_ = std::min(soonest_, held.ends);
        continue;
      }
      ended.emplace_back(offset_range{first, held.count}, held);
    }
    for (const auto& [range, was] : ended) {
      end_leases(queue, range, [](offset_range, const lease&) {});
      if (was.member == member_id{0}) // Nobody came back with it: the node was away, not they.
        take_back(name, queue, range);
      else
        end_lease(name, queue, range, was, std::nullopt, "its lease ended", out, now);
    }
  }
}

bool delivery_core::past_end(queue_id name, const std::vector<offset_range>& ranges) const {
  const auto queue = queues_.find(name);
  if (queue == queues_.end()) return false;
  const auto end = queue->second.end;
  return std::ranges::any_of(ranges, [end](const offset_range& range) {
    return range.count == 0 || within(range, end) != range;
  });
}

bool delivery_core::burying(queue_id name, const std::vector<offset_range>& ranges) const {
  const auto queue = queues_.find(name);
  if (queue == queues_.end()) return false;
  const auto& dying = queue->second.dying;
  return std::ranges::any_of(ranges, [&dying](const offset_range& range) {
    const auto at = dying.lower_bound(range.first);
    return at != dying.end() && *at < range.end();
  });
}

bool delivery_core::in_force(queue_id name, offset at, std::uint64_t number) const {
  const auto queue = queues_.find(name);
  if (queue == queues_.end()) return false;
  auto found = queue->second.leases.upper_bound(at);
  if (found == queue->second.leases.begin()) return false;
  --found;
  return at < found->first + found->second.count && found->second.number == number;
}

bool delivery_core::idle() const { return in_flight_ == 0 && due_.empty(); }

std::optional<std::uint64_t> delivery_core::next(instant now) const {
  if (idle()) return std::nullopt;
  auto wait = soonest_ > now.mono ? soonest_.value - now.mono.value : 0;
  if (!due_.empty()) {
    const auto due = std::get<unix_ms>(*due_.begin());
    wait = std::min(wait, due > now.wall ? static_cast<std::uint64_t>(due.value - now.wall.value)
                                         : std::uint64_t{0});
  }
  return wait;
}

} // namespace carafe::core
