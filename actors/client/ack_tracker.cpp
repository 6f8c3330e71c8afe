#include "actors/client/ack_tracker.hpp"

#include <algorithm>
#include <iterator>

namespace carafe::client {

ack_tracker::ack_tracker(offset begin)
  : position_(begin.value), handed_out_(begin.value), horizon_(begin.value) {}

ack_tracker::ack_tracker(const ack_tracker& before, offset begin) : ack_tracker(begin) {
  horizon_ = std::max(horizon_, before.horizon_);
  position_ = std::max(position_, before.position_);
  for (auto [from, to] : before.ranges_) {
    if (to <= position_) continue;
    ranges_.emplace_hint(ranges_.end(), std::max(from, position_), to);
  }
  advance();
  handed_out_ = position_;
}

void ack_tracker::hand_out(offset end) {
  handed_out_ = std::max(handed_out_, end.value);
  horizon_ = std::max(horizon_, handed_out_);
}

void ack_tracker::pass(offset first, offset end) {
  hand_out(end);
  const auto from = std::max(first.value, position_);
  if (end.value > from) mark(from, end.value);
  advance();
}

ack_tracker::answer ack_tracker::ack(offset at) {
  if (at.value >= horizon_) return answer::foreign;
  if (at.value < position_) return answer::repeated;
  if (at.value == position_) {
    ++position_;
    advance();
    return answer::marked;
  }
  if (done(at)) return answer::repeated;
  auto next = ranges_.upper_bound(at.value);
  auto joins_next = next != ranges_.end() && next->first == at.value + 1;
  auto joins_before = next != ranges_.begin() && std::prev(next)->second == at.value;
  if (!joins_next && !joins_before && ranges_.size() >= ranges_max) return answer::full;
  mark(at.value, at.value + 1);
  return answer::marked;
}

bool ack_tracker::done(offset at) const {
  if (at.value < position_) return true;
  if (ranges_.empty()) return false;
  auto next = ranges_.upper_bound(at.value);
  return next != ranges_.begin() && at.value < std::prev(next)->second;
}

void ack_tracker::mark(std::uint64_t from, std::uint64_t end) {
  auto next = ranges_.upper_bound(from);
  if (next != ranges_.begin() && std::prev(next)->second >= from) {
    --next;
    from = next->first;
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace_hint(next, from, end);
}

void ack_tracker::advance() {
  while (!ranges_.empty() && ranges_.begin()->first <= position_) {
    position_ = std::max(position_, ranges_.begin()->second);
    ranges_.erase(ranges_.begin());
  }
  // What is done counts as handed out: nobody waits for its acknowledgement.
  handed_out_ = std::max(handed_out_, position_);
}

} // namespace carafe::client
