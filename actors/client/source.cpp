#include "actors/client/source.hpp"

#include "actors/client/batch_content.hpp"

#include <algorithm>
#include <limits>

namespace carafe::client {
source::source(queue_name name, std::uint32_t credit_bytes)
  : name_(std::move(name)), credit_bytes_(credit_bytes) {}

void source::begin_at(offset begin) {
  drop();
  next_ = begin;
  fetched_ = begin;
}

namespace {

/// It only tells that messages were left out.
bool is_empty(const frames::deliver& batch) { return batch.sparse && batch.ranges.empty(); }

/// Messages that the batch holds, if it says it in a way that makes sense.
std::optional<std::uint64_t> held(const frames::deliver& batch) {
  if (!batch.sparse) return batch.count;
  auto from = batch.base;
  auto sum = std::uint64_t{0};
  for (const auto& range : batch.ranges) {
    if (range.first < from || range.end() > batch.base + batch.count) return std::nullopt;
    from = range.end();
    sum += range.count;
  }
  return sum;
}

bool holds(const std::vector<offset_range>& ranges, offset at) {
  return std::ranges::any_of(
    ranges, [at](const offset_range& range) { return range.first <= at && at < range.end(); });
}

} // namespace

result<void> source::take_in(frames::deliver&& batch, ack_tracker* acks) {
  if (batch.base > fetched_) {
    return {errc::internal, "the node went from offset " + std::to_string(fetched_.value) + " to " +
                              std::to_string(batch.base.value)};
  }
  if (!held(batch)) return {errc::internal, "the ranges of a sparse batch make no sense"};
  auto end = batch.base + batch.count;
  if (end <= fetched_) {
    refuse(batch);
    return {};
  }
  fetched_ = end;
  if (!is_empty(batch)) {
    inbox_.push_back(std::move(batch));
  } else if (inbox_.empty()) {
    pass(end, acks);
  } else if (auto& last = inbox_.back();
             is_empty(last) && end.value - last.base.value <= std::uint32_t(-1)) {
    last.count = static_cast<std::uint32_t>(end.value - last.base.value);
  } else {
    inbox_.push_back(std::move(batch));
  }
  return {};
}

void source::pass(offset to, ack_tracker* acks) {
  if (to <= next_) return;
  if (acks) acks->pass(next_, to);
  next_ = to;
}

void source::drop() {
  opened_.reset();
  for (auto& batch : inbox_) refuse(batch);
  inbox_.clear();
  fetched_ = next_;
}

result<void> source::open_first() {
  auto& batch = inbox_.front();
  const auto count = static_cast<std::uint32_t>(*held(batch));
  auto reader = open_delivered(batch.batch, batch.compression, batch.checksum, count, batch.base);
  if (!reader) return reader.error();
  auto ranges = batch.sparse ? batch.ranges : std::vector<offset_range>{{batch.base, batch.count}};
  opened_.emplace(opened_batch{std::move(*reader), std::move(ranges)});
  return {};
}

void source::finish_first() {
  due_ += inbox_.front().batch.size();
  opened_.reset();
  inbox_.pop_front();
}

result<bool> source::hand_out(std::size_t max, ack_tracker* acks, std::vector<delivery>& out) {
  auto& batch = inbox_.front();
  const auto end = batch.base + batch.count;
  if (is_empty(batch)) {
    pass(end, acks);
    finish_first();
    return true;
  }
  if (!opened_) {
    if (auto good = open_first(); !good) return good.error();
  }
  auto& [reader, ranges, range, before] = *opened_;
  auto left = std::min<std::size_t>(max, reader.count());
  if (out.capacity() < out.size() + left)
    out.reserve(std::max(out.size() + left, out.capacity() * 2));
  for (; range < ranges.size(); before += ranges[range++].count) {
    const auto& part = ranges[range];
    pass(part.first, acks);
    for (; next_ < part.end() && max > 0; next_ = next_ + 1) {
      if (acks && acks->done(next_)) continue;
      auto at = static_cast<std::uint32_t>(before + (next_.value - part.first.value));
      put_out(reader.message(at), batch, next_, out);
      --max;
    }
    if (acks) acks->hand_out(next_);
    if (next_ < part.end()) return false;
  }
  pass(end, acks);
  finish_first();
  return true;
}

void source::put_out(const message_view& view, const frames::deliver& batch, offset at,
                     std::vector<delivery>& out) const {
  auto& d = out.emplace_back();
  d.id = {batch.producer, batch.first + (at.value - batch.base.value)};
  d.topic = name_.topic;
  d.number = name_.number;
  d.queue = name_.queue;
  d.offset = at;
  d.broker_time = batch.broker_time;
  d.expired = !batch.expired.empty() && holds(batch.expired, at);
  put_content(view, d);
}

std::uint32_t source::take_credit() noexcept {
  return due_ < std::max<std::uint64_t>(credit_bytes_ / 2, 1) ? 0 : take_all_credit();
}

std::uint32_t source::take_all_credit() noexcept {
  auto given = std::min<std::uint64_t>(due_, std::numeric_limits<std::uint32_t>::max());
  due_ -= given;
  return static_cast<std::uint32_t>(given);
}

} // namespace carafe::client
