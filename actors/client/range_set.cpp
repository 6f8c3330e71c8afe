#include "actors/client/range_set.hpp"

#include <algorithm>
#include <iterator>

namespace carafe::client {

void range_set::add(offset_range range) {
  auto first = range.first.value;
  auto end = range.end().value;
  if (first == end) return;
  auto next = ranges_.upper_bound(first);
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
  auto& grown = next->second;
  for (++next; next != ranges_.end() && next->first <= grown; next = ranges_.erase(next)) {
    count_ -= std::min(next->second, grown) - next->first;
    grown = std::max(grown, next->second);
  }
}

bool range_set::remove(offset at) {
  auto next = ranges_.upper_bound(at.value);
  if (next == ranges_.begin()) return false;
  auto here = std::prev(next);
  if (here->second <= at.value) return false;
  --count_;
  auto end = here->second;
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

void range_set::remove(offset_range range) {
  auto first = range.first.value;
  auto end = range.end().value;
  if (first == end) return;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second > first) --at;
  while (at != ranges_.end() && at->first < end) {
    auto [was_first, was_end] = *at;
    at = ranges_.erase(at);
    count_ -= std::min(was_end, end) - std::max(was_first, first);
    if (was_first < first) ranges_.emplace_hint(at, was_first, first);
    if (was_end > end) ranges_.emplace_hint(at, end, was_end);
  }
}

void range_set::clear() noexcept {
  ranges_.clear();
  count_ = 0;
}

bool range_set::contains(offset at) const {
  if (ranges_.empty()) return false;
  auto next = ranges_.upper_bound(at.value);
  return next != ranges_.begin() && at.value < std::prev(next)->second;
}

std::vector<offset_range> range_set::missing(offset_range range) const {
  auto found = std::vector<offset_range>{};
  auto at = range.first.value;
  const auto end = range.end().value;
  auto next = ranges_.upper_bound(at);
  if (next != ranges_.begin()) at = std::max(at, std::prev(next)->second);
  for (; at < end; ++next) {
    auto gap_end = next == ranges_.end() ? end : std::min(next->first, end);
    if (at < gap_end) found.push_back({offset{at}, gap_end - at});
    if (next == ranges_.end()) break;
    at = next->second;
  }
  return found;
}

std::vector<offset_range> range_set::take(std::size_t max) {
  auto found = std::vector<offset_range>{};
  found.reserve(std::min(max, ranges_.size()));
  while (found.size() < max && !ranges_.empty()) {
    auto [first, end] = *ranges_.begin();
    found.push_back({offset{first}, end - first});
    count_ -= end - first;
    ranges_.erase(ranges_.begin());
  }
  return found;
}

std::vector<offset_range> range_set::all() const {
  auto found = std::vector<offset_range>{};
  found.reserve(ranges_.size());
  for (auto [first, end] : ranges_) found.push_back({offset{first}, end - first});
  return found;
}

} // namespace carafe::client
