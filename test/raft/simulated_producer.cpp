#include "test/raft/simulated_producer.hpp"

#include <algorithm>
#include <string>

namespace carafe::test {

using raft::replica;

void simulated_producer::send(replica& shard, dice& d, unix_ms wall, mono_ms now) {
  const auto oldest_open =
    std::find_if(batches_.begin(), batches_.end(), [](const sent& batch) { return !batch.answer; });
  const auto open = static_cast<std::size_t>(batches_.end() - oldest_open);
  if (!batches_.empty() && (open >= producer_window || d.percent(40))) {
    // Mostly one of the newest, sometimes any.
    const auto newest = std::min<std::size_t>(batches_.size(), 2 * producer_window);
    const auto back = d.percent(80) ? d.below(newest) : d.below(batches_.size());
    send_again(batches_[batches_.size() - 1 - back], shard, wall, now);
    return;
  }
  const auto request = next_request(d);
  const auto outcome = shard.submit_batch(request, wall, now);
  if (!outcome) {
    // Batches before it that are not stored yet make a gap, or the producer a stranger.
    const auto code = outcome.code();
    if (code == errc::queue_unknown || code == errc::too_many_producers) retire();
    const bool waits = code == errc::sequence_gap || code == errc::producer_unknown;
    if (waits) REQUIRE(open > 0);
    REQUIRE((retired_ || waits || code == errc::too_many_requests));
    return;
  }
  const auto* pending = std::get_if<replica::pending>(&*outcome);
  REQUIRE(pending != nullptr);
  REQUIRE_FALSE(pending->joined);
  batches_.push_back({request, pending->index, pending->base, std::nullopt});
}

core::batch_request simulated_producer::next_request(dice& d) const {
  core::batch_request request;
  request.producer = producer_;
  request.queue = queue_;
  if (!batches_.empty()) {
    const auto& last = batches_.back().request;
    request.previous = sequence{last.first.value + last.count - 1};
  }
  request.first = request.previous + d.between(1, 3);
  request.count = static_cast<std::uint32_t>(d.between(1, 5));
  const std::string body(d.below(60), 'x');
  request.bytes = shared_bytes::copy_of(as_bytes(body));
  return request;
}

void simulated_producer::send_again(sent& batch, replica& shard, unix_ms wall, mono_ms now) {
  const auto outcome = shard.submit_batch(batch.request, wall, now);
  if (!outcome) {
    const auto code = outcome.code();
    if (code == errc::queue_unknown || code == errc::too_many_producers) {
      retire();
    } else if (batch.answer) {
      REQUIRE(code == errc::duplicate_too_old);
      REQUIRE_FALSE(remembered(batch));
    } else {
      // It was never stored, and stays so until the ones before it are.
      REQUIRE((code == errc::sequence_gap || code == errc::producer_unknown ||
               code == errc::too_many_requests));
      REQUIRE_FALSE(batch.waits_for.has_value());
    }
    return;
  }
  if (const auto* known = std::get_if<replica::known>(&*outcome)) {
    REQUIRE(known->count == batch.request.count);
    if (batch.answer) {
      REQUIRE(known->base == batch.answer->base);
      REQUIRE(known->time == batch.answer->time);
    }
    batch.answer = receipt{known->base, known->time};
    batch.waits_for.reset();
    return;
  }
  const auto& pending = std::get<replica::pending>(*outcome);
  REQUIRE_FALSE(batch.answer.has_value());
  if (batch.waits_for) {
    REQUIRE(pending.joined);
    REQUIRE(pending.index == *batch.waits_for);
    REQUIRE(pending.base == *batch.promised);
  }
  batch.waits_for = pending.index;
  batch.promised = pending.base;
}

/// A receipt is kept until `producer_window` later batches are stored.
bool simulated_producer::remembered(const sent& batch) const {
  return static_cast<std::size_t>(&batches_.back() - &batch) < producer_window;
}

void simulated_producer::applied(const raft::applied_entry& entry, bool queue_open) {
  for (auto& batch : batches_) {
    if (batch.waits_for != entry.index) continue;
    batch.waits_for.reset();
    const auto& effect = std::get<effects::batch>(entry.effects.front());
    REQUIRE(effect.producer == producer_);
    REQUIRE(effect.first == batch.request.first);
    REQUIRE(effect.base == *batch.promised);
    if (queue_open)
      batch.answer = receipt{effect.base, entry.time};
    else
      retire();
    return;
  }
}

void simulated_producer::disconnected() {
  for (auto& batch : batches_) batch.waits_for.reset();
}

} // namespace carafe::test
