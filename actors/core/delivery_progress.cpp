#include "actors/core/delivery_progress.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

void delivery_progress::meet(offset_range range) {
  lent_.remove(range);
  const auto from = std::max(range.first, next_);
  if (from >= range.end()) return;
  done_.add({from, range.end().value - from.value});
  next_ = done_.end_of(next_);
  done_.remove_below(next_);
}

void delivery_progress::set(const waiting_record& row) {
  auto& now = waiting_[row.at];
  if (now.letter_queue.value != 0) letters_.erase({now.letter_queue, now.letter, row.at});
  now = row;
  if (row.letter_queue.value != 0) letters_.emplace(row.letter_queue, row.letter, row.at);
}

delivery_progress::row_map::iterator delivery_progress::erase(row_map::iterator row) {
  if (row->second.letter_queue.value != 0)
    letters_.erase({row->second.letter_queue, row->second.letter, row->first});
  return waiting_.erase(row);
}

std::vector<offset> delivery_progress::settle(const std::vector<offset_range>& ranges) {
  std::vector<offset> gone;
  for (const auto& range : ranges) {
    meet(range);
    if (rows_from(range.first) == waiting_.end()) continue;
    auto row = waiting_.lower_bound(range.first);
    while (row != waiting_.end() && row->first < range.end()) {
      gone.push_back(row->first);
      row = erase(row);
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
    for (const auto& [at, row] : rows(range)) lent_.add({at, 1});
  }
}

void delivery_progress::give_back(const std::vector<offset_range>& ranges) {
  // What was met stays so: it is to be spared when retention passes it.
  reach(lent_.end());
  for (const auto& range : ranges) lent_.remove(range);
}

namespace {

/// Whether who wrote `now` did not know of the copy that `before` names. Later copies lie further
/// on.
bool misses_a_copy(const waiting_record& before, const waiting_record& now) {
  if (before.letter_queue.value == 0) return false;
  if (now.letter_queue.value == 0) return true;
  return before.letter_queue == kept_messages &&
         (now.letter_queue != kept_messages || now.letter < before.letter);
}

} // namespace

void delivery_progress::put(const waiting_record& row) {
  const auto before = waiting_.find(row.at);
  meet({row.at, 1});
  if (before != waiting_.end() && misses_a_copy(before->second, row)) {
    auto with_letter = row;
    const auto& was = before->second;
    with_letter.letter_queue = was.letter_queue;
    with_letter.letter = was.letter;
    with_letter.stored = was.stored;
    with_letter.producer = was.producer;
    with_letter.number = was.number;
    if (row.key_unknown && !was.key_unknown) {
      with_letter.key = was.key;
      with_letter.key_unknown = false;
    }
    set(with_letter);
    return;
  }
  set(row);
}

void delivery_progress::revive(const waiting_record& row) {
  const bool lent = lent_.contains(row.at);
  put(row);
  if (lent) lend({{row.at, 1}});
}

bool delivery_progress::keep(const waiting_record& row) {
  if (finished(row.at)) return false;
  auto now = row;
  if (const auto there = waiting_.find(row.at); there != waiting_.end()) {
    now = there->second;
    now.letter_queue = row.letter_queue;
    now.letter = row.letter;
    now.stored = row.stored;
    now.producer = row.producer;
    now.number = row.number;
    if (now.key_unknown) now.key = row.key;
    now.key_unknown = false;
  } else {
    const bool lent = lent_.contains(row.at);
    meet({row.at, 1});
    if (lent) lent_.add({row.at, 1});
  }
  set(now);
  return true;
}

std::vector<offset> delivery_progress::start_at(offset start) {
  std::vector<offset> gone;
  const auto lent = std::exchange(lent_, {});
  for (const auto& range : lent.within({start, ~start.value})) lent_.add(range);
  if (start > next_) meet({next_, start.value - next_.value});
  for (auto row = waiting_.begin(); row != waiting_.end() && row->first < start;) {
    if (row->second.letter_queue.value != 0) { // Its payload is its letter.
      if (lent.contains(row->first)) lent_.add({row->first, 1});
      ++row;
      continue;
    }
    gone.push_back(row->first);
    row = erase(row);
  }
  return gone;
}

bool delivery_progress::holds(offset at) const {
  if (waiting_.contains(at)) return true;
  return !met(at) && at < std::max({read_, done_.end(), lent_.end()});
}

std::vector<offset_range> delivery_progress::held(offset end) const {
  offset_set found;
  const auto met = std::min(end, std::max({read_, done_.end(), lent_.end()}));
  if (next_ < met)
    for (const auto& range : done_.missing({next_, met.value - next_.value})) found.add(range);
  for (const auto& [at, row] : waiting_) {
    if (at >= end) break;
    if (row.letter_queue.value == 0) found.add({at, 1});
  }
  return found.to_ranges();
}

std::optional<std::pair<offset, offset>> delivery_progress::letter_from(queue_id queue,
                                                                        offset from) const {
  const auto found = letters_.lower_bound({queue, from, offset{0}});
  if (found == letters_.end() || std::get<queue_id>(*found) != queue) return std::nullopt;
  return std::pair{std::get<1>(*found), std::get<2>(*found)};
}

} // namespace carafe::core
