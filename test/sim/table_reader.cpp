#include "test/sim/table_reader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace carafe::sim {

namespace {

const subscription_id subscription{1};

std::string text(queue_id queue, offset at) {
  return "queue " + std::to_string(queue.value) + ", offset " + std::to_string(at.value);
}

} // namespace

void table_reader::node_died() {
  link_.forget();
  asked_ = 0;
  subscribed_ = false;
  // Where a reading by time has begun nobody knows, if it was not answered.
  if (start_.at != start_position::kind::at_offset) start_ = {};
}

void table_reader::ends_at(offset end) {
  next_ = std::min(next_, end);
  start_.from = std::min(start_.from, end);
}

void table_reader::step(dice& d) {
  take();
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (d.percent(2)) {
    link_.cut();
    return node_died();
  }
  if (asked_ != 0) return;
  if (d.percent(5)) begin_anew(d);
  if (!subscribed_) return subscribe(static_cast<std::uint32_t>(d.between(1, 3'000)));
  if (owed_ > 0)
    link_.post(frames::credit{subscription, static_cast<std::uint32_t>(std::exchange(owed_, 0))});
}

void table_reader::hurry() {
  take();
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (asked_ == 0 && !subscribed_) subscribe(1u << 30);
}

void table_reader::begin_anew(dice& d) {
  using kind = start_position::kind;
  subscribed_ = false;
  has_ = {};
  start_ = {};
  const auto roll = d.below(4);
  if (roll == 0) {
    start_.at = kind::at_time;
    start_.time = unix_ms{rig_->clocks->wall().value - static_cast<std::int64_t>(d.below(10'000))};
  } else if (roll == 1) {
    start_.at = kind::at_offset;
    start_.from = offset{d.below(next_.value + 1)};
  }
}

void table_reader::subscribe(std::uint32_t credit) {
  frames::subscribe wish;
  wish.subscription = subscription;
  wish.queue = queue_;
  wish.start = start_;
  wish.credit_bytes = credit;
  owed_ = 0;
  told_->asks(has_);
  asked_ = link_.post(wish);
}

void table_reader::answered(const frames::body& answer) {
  using kind = start_position::kind;
  if (const auto* error = std::get_if<frames::error>(&answer)) {
    expect(error->why.code != errc::offset_out_of_range,
           text(queue_, start_.from) + " is said to be out of its table's range");
    return; // Again later.
  }
  const auto* yes = std::get_if<frames::subscribed>(&answer);
  expect(yes != nullptr, "a subscription was answered with another frame");
  expect(yes->earliest == offset{0},
         "a table begins at " + text(queue_, yes->earliest) + ", and did at offset 0");
  if (start_.at == kind::at_time) told_->begins(queue_, start_.time, yes->begin);
  const auto wanted = start_.at == kind::earliest ? offset{0} : start_.from;
  expect(start_.at == kind::at_time || yes->begin == wanted,
         text(queue_, wanted) + ": reading begins at " + std::to_string(yes->begin.value));
  next_ = yes->begin;
  start_ = {kind::at_offset, next_, {}};
  subscribed_ = true;
}

void table_reader::take() {
  for (const auto& frame : link_.take()) {
    if (frame.request != 0 && frame.request == asked_) {
      asked_ = 0;
      answered(frame.body);
    } else if (const auto* d = std::get_if<frames::deliver>(&frame.body)) {
      got(*d);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      const auto code = end->why.code;
      expect(code == errc::storage_corrupt || code == errc::storage_failed ||
               code == errc::shard_unavailable || code == errc::shutting_down,
             "the reading of a table ended with " + end->why.message());
      subscribed_ = false;
    }
  }
}

void table_reader::got(const frames::deliver& d) {
  if (!subscribed_) return; // From before it began anew.
  const auto end = d.base + d.count;
  expect(d.queue == queue_ && d.base <= next_ && end > next_,
         text(d.queue, d.base) + " was delivered where offset " + std::to_string(next_.value) +
           " of the table was its turn");
  owed_ += d.batch.size();
  std::vector<offset> there;
  const std::vector<offset_range> all{{d.base, d.count}};
  for (const auto& range : d.sparse ? d.ranges : all)
    for (std::uint64_t i = 0; i < range.count; ++i) there.push_back(range.first + i);
  const auto which = text(d.queue, d.base);
  std::optional<batch_reader> batch;
  if (!there.empty()) {
    expect(crc32c(d.batch.span()) == d.checksum, which + " came with a wrong checksum");
    auto opened = batch_reader::open(d.batch, d.compression, {});
    expect(opened.ok() && opened->count() == there.size(), which + " cannot be read");
    batch.emplace(std::move(*opened));
  }
  for (std::uint32_t i = 0; i < there.size(); ++i) {
    const auto at = there[i];
    expect(at >= d.base && at < end && (i == 0 || at > there[i - 1]),
           which + " came with ranges that are none");
    if (at < next_) continue;
    if (at > next_) told_->passed(queue_, next_, at);
    const message_name name{d.producer, d.first + (at.value - d.base.value)};
    told_->saw({{queue_, at}, d.broker_time, name, batch->message(i)}, has_);
    next_ = at + 1;
  }
  if (next_ < end) told_->passed(queue_, next_, end);
  next_ = end;
  start_.from = next_;
}

} // namespace carafe::sim
