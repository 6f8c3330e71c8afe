#include "actors/log_walk.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

/// Retention may drop a segment between a look at the bounds and the reading.
constexpr int attempts_max = 10;

result<unix_ms> time_at(const storage::commit_log& log, entry_index at) {
  auto stored = log.read_entries(at, at, 1);
  if (!stored) return stored.error();
  auto header = read_entry_header(stored->front().span());
  if (!header) return header.error();
  return header->time;
}

/// The first entry whose time is not before `since`: times never fall along the log.
result<entry_index> first_since(const storage::commit_log& log, unix_ms since, entry_index first,
                                entry_index last) {
  auto from = first.value, until = last.value + 1;
  while (from < until) {
    const auto middle = from + (until - from) / 2;
    auto time = time_at(log, entry_index{middle});
    if (!time) return time.error();
    if (*time >= since)
      until = middle;
    else
      from = middle + 1;
  }
  return entry_index{from};
}

result<walk_reply> walk_once(const storage::commit_log& log, const walk_request& wish) {
  const auto bounds = log.bounds();
  const auto last = std::min(wish.last, bounds.last);
  walk_reply out;
  auto first = wish.first;
  if (first.value == 0 && wish.since.value > 0) {
    auto found = first_since(log, wish.since, bounds.first, last);
    if (!found) return found.error();
    first = *found;
  }
  out.cut = bounds.first.value > 1 && first <= bounds.first;
  first = std::max(first, bounds.first);
  out.next = first;
  if (first > last) return out;
  auto stored = log.read_entries(first, last, wish.bytes_max);
  if (!stored) return stored.error();
  for (auto& each : *stored) {
    auto entry = decode_entry(std::move(each));
    if (!entry)
      return {entry.code(),
              "entry " + std::to_string(out.next.value) + ": " + entry.error().detail};
    if (out.next == first) out.begins = entry->header.time;
    out.next = out.next + 1;
    if (std::ranges::any_of(entry->effects,
                            [&](const auto& effect) { return wish.about->concerns(effect); }))
      out.entries.push_back(std::move(*entry));
  }
  return out;
}

} // namespace

result<walk_reply> walk(const storage::commit_log& log, const walk_request& wish) {
  for (int attempt = 1;; ++attempt) {
    auto out = walk_once(log, wish);
    if (out || out.code() != errc::not_found || attempt == attempts_max) return out;
  }
}

} // namespace carafe
