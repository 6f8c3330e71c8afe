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

result<void> source::take_in(frames::deliver&& batch) {
  if (batch.base > fetched_) {
    return {errc::internal, "the node went from offset " + std::to_string(fetched_.value) + " to " +
                              std::to_string(batch.base.value)};
  }
  auto end = batch.base + batch.count;
  if (end <= fetched_) {
    refuse(batch);
    return {};
  }
  fetched_ = end;
  inbox_.push_back(std::move(batch));
  return {};
}

void source::drop() {
  reader_.reset();
  for (auto& batch : inbox_) refuse(batch);
  inbox_.clear();
  fetched_ = next_;
}

result<void> source::open_first() {
  auto& batch = inbox_.front();
  auto opened =
    open_delivered(batch.batch, batch.compression, batch.checksum, batch.count, batch.base);
  if (!opened) return opened.error();
  reader_.emplace(std::move(*opened));
  return {};
}

void source::finish_first() {
  due_ += inbox_.front().batch.size();
  reader_.reset();
  inbox_.pop_front();
}

result<bool> source::hand_out(std::size_t max, ack_tracker* acks, std::vector<delivery>& out) {
  if (!reader_) {
    if (auto good = open_first(); !good) return good.error();
  }
  auto& batch = inbox_.front();
  auto end = batch.base + batch.count;
  auto left = std::min<std::size_t>(max, end.value - next_.value);
  if (out.capacity() < out.size() + left)
    out.reserve(std::max(out.size() + left, out.capacity() * 2));
  for (; next_ < end && max > 0; next_ = next_ + 1) {
    if (acks && acks->done(next_)) continue;
    auto at = static_cast<std::uint32_t>(next_.value - batch.base.value);
    put_out(reader_->message(at), batch, at, out);
    --max;
  }
  if (acks) acks->hand_out(next_);
  if (next_ < end) return false;
  finish_first();
  return true;
}

void source::put_out(const message_view& view, const frames::deliver& batch, std::uint32_t at,
                     std::vector<delivery>& out) const {
  auto& d = out.emplace_back();
  d.id = {batch.producer, batch.first + at};
  d.topic = name_.topic;
  d.number = name_.number;
  d.queue = name_.queue;
  d.offset = batch.base + at;
  d.broker_time = batch.broker_time;
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
