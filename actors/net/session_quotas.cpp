#include "actors/net/session.hpp"

#include <algorithm>
#include <utility>

namespace carafe {

namespace {

/// Somebody may change the quota meanwhile.
constexpr std::uint64_t wait_max_ms = 60'000;
constexpr std::uint64_t pause_max_ms = 1'000;

/// This client's consume quota, if it has one.
shared_quota* limit_of(session_state& s) {
  return s.quotas && s.quotas->consume.limits() ? &s.quotas->consume : nullptr;
}

void refuse(session_pointer self, std::uint64_t request, shared_quota& quota, std::uint64_t wait) {
  quota.count_refused(self->state.context->clocks->monotonic());
  wait = std::min(wait, wait_max_ms);
  reply_error(self, request,
              {errc::too_many_requests,
               quota.text() + " are used up; send again after " + std::to_string(wait) + " ms"},
              static_cast<std::uint32_t>(wait));
}

} // namespace

void quota_use::give_back() const {
  if (topic) topic->produce.give_back(bytes);
  if (client) client->produce.give_back(bytes);
}

std::optional<quota_use> take_quotas(session_pointer self, std::uint64_t request,
                                     const std::shared_ptr<quota_pair>& topic,
                                     std::uint64_t bytes) {
  auto& s = self->state;
  quota_use out;
  out.bytes = bytes;
  if (!topic && !s.quotas) return out;
  const auto now = s.context->clocks->monotonic();
  if (topic) {
    if (const auto wait = topic->produce.take(bytes, now); wait > 0) {
      refuse(self, request, topic->produce, wait);
      return std::nullopt;
    }
    out.topic = topic;
  }
  if (s.quotas) {
    if (const auto wait = s.quotas->produce.take(bytes, now); wait > 0) {
      out.give_back();
      refuse(self, request, s.quotas->produce, wait);
      return std::nullopt;
    }
    out.client = s.quotas;
  }
  return out;
}

namespace {

void pass_on(session_pointer self, subscription_id id, std::uint64_t bytes) {
  const auto& sub = self->state.subscriptions.at(id);
  if (sub.delivery)
    self->send(sub.delivery, demand_atom_v, sub.reader, bytes);
  else
    self->send(sub.actor, demand_atom_v, sub.reader, bytes);
}

} // namespace

void send_demand(session_pointer self, subscription_id id, std::uint64_t bytes) {
  auto& s = self->state;
  const auto* limit = limit_of(s);
  if (limit == nullptr) return pass_on(self, id, bytes);
  s.pacer.portions_of(core::byte_quota{limit->rate()}.portion());
  s.pacer.add(id, bytes);
}

void pace(session_pointer self) {
  auto& s = self->state;
  auto* limit = limit_of(s);
  if (limit == nullptr) return;
  const auto now = s.context->clocks->monotonic();
  while (const auto portion = s.pacer.next()) {
    if (auto wait = limit->take(portion->bytes, now); wait > 0) {
      if (std::exchange(s.pausing, true)) return;
      wait = std::min(wait, pause_max_ms);
      limit->count_paused(wait, now);
      self->delayed_send(self, std::chrono::milliseconds{wait}, pace_atom_v);
      return;
    }
    s.pacer.pass(*portion);
    pass_on(self, portion->to, portion->bytes);
  }
}

void count_delivered(session_pointer self, subscription_id id, std::uint64_t bytes) {
  auto& s = self->state;
  auto* limit = limit_of(s);
  if (limit == nullptr) return;
  // One message goes to a member of a group however little it may be sent.
  limit->charge(s.pacer.delivered(id, bytes), s.context->clocks->monotonic());
}

void forget_paced(session_pointer self, subscription_id id) {
  auto& s = self->state;
  if (auto* limit = limit_of(s)) limit->give_back(s.pacer.remove(id));
}

} // namespace carafe
