#include "actors/core/queue_core.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe::core {

namespace {

/// One read of the log brings at most about so much.
constexpr std::uint64_t read_bytes_max = 1u << 20;

/// More demand than this is as good as this.
constexpr std::uint64_t demand_max = std::uint64_t{1} << 40;

failure overtaken(offset at, offset start) {
  return {errc::offset_out_of_range, "retention has passed offset " + std::to_string(at.value) +
                                       "; the earliest is " + std::to_string(start.value)};
}

} // namespace

result<offset> queue_core::resolve(offset from, range_policy policy) const {
  if (from >= start_ && from <= next_) return from;
  switch (policy) {
  case range_policy::earliest:
    return start_;
  case range_policy::latest:
    return next_;
  case range_policy::error:
    break;
  }
  return {errc::offset_out_of_range, "offset " + std::to_string(from.value) + " is not within " +
                                       std::to_string(start_.value) + ".." +
                                       std::to_string(next_.value)};
}

void queue_core::add(reader_id reader, offset from) {
  const auto [at, fresh] = readers_.try_emplace(reader);
  CARAFE_ASSERT(fresh);
  at->second.next = from;
}

void queue_core::remove(reader_id reader) { readers_.erase(reader); }

queue_core::effects queue_core::demand(reader_id reader, std::uint64_t bytes) {
  effects out;
  auto at = readers_.find(reader);
  if (at == readers_.end()) return out;
  auto& state = at->second;
  state.demand = std::min(state.demand + std::min(bytes, demand_max), demand_max);
  if (bytes > 0) state.waiting = false;
  go_on(reader, at->second, out);
  return out;
}

queue_core::effects queue_core::committed(offset start, std::span<const batch_span> batches) {
  effects out;
  start_ = std::max(start_, start);
  for (const auto& batch : batches) {
    CARAFE_ASSERT(batch.base == next_);
    next_ = batch.base + batch.count;
  }
  std::vector<reader_id> ended;
  for (auto& [id, reader] : readers_) {
    if (reader.next < start_) {
      out.push_back(end{id, overtaken(reader.next, start_)});
      ended.push_back(id);
      continue;
    }
    if (reader.reading) continue;
    feed(id, reader, batches, out);
    go_on(id, reader, out);
  }
  for (auto id : ended) readers_.erase(id);
  return out;
}

queue_core::effects queue_core::read_done(reader_id reader, std::span<const batch_span> batches) {
  effects out;
  auto at = readers_.find(reader);
  if (at == readers_.end()) return out;
  auto& state = at->second;
  state.reading = false;
  if (!feed(reader, state, batches, out)) {
    // What is committed must be readable, unless retention has just dropped it. Reading again
    // would bring the same.
    auto why = state.next < start_
                 ? overtaken(state.next, start_)
                 : failure{errc::storage_corrupt, "offset " + std::to_string(state.next.value) +
                                                    " is committed but not in the log"};
    out.push_back(end{reader, std::move(why)});
    readers_.erase(at);
    return out;
  }
  if (state.next >= next_ && std::exchange(state.guessed, false)) ask(reader, state, 0, out);
  go_on(reader, state, out);
  return out;
}

queue_core::effects queue_core::read_failed(reader_id reader, failure why) {
  effects out;
  if (readers_.erase(reader) == 0) return out;
  out.push_back(end{reader, std::move(why)});
  return out;
}

bool queue_core::feed(reader_id id, reader_state& reader, std::span<const batch_span> batches,
                      effects& out) {
  bool found = false;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto& batch = batches[i];
    const auto after = batch.base + batch.count;
    if (after <= reader.next) continue;
    if (batch.base > reader.next) return found; // A gap: this reader needs a read first.
    found = true;
    reader.expected = std::max<std::uint64_t>(batch.bytes, 1);
    if (batch.bytes > reader.demand) {
      ask(id, reader, reader.expected, out);
      return found;
    }
    out.push_back(deliver{id, i});
    reader.next = after;
    reader.demand -= batch.bytes;
  }
  return found;
}

void queue_core::ask(reader_id id, reader_state& reader, std::uint64_t bytes, effects& out) {
  if (reader.waiting) return;
  reader.waiting = bytes > 0;
  out.push_back(want{id, bytes, std::exchange(reader.demand, 0)});
}

void queue_core::go_on(reader_id id, reader_state& reader, effects& out) {
  if (reader.reading || reader.waiting || reader.next >= next_) return;
  if (reader.demand < reader.expected) {
    reader.guessed = true;
    ask(id, reader, reader.expected, out);
    return;
  }
  reader.reading = true;
  out.push_back(read{id, reader.next, std::min(reader.demand, read_bytes_max)});
}

} // namespace carafe::core
