#include "actors/core/delivery_progress.hpp"

#include <algorithm>

namespace carafe::core {

void delivery_progress::meet(offset_range range) {
  lent_.remove(range);
  const auto from = std::max(range.first, next_);
  if (from >= range.end()) return;
  done_.add({from, range.end().value - from.value});
  next_ = done_.end_of(next_);
  done_.remove_below(next_);
}

std::vector<offset> delivery_progress::settle(const std::vector<offset_range>& ranges) {
  std::vector<offset> gone;
  for (const auto& range : ranges) {
    meet(range);
    auto row = waiting_.lower_bound(range.first);
    while (row != waiting_.end() && row->first < range.end()) {
      gone.push_back(row->first);
      row = waiting_.erase(row);
    }
  }
  return gone;
}

void delivery_progress::lend(const std::vector<offset_range>& ranges) {
  // It may be written after what ended them: then nobody has them any more.
  for (const auto& range : ranges) {
    const auto from = std::max(range.first, next_);
    if (from < range.end())
      for (const auto& part : done_.missing({from, range.end().value - from.value}))
        lent_.add(part);
    for (auto row = waiting_.lower_bound(range.first);
         row != waiting_.end() && row->first < range.end(); ++row)
      lent_.add({row->first, 1});
  }
}

void delivery_progress::put(const waiting_record& row) {
  meet({row.at, 1});
  waiting_[row.at] = row;
}

std::vector<offset> delivery_progress::start_at(offset start) {
  std::vector<offset> gone;
  const auto lent = lent_.within({offset{0}, start.value});
  lent_.remove_below(start);
  if (start > next_) meet({next_, start.value - next_.value});
  for (auto row = waiting_.begin(); row != waiting_.end() && row->first < start;) {
    if (row->second.letter_queue.value != 0) { // Its payload is its letter, and its holder's.
      if (offset_set{lent}.contains(row->first)) lent_.add({row->first, 1});
      ++row;
      continue;
    }
    gone.push_back(row->first);
    row = waiting_.erase(row);
  }
  return gone;
}

} // namespace carafe::core
