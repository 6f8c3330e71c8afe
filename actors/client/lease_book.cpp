#include "actors/client/lease_book.hpp"

#include <carafe/result.hpp>

#include <algorithm>
#include <utility>

namespace carafe::client {

lease_book::queue_leases* lease_book::find(queue_id queue) {
  if (last_ && last_id_ == queue) return last_;
  auto found = queues_.find(queue);
  if (found == queues_.end()) return nullptr;
  last_ = &found->second;
  last_id_ = queue;
  return last_;
}

bool lease_book::settles(queue_leases& queue, offset at) {
  if (queue.gathered.done.contains(at) || queue.under_way.done.contains(at)) return true;
  auto failed = queue.gathered.failed.find(at);
  if (failed == queue.gathered.failed.end()) return false;
  if (failed->second.dead) return true;
  // That it comes again says that its failure was counted.
  queue.gathered.failed.erase(failed);
  --gathered_;
  return false;
}

std::vector<offset_range> lease_book::take(queue_id id, const std::vector<offset_range>& ranges) {
  auto& queue = queues_[id];
  auto fresh = std::vector<offset_range>{};
  fresh.reserve(ranges.size());
  for (auto& range : ranges) {
    if (range.first >= queue.horizon) {
      fresh.push_back(range);
    } else {
      for (auto each = range.first; each < range.end(); each = each + 1) {
        if (queue.held.contains(each) || settles(queue, each)) {
          if (presenting_) queue.lent_again.add({each, 1});
          continue;
        }
        if (!fresh.empty() && fresh.back().end() == each)
          ++fresh.back().count;
        else
          fresh.push_back({each, 1});
      }
    }
    queue.horizon = std::max(queue.horizon, range.end());
  }
  for (auto& range : fresh) {
    queue.held.add(range);
    if (presenting_) queue.lent_again.add(range);
    held_ += range.count;
  }
  return fresh;
}

lease_book::answer lease_book::ack(queue_id id, offset at) {
  auto* queue = find(id);
  if (!queue || at >= queue->horizon) return answer::foreign;
  auto& done = queue->gathered.done;
  if (queue->held.remove(at)) {
    --held_;
  } else {
    if (done.contains(at) || queue->under_way.done.contains(at)) return answer::repeated;
    if (queue->gathered.failed.erase(at) > 0) --gathered_;
  }
  done.add({at, 1});
  ++gathered_;
  ++marked_;
  return answer::marked;
}

bool lease_book::fail(frames::settle_failed what) {
  auto* queue = find(what.queue);
  if (!queue || !queue->held.remove(what.at)) return false;
  --held_;
  ++gathered_;
  ++marked_;
  auto where = what.at;
  queue->gathered.failed.insert_or_assign(where, std::move(what));
  return true;
}

void lease_book::give_back() {
  if (held_ > 0) ++marked_;
  for (auto& [id, queue] : queues_) {
    for (auto& range : queue.held.to_ranges()) queue.gathered.returned.add(range);
    queue.held.clear();
  }
  count();
}

std::optional<frames::settle> lease_book::next_settle(member_id member, bool one_queue) {
  CARAFE_ASSERT(!covers_);
  if (gathered_ == 0) return {};
  auto frame = frames::settle{};
  frame.member = member;
  auto ranges = ranges_max;
  for (auto& [id, queue] : queues_) {
    if (queue.gathered.count() == 0) continue;
    add_to(frame, id, queue, ranges);
    if (one_queue || ranges == 0) break;
  }
  count();
  covers_ = gathered_ == 0 ? marked_ : durable_;
  return frame;
}

void lease_book::add_to(frames::settle& to, queue_id id, queue_leases& queue, std::size_t& ranges) {
  auto move_some = [&](offset_set& from, offset_set& sent,
                       std::vector<frames::queue_ranges>& told) {
    auto some = from.take(ranges);
    if (some.empty()) return;
    ranges -= some.size();
    for (auto& range : some) sent.add(range);
    told.push_back({id, std::move(some)});
  };
  move_some(queue.gathered.done, queue.under_way.done, to.done);
  move_some(queue.gathered.returned, queue.under_way.returned, to.returned);
  auto& failed = queue.gathered.failed;
  while (!failed.empty() && to.failed.size() < failed_max) {
    to.failed.push_back(failed.begin()->second);
    queue.under_way.failed.insert(failed.extract(failed.begin()));
  }
}

void lease_book::settled() {
  for (auto& [id, queue] : queues_) queue.under_way = {};
  durable_ = std::max(durable_, covers_.value_or(durable_));
  covers_.reset();
}

void lease_book::gather_again() {
  for (auto& [id, queue] : queues_) {
    auto sent = std::exchange(queue.under_way, {});
    for (auto& range : sent.done.to_ranges()) queue.gathered.done.add(range);
    for (auto& range : sent.returned.to_ranges()) queue.gathered.returned.add(range);
    // What was lent anew meanwhile was taken, whatever became of the answer.
    std::erase_if(sent.failed, [&](auto& each) {
      return queue.held.contains(each.first) || queue.gathered.done.contains(each.first);
    });
    queue.gathered.failed.merge(sent.failed);
  }
  covers_.reset();
  count();
}

void lease_book::drop_under_way() { settled(); }

void lease_book::drop_failed_under_way() {
  for (auto& [id, queue] : queues_) queue.under_way.failed.clear();
}

std::uint64_t lease_book::durable() const noexcept {
  return gathered_ == 0 && !covers_ ? marked_ : durable_;
}

std::vector<frames::queue_ranges> lease_book::present() {
  auto ours = std::vector<frames::queue_ranges>{};
  presenting_ = true;
  for (auto& [id, queue] : queues_) {
    queue.lent_again.clear();
    auto all = queue.held;
    for (auto* part : {&queue.gathered, &queue.under_way}) {
      for (auto& range : part->done.to_ranges()) all.add(range);
      for (auto& range : part->returned.to_ranges()) all.add(range);
      for (auto& [where, what] : part->failed) all.add({where, 1});
    }
    if (!all.empty()) ours.push_back({id, all.to_ranges()});
  }
  return ours;
}

std::vector<frames::queue_ranges> lease_book::lose(const std::vector<frames::queue_ranges>& lost) {
  auto gone = std::vector<frames::queue_ranges>{};
  presenting_ = false;
  for (auto& each : lost) {
    auto* queue = find(each.queue);
    if (!queue) continue;
    auto& here = gone.emplace_back(frames::queue_ranges{each.queue, {}});
    for (auto& range : each.ranges) {
      for (auto& part : queue->lent_again.missing(range)) {
        queue->held.remove(part);
        queue->gathered.returned.remove(part);
        auto& failed = queue->gathered.failed;
        failed.erase(failed.lower_bound(part.first), failed.lower_bound(part.end()));
        here.ranges.push_back(part);
      }
    }
  }
  count();
  return gone;
}

void lease_book::count() {
  held_ = 0;
  gathered_ = 0;
  for (auto& [id, queue] : queues_) {
    held_ += queue.held.count();
    gathered_ += queue.gathered.count();
  }
}

} // namespace carafe::client
