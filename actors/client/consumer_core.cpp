#include "actors/client/consumer_core.hpp"

#include <algorithm>
#include <future>

namespace carafe::client {

using std::chrono::steady_clock;

consumer_core::consumer_core(link& wire, consumer_options options)
  : link_(wire), options_(std::move(options)) {}

result<std::vector<delivery>> consumer_core::poll(std::size_t max, std::chrono::milliseconds wait) {
  if (max == 0) return {errc::invalid_argument, "max is 0"};
  auto out = std::vector<delivery>{};
  auto credit = std::vector<credit_note>{};
  {
    auto guard = std::unique_lock{mutex_};
    auto until = std::optional<time_point>{};
    while (true) {
      if (closed_) return *dead_;
      if (!failures_.empty()) {
        auto why = std::move(failures_.front());
        failures_.pop_front();
        return why;
      }
      if (hand_out(max, out, credit)) break;
      if (!failures_.empty()) continue;
      if (dead_) return *dead_;
      auto now = steady_clock::now();
      if (!until) until = now + wait;
      if (interrupted_ || now >= *until) break;
      changed_.wait_until(guard, *until);
    }
  }
  send_credit(std::move(credit));
  return out;
}

bool consumer_core::hand_out(std::size_t max, std::vector<delivery>& out,
                             std::vector<credit_note>& credit) {
  auto idle = std::size_t{0};
  while (out.size() < max && idle < turns_.size()) {
    turn_ %= turns_.size();
    auto r = turns_[turn_];
    if (r->paused || r->revoked || !r->from.has_more()) {
      ++turn_;
      ++idle;
      continue;
    }
    idle = 0;
    auto finished = r->from.hand_out(max - out.size(), acknowledges() ? &r->acks : nullptr, out);
    if (!finished) {
      r->from.drop();
      end(r, finished.error());
      return !out.empty();
    }
    if (!*finished) break;
    ++turn_;
    tell_end(*r);
    if (auto bytes = r->from.take_credit()) credit.push_back({r->subscription, bytes});
  }
  return !out.empty();
}

void consumer_core::send_credit(std::vector<credit_note> credit) {
  if (credit.empty()) return;
  link_.loop().post([self = shared_from_this(), credit = std::move(credit)] {
    for (auto& each : credit) self->link_.send(frames::credit{each.subscription, each.bytes});
  });
}

failure consumer_core::not_open(const char* silence) const {
  return refusal_ ? *refusal_ : failure{errc::timeout, silence};
}

void consumer_core::interrupt() {
  auto guard = std::lock_guard{mutex_};
  interrupted_ = true;
  changed_.notify_all();
}

bool consumer_core::interrupted() const {
  auto guard = std::lock_guard{mutex_};
  return interrupted_;
}

void consumer_core::clear_interrupt() {
  auto guard = std::lock_guard{mutex_};
  interrupted_ = false;
}

bool consumer_core::holds(queue_id queue) const {
  auto guard = std::lock_guard{mutex_};
  auto r = find(queue);
  return r && !r->revoked;
}

result<void> consumer_core::seek(const std::string& topic, queue_number number,
                                 const start_position& to) {
  if (link_.loop().on_thread()) return {errc::invalid_argument, "seek was called from a callback"};
  auto r = reading_ptr{};
  {
    auto guard = std::lock_guard{mutex_};
    r = find(topic, number);
    if (!r) return not_read();
  }
  auto promise = std::make_shared<std::promise<result<void>>>();
  auto future = promise->get_future();
  link_.loop().post([self = shared_from_this(), r, to, promise] {
    auto guard = std::lock_guard{self->mutex_};
    self->move(r, to, [promise](const result<void>& outcome) { promise->set_value(outcome); });
  });
  if (future.wait_for(link_.options().timeout) != std::future_status::ready)
    return {errc::timeout, "the node has not answered; it may still move"};
  return future.get();
}

result<void> consumer_core::set_paused(const std::string& topic, queue_number number, bool paused) {
  auto guard = std::lock_guard{mutex_};
  auto r = find(topic, number);
  if (!r) return not_read();
  // Kept by name: a group's queue may go and come back.
  auto name = std::pair{topic, number};
  if (paused)
    paused_.insert(name);
  else
    paused_.erase(name);
  r->paused = paused;
  if (!paused) changed_.notify_all();
  return {};
}

std::vector<consumer::owned_queue> consumer_core::queues() const {
  auto guard = std::lock_guard{mutex_};
  auto list = std::vector<consumer::owned_queue>{};
  for (auto& [queue, r] : readings_) {
    auto& name = r->from.name();
    if (!r->revoked) list.push_back({name.topic, name.number, name.queue, r->from.next()});
  }
  return list;
}

consumer_core::reading_ptr consumer_core::find(const std::string& topic,
                                               queue_number number) const {
  for (auto& [queue, r] : readings_) {
    auto& name = r->from.name();
    if (name.number == number && name.topic == topic && !r->revoked) return r;
  }
  return nullptr;
}

consumer_core::reading_ptr consumer_core::find(queue_id queue) const {
  auto found = readings_.find(queue);
  return found == readings_.end() ? nullptr : found->second;
}

consumer_core::reading_ptr consumer_core::find(subscription_id subscription) const {
  auto found = by_subscription_.find(subscription);
  return found == by_subscription_.end() ? nullptr : found->second;
}

void consumer_core::put(const reading_ptr& r) {
  auto& name = r->from.name();
  r->paused = paused_.contains({name.topic, name.number});
  readings_[name.queue] = r;
  turns_.push_back(r);
}

void consumer_core::report(failure why) {
  constexpr std::size_t kept = 1'000;
  if (failures_.size() < kept) failures_.push_back(std::move(why));
  changed_.notify_all();
}

void consumer_core::end(const reading_ptr& r, const failure& why) {
  auto& name = r->from.name();
  r->ended = true;
  r->ended_why = {why.code, name.topic + "/" + std::to_string(name.number.value) +
                              (why.detail.empty() ? "" : ": " + why.detail)};
  tell_end(*r);
}

void consumer_core::tell_end(reading& r) {
  if (!r.ended_why || r.from.has_more()) return;
  report(std::move(*r.ended_why));
  r.ended_why.reset();
}

} // namespace carafe::client
