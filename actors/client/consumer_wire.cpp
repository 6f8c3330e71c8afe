#include "actors/client/consumer_core.hpp"

#include "actors/client/told.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Before a subscription is tried again that the node could not serve just now.
constexpr milliseconds again_after{100};

} // namespace

bool consumer_core::on_frame(frames::frame& f) {
  {
    auto guard = std::lock_guard{mutex_};
    if (auto batch = std::get_if<frames::deliver>(&f.body)) {
      auto r = find(batch->subscription);
      if (r) on_deliver(r, std::move(*batch));
      return r != nullptr;
    }
    if (auto over = std::get_if<frames::subscription_ended>(&f.body)) {
      if (auto r = find(over->subscription)) {
        if (r->subscription == over->subscription) on_subscription_ended(r, over->why);
        return true;
      }
    }
  }
  return on_other_frame(f);
}

void consumer_core::on_deliver(const reading_ptr& r, frames::deliver&& batch) {
  if (r->moving > 0 || !r->live || r->ended || r->revoked) {
    r->from.refuse(batch);
    if (r->live) return_credit(*r);
    return;
  }
  const auto position = r->acks.position();
  if (auto taken = r->from.take_in(std::move(batch), acks_of(*r)); !taken) {
    unsubscribe(*r);
    end(r, taken.error());
    return;
  }
  if (r->acks.position() > position) on_passed(r);
  changed_.notify_all();
}

void consumer_core::return_credit(reading& r) {
  if (auto bytes = r.from.take_credit()) link_.send(frames::credit{r.subscription, bytes});
}

void consumer_core::set_subscription(const reading_ptr& r, subscription_id id) {
  if (r->subscription.value != 0) by_subscription_.erase(r->subscription);
  r->subscription = id;
  r->live = id.value != 0;
  if (r->live) by_subscription_[id] = r;
  r->from.forget_credit();
}

void consumer_core::unsubscribe(reading& r) {
  if (std::exchange(r.live, false)) link_.send(frames::unsubscribe{r.subscription});
}

void consumer_core::remove(reading_ptr r) {
  // Subscriptions that the node made end with the assignment.
  if ((r->subscription.value >> 63) == 0) unsubscribe(*r);
  set_subscription(r, {});
  readings_.erase(r->from.name().queue);
  std::erase(turns_, r);
  r->from.drop();
  settle_movers(*r, not_read());
}

void consumer_core::settle_movers(reading& r, const result<void>& outcome) {
  for (auto& told : std::exchange(r.movers, {})) told(outcome);
}

void consumer_core::forget_connection(const reading_ptr& r) {
  set_subscription(r, {});
  r->moving = 0;
  r->from.drop();
  r->from.forget_credit();
}

void consumer_core::move(const reading_ptr& r, const start_position& to, verdict done) {
  if (find(r->from.name().queue) != r) {
    done(not_read());
    return;
  }
  if (!r->seeking && !r->ended) r->fallback = position(*r);
  r->from.drop();
  r->start = to;
  r->seeking = true;
  r->ended = false;
  r->ended_why.reset();
  r->movers.push_back(std::move(done));
  if (link_.ready()) subscribe(r);
}

start_position consumer_core::position(const reading& r) {
  return r.start.value_or(start_position{start_position::kind::at_offset, r.from.next(), {}});
}

void consumer_core::subscribe(const reading_ptr& r) {
  auto frame = frames::subscribe{};
  if (r->live) {
    frame.credit_bytes = r->from.take_all_credit(); // It is added to what is left.
  } else {
    // A new number each time: credit under way for the old one must not count for the new.
    set_subscription(r, link_.next_subscription());
    frame.credit_bytes = options_.credit_bytes;
  }
  frame.subscription = r->subscription;
  frame.queue = r->from.name().queue;
  frame.start = position(*r);
  frame.out_of_range = options_.out_of_range;
  if (options_.group.empty()) {
    frame.filter = wire_filter(options_.filter);
    frame.expired = options_.expired;
  }
  ++r->moving;
  link_.call(std::move(frame), on_loss::forget, {}, [self = self(), r](frames::body&& body) {
    auto guard = std::lock_guard{self->mutex_};
    --r->moving;
    // Another move may be under way, or the queue may be gone.
    if (r->moving == 0 && self->find(r->from.name().queue) == r)
      self->on_subscribed(r, std::move(body));
  });
}

void consumer_core::on_subscribed(const reading_ptr& r, frames::body&& body) {
  if (auto told = std::get_if<frames::subscribed>(&body)) {
    on_position(r, told->begin);
  } else {
    auto error = std::get_if<frames::error>(&body);
    auto odd = frames::error{{errc::internal, "the answer to subscribe is no position"}, 0};
    on_no_position(r, error ? *error : odd);
  }
  changed_.notify_all();
}

void consumer_core::on_position(const reading_ptr& r, offset begin) {
  if (!std::exchange(r->live, true)) // It ended, with its credit, before it was moved.
    link_.send(frames::credit{r->subscription, options_.credit_bytes});
  auto jumped = std::exchange(r->seeking, false) || begin != r->from.next();
  r->start.reset();
  r->fallback.reset();
  r->from.begin_at(begin);
  if (jumped) {
    r->acks = ack_tracker{begin};
    r->committed = begin;
  }
  settle_movers(*r, {});
}

void consumer_core::on_no_position(const reading_ptr& r, const frames::error& error) {
  // What the node still has under this number is not certain: go on with another.
  unsubscribe(*r);
  if (is_retriable(error.why.code)) {
    refusal_ = error.why;
    subscribe_later(r, error.retry_after_ms);
    return;
  }
  auto sought = std::exchange(r->seeking, false);
  settle_movers(*r, error.why);
  if (!sought) {
    end(r, error.why);
    return;
  }
  r->start = std::exchange(r->fallback, {});
  if (r->start)
    subscribe(r);
  else
    r->ended = true; // As before the seek; whoever sought has heard why.
}

void consumer_core::subscribe_later(const reading_ptr& r, std::uint32_t after_ms) {
  auto wait = std::max(again_after, milliseconds{after_ms});
  link_.loop().at(steady_clock::now() + wait, [self = self(), r] {
    auto guard = std::lock_guard{self->mutex_};
    auto here = self->find(r->from.name().queue) == r;
    if (here && !r->live && !r->ended && !r->revoked && self->link_.ready()) self->subscribe(r);
  });
}

void consumer_core::on_subscription_ended(const reading_ptr& r, const failure& why) {
  r->live = false;
  if (r->moving > 0) return; // The answer to `subscribe` is still to come.
  auto overtaken = why.code == errc::offset_out_of_range;
  if (overtaken && options_.out_of_range != range_policy::error) {
    r->from.drop();
    subscribe(r); // The policy applies there.
  } else if (is_retriable(why.code)) {
    r->from.drop();
    subscribe_later(r, 0);
  } else {
    end(r, why);
  }
}

} // namespace carafe::client
