#include "actors/client/lent_inbox.hpp"

#include "actors/client/batch_content.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace carafe::client {

std::uint32_t lent_inbox::begin_credit() {
  due_ = 0;
  auto left = std::uint64_t{credit_bytes_} - std::min<std::uint64_t>(credit_bytes_, bytes_);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(left, 1));
}

void lent_inbox::take_in(frames::leased&& batch, const std::vector<offset_range>& fresh) {
  if (fresh.empty()) {
    due_ += batch.batch.size();
    return;
  }
  auto& taken = batches_.emplace_back();
  taken.inside = batch.ranges;
  if (batch.batch_count > 0) taken.inside = {{batch.base, batch.batch_count}};
  if (fresh != taken.inside) {
    for (auto& range : taken.inside) taken.dropped.add(range);
    for (auto& range : fresh) taken.dropped.remove(range);
  }
  bytes_ += batch.batch.size();
  taken.what = std::move(batch);
}

void lent_inbox::drop(queue_id queue, const std::vector<offset_range>& ranges) {
  for (auto& batch : batches_) {
    if (batch.what.queue != queue) continue;
    for (auto& range : ranges) batch.dropped.add(range);
  }
}

void lent_inbox::clear() {
  while (!batches_.empty()) finish_first();
}

result<void> lent_inbox::open_first() {
  auto& [what, inside, dropped] = batches_.front();
  auto count = std::uint64_t{0};
  for (auto& range : inside) count += range.count;
  auto opened =
    open_delivered(what.batch, what.compression, what.checksum, count, inside.front().first);
  if (!opened) return opened.error();
  reader_.emplace(std::move(*opened));
  return {};
}

result<bool> lent_inbox::hand_out(std::size_t max, std::vector<delivery>& out) {
  if (!reader_) {
    if (auto good = open_first(); !good) return good.error();
  }
  auto& batch = batches_.front();
  auto left = std::min<std::size_t>(max, reader_->count() - index_);
  if (out.capacity() < out.size() + left)
    out.reserve(std::max(out.size() + left, out.capacity() * 2));
  for (; index_ < reader_->count() && max > 0; ++index_) {
    auto& range = batch.inside[range_];
    auto at = range.first + in_range_;
    if (!batch.dropped.contains(at)) {
      put_out(batch, at, out);
      --max;
    }
    if (++in_range_ == range.count) {
      ++range_;
      in_range_ = 0;
    }
  }
  if (index_ < reader_->count()) return false;
  finish_first();
  return true;
}

void lent_inbox::put_out(const lent_batch& batch, offset at, std::vector<delivery>& out) const {
  auto& what = batch.what;
  auto& d = out.emplace_back();
  // Modulo 2^64: a message may be older than the one whose sequence is told.
  d.id = {what.producer, what.first + (at.value - what.base.value)};
  d.topic = what.topic;
  d.number = what.number;
  d.queue = what.queue;
  d.offset = at;
  d.attempt = what.attempt;
  d.broker_time = what.broker_time;
  put_content(reader_->message(index_), d);
}

frames::leased lent_inbox::drop_first() {
  auto what = batches_.front().what;
  finish_first();
  return what;
}

void lent_inbox::finish_first() {
  auto bytes = batches_.front().what.batch.size();
  due_ += bytes;
  bytes_ -= bytes;
  reader_.reset();
  batches_.pop_front();
  index_ = 0;
  range_ = 0;
  in_range_ = 0;
}

std::uint32_t lent_inbox::take_credit() noexcept {
  if (due_ < std::max<std::uint64_t>(credit_bytes_ / 2, 1)) return 0;
  auto given = std::min<std::uint64_t>(due_, std::numeric_limits<std::uint32_t>::max());
  due_ -= given;
  return static_cast<std::uint32_t>(given);
}

} // namespace carafe::client
