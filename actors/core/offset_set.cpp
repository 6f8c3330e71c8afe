#include "actors/core/offset_set.hpp"

#include <algorithm>
#include <iterator>

namespace carafe::core {

void offset_set::add(offset_range range) {
  if (range.count == 0) return;
  auto first = range.first.value;
  auto end = range.end().value;
  // Swallow every range that touches this one.
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second >= first) --at;
  while (at != ranges_.end() && at->first <= end) {
    first = std::min(first, at->first);
    end = std::max(end, at->second);
    count_ -= at->second - at->first;
    at = ranges_.erase(at);
  }
  ranges_.emplace_hint(at, first, end);
  count_ += end - first;
}

void offset_set::remove(offset_range range) {
  if (range.count == 0) return;
  const auto first = range.first.value;
  const auto end = range.end().value;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second > first) --at;
  while (at != ranges_.end() && at->first < end) {
    const auto old_first = at->first;
    const auto old_end = at->second;
    at = ranges_.erase(at);
    count_ -= old_end - old_first;
    if (old_first < first) {
      ranges_.emplace_hint(at, old_first, first);
      count_ += first - old_first;
    }
    if (old_end > end) {
      at = ranges_.emplace_hint(at, end, old_end);
      count_ += old_end - end;
      return;
    }
  }
}

void offset_set::remove_below(offset at) { remove({offset{0}, at.value}); }

bool offset_set::contains(offset at) const { return end_of(at) != at; }

offset offset_set::end_of(offset at) const {
  auto found = ranges_.upper_bound(at.value);
  if (found == ranges_.begin() || std::prev(found)->second <= at.value) return at;
  return offset{std::prev(found)->second};
}

std::vector<offset_range> offset_set::within(offset_range range) const {
  std::vector<offset_range> out;
  const auto end = range.end().value;
  auto at = ranges_.upper_bound(range.first.value);
  if (at != ranges_.begin()) --at;
  for (; at != ranges_.end() && at->first < end; ++at) {
    const auto from = std::max(at->first, range.first.value);
    const auto to = std::min(at->second, end);
    if (from < to) out.push_back({offset{from}, to - from});
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

} // namespace carafe::core
