#include "actors/core/delivery_batches.hpp"
#include "actors/logging.hpp"
#include "actors/net/session.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace carafe {

namespace {

/// What a client was not sent it is told within this time, so that it can commit.
constexpr auto tell_after = std::chrono::milliseconds{100};

frames::deliver frame_of(subscription_id id, const storage::stored_batch& batch) {
  frames::deliver out;
  out.subscription = id;
  out.queue = batch.queue;
  out.base = batch.base;
  out.count = batch.count;
  out.broker_time = batch.time;
  out.producer = batch.batch.producer;
  out.first = batch.batch.first;
  out.compression = batch.batch.compression;
  out.checksum = batch.batch.checksum;
  out.batch = batch.batch.bytes;
  return out;
}

/// @param count  Messages in it.
/// @param bytes  Of the stored batch, which its queue has counted.
void send(session_pointer self, frames::deliver what, std::uint64_t count, std::uint64_t bytes) {
  auto& s = self->state;
  const auto id = what.subscription;
  const std::uint64_t sent = what.batch.size();
  reply(self, 0, std::move(what));
  auto& metrics = *s.context->metrics;
  metrics.messages_out.fetch_add(count, std::memory_order_relaxed);
  metrics.bytes_out.fetch_add(sent, std::memory_order_relaxed);
  count_delivered(self, id, bytes);
  tell(self, s.budget.delivered(id, bytes, sent));
}

/// Reading has passed what was left out: where it is now.
void tell_passed(session_pointer self, subscription_id id, session_state::subscription& sub) {
  auto passed = sub.screen->take_untold();
  while (passed && passed->count > 0) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    frames::deliver out;
    out.subscription = id;
    out.queue = sub.queue;
    out.base = passed->first;
    out.count = static_cast<std::uint32_t>(std::min(passed->count, most));
    out.sparse = true;
    passed->first = passed->first + out.count;
    passed->count -= out.count;
    reply(self, 0, std::move(out));
  }
}

void count(const session_state::subscription& sub, const core::screen::outcome& seen) {
  if (!sub.kept_from.counts) return;
  sub.kept_from.counts->filtered.fetch_add(seen.filtered, std::memory_order_relaxed);
  sub.kept_from.counts->expired.fetch_add(seen.too_old, std::memory_order_relaxed);
}

void tell_soon(session_pointer self) {
  if (!std::exchange(self->state.telling, true))
    self->delayed_send(self, tell_after, progress_atom_v);
}

/// What there is no message of, and then what there is.
void deliver_sparse(session_pointer self, subscription_id id, session_state::subscription& sub,
                    const storage::stored_batch& batch);

void deliver_screened(session_pointer self, subscription_id id, session_state::subscription& sub,
                      const storage::stored_batch& batch) {
  auto& s = self->state;
  if (batch.only) return deliver_sparse(self, id, sub, batch);
  auto seen = sub.screen->look_at(batch.batch, batch.time, s.context->clocks->wall());
  if (!seen) { // It was checked before it was stored.
    logging::error("session", "queue " + std::to_string(batch.queue.value) + ", offset " +
                                std::to_string(batch.base.value) + ": " + seen.error().message());
    stop_reading(self, id, sub);
    end_subscription(self, id, {errc::storage_corrupt, seen.error().message()});
    return;
  }
  count(sub, *seen);
  using which = core::screen::outcome::which;
  const auto bytes = batch.batch.bytes.size();
  if (seen->what == which::none) {
    tell_soon(self);
    count_delivered(self, id, bytes);
    tell(self, s.budget.delivered(id, bytes, 0));
    return;
  }
  tell_passed(self, id, sub); // There must be no gap.
  auto out = frame_of(id, batch);
  out.expired = std::move(seen->expired);
  std::uint64_t messages = batch.count;
  if (seen->what == which::some) {
    messages = seen->batch.count;
    out.sparse = true;
    out.ranges = std::move(seen->ranges);
    out.compression = seen->batch.compression;
    out.checksum = seen->batch.checksum;
    out.batch = std::move(seen->batch.bytes);
  }
  send(self, std::move(out), messages, bytes);
}

void deliver_sparse(session_pointer self, subscription_id id, session_state::subscription& sub,
                    const storage::stored_batch& batch) {
  const auto end = batch.base + batch.count;
  const auto next = batch.only->empty() ? end : batch.batch.base;
  sub.screen->pass({batch.base, next.value - batch.base.value});
  if (batch.only->empty()) return tell_soon(self);
  auto message = batch;
  message.only.reset();
  message.base = next;
  message.count = batch.batch.count;
  deliver_screened(self, id, sub, message);
}

} // namespace

void on_deliver(session_pointer self, core::reader_id reader, const storage::stored_batch& batch) {
  auto& s = self->state;
  auto found = s.readers.find(reader);
  if (found == s.readers.end()) return; // Unsubscribed or moved meanwhile.
  const auto id = found->second;
  auto& sub = s.subscriptions.at(id);
  if (sub.screen) {
    deliver_screened(self, id, sub, batch);
  } else if (batch.only) { // It would take the gap for a loss.
    stop_reading(self, id, sub);
    end_subscription(self, id, old_client(s));
  } else {
    send(self, frame_of(id, batch), batch.count, batch.batch.bytes.size());
  }
}

void on_expiry(session_pointer self, core::reader_id reader, const core::topic_expiry& now) {
  auto& s = self->state;
  auto found = s.readers.find(reader);
  if (found == s.readers.end()) return;
  if (auto& screen = s.subscriptions.at(found->second).screen) screen->set_expiry(now);
}

void tell_all_passed(session_pointer self) {
  self->state.telling = false;
  for (auto& [id, sub] : self->state.subscriptions)
    if (sub.screen && sub.screen->has_untold()) tell_passed(self, id, sub);
}

void begin_screen(session_pointer self, session_state::subscription& sub, const reading& where) {
  if (self->state.version >= frames::sparse_version)
    sub.screen.emplace(sub.kept_from.rule, where.begin, where.expiry);
}

result<screening> screening_of(const session_state& s, const frames::subscribe& what, bool group) {
  const bool filtered = what.filter.how != message_filter::kind::none;
  if (!filtered && !what.expired) return screening{};
  if (group) return {errc::invalid_argument, "a group's queue has the group's filter"};
  if (s.version < frames::sparse_version) return old_client(s);
  auto wanted = core::parse_filter(what.filter);
  if (!wanted) return wanted.error();
  screening out;
  if (*wanted) out.rule.wanted = std::make_shared<const core::filter>(std::move(**wanted));
  out.rule.expired_too = what.expired;
  return out;
}

failure old_client(const session_state& s) {
  return {errc::unsupported, "who reads with a filter, or a compacted topic, must speak version " +
                               std::to_string(frames::sparse_version) +
                               " of the protocol; this connection has " +
                               std::to_string(s.version)};
}

} // namespace carafe
