#include "actors/quotas.hpp"

#include "actors/logging.hpp"

#include <algorithm>
#include <utility>

namespace carafe {

namespace {

constexpr std::uint64_t ms_ns = 1'000'000;
constexpr std::uint64_t tell_every_ms = 60'000;

std::uint64_t ns_of(mono_ms now) { return now.value * ms_ns; }

} // namespace

void shared_quota::set_rate(std::uint64_t bytes_per_second) noexcept {
  if (rate_.exchange(bytes_per_second) != bytes_per_second) paid_at_ns_.store(0);
}

std::uint64_t shared_quota::take(std::uint64_t bytes, mono_ms now) noexcept {
  const auto allowed = rate();
  if (allowed == 0) return 0;
  const core::byte_quota quota{allowed};
  auto paid = paid_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const auto outcome = quota.take(paid, bytes, ns_of(now));
    if (outcome.wait_ns != 0) return (outcome.wait_ns + ms_ns - 1) / ms_ns;
    if (paid_at_ns_.compare_exchange_weak(paid, outcome.paid_at_ns, std::memory_order_relaxed))
      return 0;
  }
}

void shared_quota::charge(std::uint64_t bytes, mono_ms now) noexcept {
  const auto allowed = rate();
  if (allowed == 0 || bytes == 0) return;
  const core::byte_quota quota{allowed};
  auto paid = paid_at_ns_.load(std::memory_order_relaxed);
  while (!paid_at_ns_.compare_exchange_weak(paid, quota.charge(paid, bytes, ns_of(now)),
                                            std::memory_order_relaxed)) {
  }
}

void shared_quota::give_back(std::uint64_t bytes) noexcept {
  const auto allowed = rate();
  if (allowed == 0 || bytes == 0) return;
  const core::byte_quota quota{allowed};
  auto paid = paid_at_ns_.load(std::memory_order_relaxed);
  while (!paid_at_ns_.compare_exchange_weak(paid, quota.give_back(paid, bytes),
                                            std::memory_order_relaxed)) {
  }
}

void shared_quota::count_refused(mono_ms now) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  tell(now);
}

void shared_quota::count_paused(std::uint64_t ms, mono_ms now) {
  paused_ms_.fetch_add(ms, std::memory_order_relaxed);
  tell(now);
}

void shared_quota::tell(mono_ms now) {
  auto told = told_ms_.load(std::memory_order_relaxed);
  if (told != 0 && now.value + 1 < told + tell_every_ms) return;
  // Of several at a time, one tells.
  if (!told_ms_.compare_exchange_strong(told, now.value + 1)) return;
  logging::info("quota", text() + " is reached: " + std::to_string(refused()) +
                           " batches refused, sending held back for " +
                           std::to_string(paused_ms()) + " ms since the start");
}

std::string shared_quota::text() const {
  return what_ + ": " + std::to_string(rate()) + " bytes a second";
}

bool shared_quota::is_full(mono_ms now) const noexcept {
  return paid_at_ns_.load(std::memory_order_relaxed) <= ns_of(now);
}

void quota_board::put(const topic_record& topic) {
  const auto& settings = topic.settings;
  const std::lock_guard lock{guard_};
  auto at = topics_.find(topic.topic);
  if (at == topics_.end()) {
    if (settings.produce_bytes_per_second == 0 && settings.consume_bytes_per_second == 0) return;
    const std::shared_ptr<quota_pair> made{
      new quota_pair{shared_quota{"the produce quota of topic " + topic.name},
                     shared_quota{"the consume quota of topic " + topic.name}}};
    at = topics_.emplace(topic.topic, made).first;
  }
  at->second->produce.set_rate(settings.produce_bytes_per_second);
  at->second->consume.set_rate(settings.consume_bytes_per_second);
  bool more = false;
  for (const auto& place : topic.queues)
    more = queues_.emplace(place.queue, at->second).second || more;
  if (more) version_.fetch_add(1, std::memory_order_release);
}

void quota_board::remove(const topic_record& topic) {
  const std::lock_guard lock{guard_};
  const auto at = topics_.find(topic.topic);
  if (at == topics_.end()) return;
  const auto had = at->second->throttled();
  before_.produce_refused += had.produce_refused;
  before_.consume_paused_ms += had.consume_paused_ms;
  topics_.erase(at);
  for (const auto& place : topic.queues) queues_.erase(place.queue);
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<quota_pair> quota_board::of(queue_id queue) const {
  const std::lock_guard lock{guard_};
  const auto at = queues_.find(queue);
  return at == queues_.end() ? nullptr : at->second;
}

std::shared_ptr<quota_pair> quota_board::of_client(const std::string& name, mono_ms now) {
  if (rates_.produce == 0 && rates_.consume == 0) return nullptr;
  const std::lock_guard lock{guard_};
  if (clients_.size() >= look_at_) forget_clients(now);
  auto& known = clients_[name];
  if (!known)
    known.reset(
      new quota_pair{shared_quota{"the produce quota of client " + name, rates_.produce},
                     shared_quota{"the consume quota of client " + name, rates_.consume}});
  return known;
}

/// Only the board has them, and nobody can get another while the guard is held.
void quota_board::forget_clients(mono_ms now) {
  const auto forget = [this](const auto& is_due) {
    for (auto at = clients_.begin(); at != clients_.end();) {
      if (at->second.use_count() > 1 || !is_due(*at->second)) {
        ++at;
        continue;
      }
      const auto had = at->second->throttled();
      before_.produce_refused += had.produce_refused;
      before_.consume_paused_ms += had.consume_paused_ms;
      at = clients_.erase(at);
    }
  };
  forget(
    [now](const quota_pair& it) { return it.produce.is_full(now) && it.consume.is_full(now); });
  if (clients_.size() >= clients_max) forget([](const quota_pair&) { return true; });
  look_at_ = std::clamp<std::size_t>(clients_.size() * 2, 1'024, clients_max);
}

frames::throttling quota_board::throttled() const {
  const std::lock_guard lock{guard_};
  auto sum = before_;
  const auto add = [&sum](const quota_pair& it) {
    const auto had = it.throttled();
    sum.produce_refused += had.produce_refused;
    sum.consume_paused_ms += had.consume_paused_ms;
  };
  for (const auto& [id, quotas] : topics_) add(*quotas);
  for (const auto& [name, quotas] : clients_) add(*quotas);
  return sum;
}

} // namespace carafe
