#include "storage/timer_runs.hpp"

#include <carafe/result.hpp>

#include <iterator>

namespace carafe::storage {

timer_runs::timer_runs() : timer_runs(options{}) {}

timer_runs::timer_runs(options o) : options_(o) {}

bool timer_runs::add(const span& stored) {
  if (stored.run == 0 || stored.first > stored.last) return false;
  if (stored.left > stored.last - stored.first + 1) return false;
  if (const auto run = by_run_.find(stored.run);
      run != by_run_.end() && run->second.firsts.contains(stored.queue))
    return false;
  const auto next = spans_.lower_bound({stored.queue, stored.first});
  if (next != spans_.end() && next->second.queue == stored.queue &&
      next->second.first <= stored.last)
    return false;
  if (find(stored.queue, stored.first) != spans_.end()) return false;
  spans_.emplace(key{stored.queue, stored.first}, stored);
  auto& run = by_run_[stored.run];
  run.firsts[stored.queue] = stored.first;
  run.left += stored.left;
  if (stored.run > open_) {
    open_ = stored.run;
    open_rows_ = 0;
  }
  if (stored.run == open_) open_rows_ += stored.rows;
  return true;
}

timer_runs::table::const_iterator timer_runs::find(queue_id queue, std::uint64_t number) const {
  auto at = spans_.upper_bound({queue, number});
  if (at == spans_.begin()) return spans_.end();
  --at;
  return at->second.queue == queue && number <= at->second.last ? at : spans_.end();
}

std::optional<std::uint64_t> timer_runs::of(queue_id queue, std::uint64_t number) const {
  const auto at = find(queue, number);
  return at == spans_.end() ? std::nullopt : std::optional{at->second.run};
}

std::uint64_t timer_runs::count(table::iterator at) {
  auto& into = at->second;
  ++into.rows;
  if (into.run == open_) ++open_rows_;
  changed_.emplace(into.run, into.queue);
  return into.run;
}

std::uint64_t timer_runs::place(queue_id queue, std::uint64_t number) {
  const auto next = spans_.upper_bound({queue, number});
  const bool has_next = next != spans_.end() && next->second.queue == queue;
  const auto previous = next == spans_.begin() ? spans_.end() : std::prev(next);
  const bool has_previous = previous != spans_.end() && previous->second.queue == queue;
  if (has_previous && number <= previous->second.last) return count(previous);
  if (has_next && next->second.run == open_) {
    // What is flushed comes in the order of times, not of numbers.
    auto wider = next->second;
    wider.first = number;
    spans_.erase(next);
    by_run_[open_].firsts[queue] = number;
    return count(spans_.emplace(key{queue, number}, wider).first);
  }
  if (has_next) return 0;
  if (has_previous && previous->second.run == open_) {
    previous->second.last = number;
    return count(previous);
  }
  by_run_[open_].firsts[queue] = number;
  return count(spans_.emplace(key{queue, number}, span{open_, queue, number, number, 0, 0}).first);
}

timer_runs::span& timer_runs::at(queue_id queue, std::uint64_t number) {
  const auto found = find(queue, number);
  CARAFE_ASSERT(found != spans_.end());
  return spans_.at(found->first);
}

void timer_runs::came(queue_id queue, std::uint64_t number) {
  auto& into = at(queue, number);
  ++into.left;
  ++by_run_.at(into.run).left;
  changed_.emplace(into.run, queue);
}

void timer_runs::went(queue_id queue, std::uint64_t number) {
  auto& from = at(queue, number);
  CARAFE_ASSERT(from.left > 0);
  --from.left;
  --by_run_.at(from.run).left;
  changed_.emplace(from.run, queue);
}

std::vector<std::uint64_t> timer_runs::nearly_empty() const {
  std::vector<std::uint64_t> out;
  for (const auto& [run, what] : by_run_)
    if (run != open_ && what.left <= options_.rows_max / options_.left_of) out.push_back(run);
  return out;
}

std::uint64_t timer_runs::left_in(std::uint64_t run) const {
  const auto found = by_run_.find(run);
  return found == by_run_.end() ? 0 : found->second.left;
}

void timer_runs::drop(std::uint64_t run) {
  CARAFE_ASSERT(run != open_ && left_in(run) == 0);
  const auto found = by_run_.find(run);
  if (found == by_run_.end()) return;
  for (const auto& [queue, first] : found->second.firsts) {
    spans_.erase({queue, first});
    changed_.erase({run, queue});
  }
  by_run_.erase(found);
}

void timer_runs::begin_run() {
  ++open_;
  open_rows_ = 0;
}

std::vector<timer_runs::span> timer_runs::take_changed() {
  std::vector<span> out;
  out.reserve(changed_.size());
  for (const auto& [run, queue] : changed_)
    out.push_back(spans_.at({queue, by_run_.at(run).firsts.at(queue)}));
  changed_.clear();
  return out;
}

std::vector<timer_runs::span> timer_runs::spans_of(std::uint64_t run) const {
  std::vector<span> out;
  const auto found = by_run_.find(run);
  if (found == by_run_.end()) return out;
  for (const auto& [queue, first] : found->second.firsts) out.push_back(spans_.at({queue, first}));
  return out;
}

} // namespace carafe::storage
