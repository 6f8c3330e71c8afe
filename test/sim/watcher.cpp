#include "test/sim/watcher.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

std::string text(queue_id queue, offset at) {
  return "queue " + std::to_string(queue.value) + ", offset " + std::to_string(at.value);
}

} // namespace

void watcher::node_died() {
  link_.forget();
  asked_.clear();
  for (auto& [queue, r] : queues_) r.subscribed = r.asking = false;
}

void watcher::ends_at(queue_id queue, offset end) {
  auto& r = queues_.at(queue);
  r.next = std::min(r.next, end);
}

void watcher::step(dice& d) {
  take();
  if (queues_.empty()) return;
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (d.percent(1)) {
    link_.cut();
    return node_died();
  }
  auto& [queue, r] = d.pick(queues_);
  if (r.asking) return;
  if (!r.subscribed) return subscribe(queue, r, static_cast<std::uint32_t>(d.between(500, 8'000)));
  if (r.owed > 0)
    link_.post(
      frames::credit{r.subscription, static_cast<std::uint32_t>(std::exchange(r.owed, 0))});
}

void watcher::hurry() {
  take();
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  for (auto& [queue, r] : queues_) {
    if (!r.subscribed && !r.asking) subscribe(queue, r, 1u << 20);
    if (r.subscribed && r.owed > 0)
      link_.post(
        frames::credit{r.subscription, static_cast<std::uint32_t>(std::exchange(r.owed, 0))});
  }
}

void watcher::subscribe(queue_id queue, reading& r, std::uint32_t credit) {
  frames::subscribe wish;
  wish.subscription = r.subscription = subscription_id{++subscriptions_};
  wish.queue = queue;
  wish.start = {start_position::kind::at_offset, r.next, {}};
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = credit;
  r.owed = 0;
  r.asking = true;
  asked_[link_.post(wish)] = queue;
}

void watcher::answered(queue_id queue, const frames::body& answer) {
  auto& r = queues_.at(queue);
  r.asking = false;
  const auto* yes = std::get_if<frames::subscribed>(&answer);
  if (yes == nullptr) return; // Again later.
  expect(yes->begin >= r.next,
         text(queue, r.next) + " was to be read, and " + std::to_string(yes->begin.value) + " is");
  missed_ += yes->begin.value - r.next.value;
  if (yes->begin > r.next) r.skipped_to = yes->begin;
  r.next = yes->begin;
  r.subscribed = true;
}

void watcher::take() {
  for (const auto& frame : link_.take()) {
    if (const auto* d = std::get_if<frames::deliver>(&frame.body)) {
      got(*d);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      for (auto& [queue, r] : queues_)
        if (r.subscription == end->subscription) r.subscribed = false;
    } else if (const auto at = asked_.find(frame.request); at != asked_.end()) {
      const auto queue = at->second;
      asked_.erase(at);
      answered(queue, frame.body);
    }
  }
}

void watcher::got(const frames::deliver& d) {
  const auto at = queues_.find(d.queue);
  expect(at != queues_.end(), "messages came of a queue that nobody reads");
  if (scale_) scale_(d.batch.size());
  auto& r = at->second;
  if (!r.subscribed || d.subscription != r.subscription) return;
  expect(d.base <= r.next && d.base + d.count > r.next,
         text(d.queue, d.base) + " was delivered where offset " + std::to_string(r.next.value) +
           " was its turn");
  r.owed += d.batch.size();
  expect(crc32c(d.batch.span()) == d.checksum, "a batch came with a wrong checksum");
  const auto batch = batch_reader::open(d.batch, d.compression, {});
  expect(batch.ok() && batch->count() == d.count, "a batch came that cannot be read");
  for (std::uint32_t i = 0; i < d.count; ++i) {
    if (d.base + i < r.next) continue;
    r.next = d.base + i + 1;
    taker_({{d.queue, d.base + i}, d.broker_time, d.producer, d.first + i, batch->message(i)});
  }
}

} // namespace carafe::sim
