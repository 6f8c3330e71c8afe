#include "actors/core/submit_window.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace carafe::core {

submit_window::submit_window(const shard_state& committed, std::size_t producers_max,
                             std::size_t ids_max)
  : committed_(&committed), producers_max_(producers_max), ids_max_(ids_max) {}

result<stamp> submit_window::check(const batch_request& request, unix_ms now) const {
  const auto* queue = committed_->queue(request.queue);
  if (queue == nullptr)
    return {errc::queue_unknown, "queue " + std::to_string(request.queue.value)};
  if (request.producer.value == 0 || request.first.value == 0 || request.count == 0)
    return {errc::invalid_argument, "producer, sequence and count must not be 0"};
  if (queue->compacted && request.keyless)
    return {errc::key_required, "a message without a key in a compacted topic"};
  if (request.first.value > std::numeric_limits<std::uint64_t>::max() - request.count ||
      request.previous >= request.first)
    return {errc::invalid_argument, "sequence must be above previous and must not overflow"};
  if (auto holds = check_holder(request.named, request.count); !holds) return holds.error();
  auto stamped = check_sequence(request, *queue);
  if (!stamped || !std::holds_alternative<stamp_fresh>(*stamped)) return stamped;
  if (auto good = check_named(request); !good) return good.error();
  if (request.ids.empty() || queue->dedup_window_ms == 0) return stamped;
  if (auto found = repeated(request, now); !found.messages.empty()) return stamp{std::move(found)};
  if (auto good = check_ids(request); !good) return good.error();
  auto& effect = std::get<stamp_fresh>(*stamped).effect;
  effect.ids = request.ids;
  effect.id_window_ms = queue->dedup_window_ms;
  return stamped;
}

result<offset> submit_window::next_of(queue_id queue) const {
  const auto* record = committed_->queue(queue);
  if (record == nullptr) return {errc::queue_unknown, "queue " + std::to_string(queue.value)};
  return next_offset(queue, *record, false);
}

offset submit_window::next_offset(queue_id queue, const queue_record& record, bool timed) const {
  const auto& flights = timed ? timers_ : queues_;
  const auto at = flights.find(queue);
  if (at != flights.end()) return at->second.next;
  return timed ? offset{record.timers_next} : record.next;
}

bool submit_window::producers_full() const {
  const auto committed = committed_->producers();
  if (committed + producers_.size() < producers_max_) return false;
  // Close to the limit, producers that are both committed and in flight must not count twice.
  const auto added = std::count_if(producers_.begin(), producers_.end(), [this](const auto& row) {
    return committed_->producer(row.first) == nullptr;
  });
  return committed + static_cast<std::size_t>(added) >= producers_max_;
}

result<stamp> submit_window::check_sequence(const batch_request& request,
                                            const queue_record& queue) const {
  const auto key = producer_key{request.producer, request.queue};
  const auto* known = committed_->producer(key);
  const auto flight = producers_.find(key);
  sequence last{};
  if (flight != producers_.end()) {
    for (const auto& batch : flight->second)
      if (batch.first == request.first && batch.count == request.count)
        return stamp{stamp_joins{batch.index, batch.base}};
    const auto& newest = flight->second.back();
    last = sequence{newest.first.value + newest.count - 1};
  } else if (known != nullptr) {
    last = known->last;
  } else {
    if (request.previous.value != 0)
      return {errc::producer_unknown, "producer " + std::to_string(request.producer.value) +
                                        " is not known on queue " +
                                        std::to_string(request.queue.value)};
    if (producers_full())
      return {errc::too_many_producers, "producers-max is " + std::to_string(producers_max_)};
  }
  if (known != nullptr)
    for (const auto& batch : known->recent)
      if (batch.first == request.first && batch.count == request.count)
        return stamp{stamp_committed{batch.base, batch.count, batch.time}};
  // What is being stored may still be lost: it is not told to be there.
  if (request.first <= last && flight != producers_.end() &&
      request.first >= flight->second.front().first)
    return {errc::too_many_requests,
            "sequence " + std::to_string(request.first.value) + " is being stored"};
  if (request.first <= last)
    return {errc::duplicate_too_old, "sequence " + std::to_string(request.first.value) +
                                       " is not above " + std::to_string(last.value)};
  if (request.previous != last)
    return {errc::sequence_gap, "previous is " + std::to_string(request.previous.value) +
                                  ", the last known is " + std::to_string(last.value)};
  if (flight != producers_.end() && flight->second.size() >= producer_window)
    return {errc::too_many_requests, "a producer has at most " + std::to_string(producer_window) +
                                       " batches in flight on a queue"};
  effects::batch effect;
  effect.queue = request.queue;
  effect.base = next_offset(request.queue, queue, request.timed);
  effect.count = request.count;
  effect.producer = request.producer;
  effect.first = request.first;
  effect.compression = request.compression;
  effect.checksum = request.checksum;
  effect.bytes = request.bytes;
  effect.timed = request.timed;
  effect.ranked = request.ranked;
  effect.named = request.named;
  return stamp{stamp_fresh{std::move(effect)}};
}

void submit_window::submitted(const effects::batch& effect, entry_index index) {
  auto& queue = flights(effect.timed)[effect.queue];
  queue.next = effect.base + effect.count;
  ++queue.entries;
  submitted_parts(effect, index);
  if (!effect.guarded()) return;
  producers_[{effect.producer, effect.queue}].push_back(
    {effect.first, effect.count, effect.base, index});
}

void submit_window::applied(const effects::batch& effect) {
  auto& in_flight = flights(effect.timed);
  auto queue = in_flight.find(effect.queue);
  if (queue == in_flight.end()) return; // Not submitted here: replayed, or from another leader.
  if (--queue->second.entries == 0) in_flight.erase(queue);
  applied_parts(effect);
  if (!effect.guarded()) return;
  auto flight = producers_.find(producer_key{effect.producer, effect.queue});
  CARAFE_ASSERT(flight != producers_.end());
  auto& batches = flight->second;
  CARAFE_ASSERT(batches.front().first == effect.first);
  batches.pop_front();
  if (batches.empty()) producers_.erase(flight);
}

void submit_window::clear() {
  queues_.clear();
  timers_.clear();
  producers_.clear();
  holders_.clear();
  named_.clear();
  ids_.clear();
  ids_in_flight_ = 0;
}

} // namespace carafe::core
