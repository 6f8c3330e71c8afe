#include "schema/offset_set.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carafe {

// Most calls are about the first range, or about the last and what lies behind it. In a set with
// many gaps these are told at once: a walk through the tree would be most of their cost, also a
// step from its last range to its end.

offset_set::range_map::iterator offset_set::behind(std::uint64_t at) {
  if (ranges_.empty() || ranges_.rbegin()->first <= at) return ranges_.end();
  if (ranges_.begin()->first > at) return ranges_.begin();
  return ranges_.upper_bound(at);
}

offset_set::range_map::const_iterator offset_set::behind(std::uint64_t at) const {
  if (ranges_.empty() || ranges_.rbegin()->first <= at) return ranges_.end();
  if (ranges_.begin()->first > at) return ranges_.begin();
  return ranges_.upper_bound(at);
}

void offset_set::add(offset_range range) {
  if (range.count == 0) return;
  const auto first = range.first.value;
  const auto end = range.end().value;
  auto next = behind(first);
  if (next != ranges_.begin() && std::prev(next)->second >= first) {
    --next;
    if (next->second >= end) return;
    // The usual case: it grows at its end.
    count_ += end - next->second;
    next->second = end;
  } else {
    count_ += end - first;
    next = ranges_.emplace_hint(next, first, end);
  }
  if (next == std::prev(ranges_.end())) return;
  auto& grown = next->second;
  for (++next; next != ranges_.end() && next->first <= grown; next = ranges_.erase(next)) {
    count_ -= std::min(next->second, grown) - next->first;
    grown = std::max(grown, next->second);
  }
}

bool offset_set::remove(offset at) {
  const auto next = behind(at.value);
  if (next == ranges_.begin()) return false;
  const auto here = std::prev(next);
  if (here->second <= at.value) return false;
  --count_;
  const auto end = here->second;
  if (here->first < at.value) {
    here->second = at.value;
    if (at.value + 1 < end) ranges_.emplace_hint(next, at.value + 1, end);
  } else if (at.value + 1 < end) {
    auto node = ranges_.extract(here);
    node.key() = at.value + 1;
    ranges_.insert(next, std::move(node));
  } else {
    ranges_.erase(here);
  }
  return true;
}

void offset_set::remove(offset_range range) {
  const auto first = range.first.value;
  const auto end = range.end().value;
  if (first == end || ranges_.empty() || ranges_.begin()->first >= end) return;
  auto at = behind(first);
  if (at != ranges_.begin() && std::prev(at)->second > first) --at;
  while (at != ranges_.end() && at->first < end) {
    const auto [was_first, was_end] = *at;
    at = ranges_.erase(at);
    count_ -= std::min(was_end, end) - std::max(was_first, first);
    if (was_first < first) ranges_.emplace_hint(at, was_first, first);
    if (was_end > end) ranges_.emplace_hint(at, end, was_end);
  }
}

void offset_set::remove_below(offset at) { remove({offset{0}, at.value}); }

std::vector<offset_range> offset_set::take(std::size_t max) {
  std::vector<offset_range> out;
  out.reserve(std::min(max, ranges_.size()));
  while (out.size() < max && !ranges_.empty()) {
    const auto [first, end] = *ranges_.begin();
    out.push_back({offset{first}, end - first});
    count_ -= end - first;
    ranges_.erase(ranges_.begin());
  }
  return out;
}

void offset_set::clear() noexcept {
  ranges_.clear();
  count_ = 0;
}

bool offset_set::contains(offset at) const { return end_of(at) != at; }

offset offset_set::end_of(offset at) const {
  auto found = behind(at.value);
  if (found == ranges_.begin() || std::prev(found)->second <= at.value) return at;
  return offset{std::prev(found)->second};
}

std::vector<offset_range> offset_set::within(offset_range range) const {
  std::vector<offset_range> out;
  const auto end = range.end().value;
  auto at = behind(range.first.value);
  if (at != ranges_.begin() && std::prev(at)->second > range.first.value) --at;
  for (; at != ranges_.end() && at->first < end; ++at) {
    const auto from = std::max(at->first, range.first.value);
    const auto to = std::min(at->second, end);
    if (from < to) out.push_back({offset{from}, to - from});
    if (to == end) break;
  }
  return out;
}

std::vector<offset_range> offset_set::missing(offset_range range) const {
  std::vector<offset_range> out;
  auto from = range.first.value;
  for (const auto& there : within(range)) {
    if (there.first.value > from) out.push_back({offset{from}, there.first.value - from});
    from = there.end().value;
  }
  if (from < range.end().value) out.push_back({offset{from}, range.end().value - from});
  return out;
}

std::vector<offset_range> offset_set::to_ranges() const {
  std::vector<offset_range> out;
  out.reserve(ranges_.size());
  for (const auto& [first, end] : ranges_) out.push_back({offset{first}, end - first});
  return out;
}

} // namespace carafe
