#include "actors/client/consumer_core.hpp"

#include <algorithm>
#include <future>

namespace carafe::client {

namespace {

result<void> not_singly() {
  return {errc::unsupported, "single messages are tried again or given up in groups of mode shared "
                             "or keyed only"};
}

} // namespace

std::shared_ptr<consumer_core> consumer_core::self() {
  return std::static_pointer_cast<consumer_core>(shared_from_this());
}

result<void> consumer_core::nack(const delivery&, const nack_options&) { return not_singly(); }

result<void> consumer_core::reject(const delivery&, const std::string&) { return not_singly(); }

bool consumer_core::hand_out(std::size_t max, std::vector<delivery>& out,
                             std::vector<frames::credit>& credit) {
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
    const auto position = r->acks.position();
    auto finished = r->from.hand_out(max - out.size(), acks_of(*r), out);
    if (r->acks.position() > position) on_passed(r);
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
  link_.loop().post([self = self(), r, to, promise] {
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
