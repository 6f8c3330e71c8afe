#include "actors/client/producer_core.hpp"

#include <algorithm>

namespace carafe::client {
namespace {

using std::chrono::steady_clock;

/// Whether an error may mean that what is known of the topic is out of date.
bool is_about_topic(errc code) {
  return code == errc::not_leader || code == errc::queue_unknown || code == errc::topic_unknown;
}

} // namespace

void producer_core::on_ready() { serve_all(); }

void producer_core::on_room() { serve_all(); }

void producer_core::on_lost() {
  auto guard = std::lock_guard{mutex_};
  for (auto& [queue, lane] : lanes_) {
    lane->box.way().on_lost();
    arm(*lane);
  }
}

void producer_core::abandon() {
  auto out = outcomes{};
  auto refused = std::vector<std::pair<parked, failure>>{};
  auto why = failure{errc::disconnected, "the producer was closed"};
  {
    auto guard = std::lock_guard{mutex_};
    if (steady_clock::now() < held_until_)
      why = {errc::too_many_requests, "given up: " + held_by_.detail};
    stop(why);
    for (auto& [queue, lane] : lanes_) {
      auto settled = std::vector<lane::settled>{};
      lane->box.abandon(why, settled);
      for (auto& each : settled) note(std::move(each), lane->box.name(), out);
      arm(*lane);
    }
    for (auto& [name, topic] : topics_) {
      for (auto& each : topic->waiting) refused.emplace_back(std::move(each), why);
      topic->waiting.clear();
      if (topic->timer) link_.loop().cancel(*std::exchange(topic->timer, {}));
    }
  }
  tell(std::move(out));
  tell_refused(std::move(refused));
}

void producer_core::serve_listed() {
  auto out = outcomes{};
  {
    auto guard = std::lock_guard{mutex_};
    service_posted_ = false;
    for (auto lane : std::exchange(to_serve_, {})) {
      lane->listed = false;
      serve(*lane, out);
    }
  }
  tell(std::move(out));
}

void producer_core::serve_all() {
  auto out = outcomes{};
  {
    auto guard = std::lock_guard{mutex_};
    if (lanes_.empty()) return;
    // Another lane goes first each time, so that none starves when there is little room.
    auto skip = static_cast<std::ptrdiff_t>(serve_turn_++ % lanes_.size());
    auto first = std::next(lanes_.begin(), skip);
    for (auto at = first; at != lanes_.end(); ++at) serve(*at->second, out);
    for (auto at = lanes_.begin(); at != first; ++at) serve(*at->second, out);
  }
  tell(std::move(out));
}

void producer_core::serve(lane_state& lane, outcomes& out) {
  auto now = steady_clock::now();
  auto& box = lane.box;
  auto settled = std::vector<lane::settled>{};
  box.expire(now, settled);
  while (!box.idle() && link_.has_room()) {
    box.seal_if_due(now, pressed_ > 0 || box.epoch() < epoch_);
    auto next = box.way().next(now, settled);
    if (!next) break;
    link_.produce(std::move(next->frame),
                  [self = shared_from_this(), &lane, batch = next->batch](frames::body&& body) {
                    self->on_answer(lane, batch, std::move(body));
                  });
  }
  for (auto& each : settled) note(std::move(each), box.name(), out);
  arm(lane);
}

void producer_core::arm(lane_state& lane) {
  auto at = lane.box.wake_at(link_.ready() && link_.has_room());
  if (lane.timer && at && lane.timer->first == *at) return;
  if (lane.timer) link_.loop().cancel(*std::exchange(lane.timer, {}));
  if (!at) return;
  lane.timer = link_.loop().at(*at, [self = shared_from_this(), &lane] {
    auto out = outcomes{};
    {
      auto guard = std::lock_guard{self->mutex_};
      lane.timer.reset();
      self->serve(lane, out);
    }
    self->tell(std::move(out));
  });
}

void producer_core::on_answer(lane_state& lane, lane::key batch, frames::body&& body) {
  auto out = outcomes{};
  auto throttled = std::optional<frames::error>{};
  {
    auto guard = std::lock_guard{mutex_};
    auto settled = std::vector<lane::settled>{};
    auto& way = lane.box.way();
    auto answer = std::get_if<frames::producer_answer>(&body);
    if (auto receipt = std::get_if<frames::receipt>(&body)) {
      way.on_receipt(batch, *receipt, settled);
    } else if (auto told = answer ? std::get_if<frames::duplicates>(&answer->what) : nullptr) {
      way.on_duplicates(batch, *told, settled);
    } else {
      auto error = std::get_if<frames::error>(&body);
      auto odd = frames::error{{errc::internal, "the answer to produce is no receipt"}, 0};
      const auto now = steady_clock::now();
      way.on_error(batch, error ? *error : odd, now, settled);
      if (error && error->why.code == errc::too_many_requests) {
        held_until_ = std::max(held_until_, now + std::chrono::milliseconds{error->retry_after_ms});
        if (error->retry_after_ms > 0) {
          throttled = *error;
          held_by_ = error->why;
        }
      }
      if (error && error->why.code == errc::producer_fenced) stop(error->why);
      if (error && is_about_topic(error->why.code)) {
        auto topic = topics_.find(lane.box.name().topic);
        if (topic != topics_.end()) look_up(*topic->second);
      }
    }
    for (auto& each : settled) note(std::move(each), lane.box.name(), out);
    serve(lane, out);
  }
  if (throttled && options_.on_throttled)
    options_.on_throttled(throttled->why, std::chrono::milliseconds{throttled->retry_after_ms});
  tell(std::move(out));
}

void producer_core::note(lane::settled what, const queue_name& where, outcomes& out) {
  const bool stops = options_.stop_at_failure || holder_.name.value != 0;
  if (!what.outcome && stops) stopped_ = true;
  out.push_back({std::move(what), &where});
}

void producer_core::tell(outcomes out) {
  for (auto& [what, where] : out) {
    auto& done = what.batch.completions;
    if (done.empty()) continue;
    if (!what.outcome) {
      auto why = result<receipt>{what.outcome.error()};
      for (auto& each : done) complete(each, why);
      continue;
    }
    auto& got = *what.outcome;
    // One receipt for all, changed from message to message: callbacks get a reference.
    auto told = result<receipt>{receipt{what.first, where->topic, where->number, where->queue,
                                        got.first, got.first, what.batch.data.count, got.reached,
                                        got.replicas, got.duplicate, got.broker_time, got.timed}};
    // Stored before, and it is not known where.
    if (got.count == 0) told->batch_count = 0;
    for (std::uint64_t i = 0; i < done.size(); ++i) {
      if (what.first.producer.value != 0) told->id.sequence = what.first.sequence + i;
      told->offset = got.first + i;
      complete(done[i], told);
    }
  }
  if (out.empty()) return;
  auto guard = std::lock_guard{mutex_};
  for (auto& each : out) {
    auto& batch = each.what.batch;
    gave_back(batch.bytes, batch.epoch, batch.data.count);
  }
}

void producer_core::stop(const failure& why) {
  stopped_ = true;
  stop_reason_ = why;
}

void producer_core::gave_back(std::uint64_t bytes, std::uint64_t epoch, std::uint64_t count) {
  bytes_ -= bytes;
  auto of_epoch = unanswered_.find(epoch);
  of_epoch->second -= count;
  if (of_epoch->second == 0) unanswered_.erase(of_epoch);
  auto max = options_.in_flight_bytes_max;
  if (flushing_ > 0 || (pressed_ > 0 && bytes_ <= max - max / 4)) changed_.notify_all();
}

} // namespace carafe::client
