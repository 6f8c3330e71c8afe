#include "actors/client/shared_consumer.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t early_max = 10'000;
/// Before the node is asked again what is ours.
constexpr milliseconds present_again_after{100};
/// A lease is renewed so often while it runs.
constexpr int renewals_a_lease = 3;

/// Whether the ranges are ascending and apart; nothing can be made of others.
bool ascending(const std::vector<offset_range>& ranges) {
  auto end = offset{0};
  for (auto& range : ranges) {
    if (range.count == 0 || range.first < end || range.end() < range.first) return false;
    end = range.end();
  }
  return !ranges.empty();
}

/// Whether the batch can have what it is said to.
bool holds_its_ranges(const frames::leased& what) {
  if (what.batch_count == 0) return true;
  auto end = what.base + what.batch_count;
  return what.base <= what.ranges.front().first && what.ranges.back().end() <= end;
}

} // namespace

void shared_consumer::ask(frames::body body, std::function<void(frames::body&&)> then) {
  link_.call(
    std::move(body), on_loss::forget, steady_clock::now() + link_.options().timeout,
    [this, self = self(), episode = episodes_, then = std::move(then)](frames::body&& answer) {
      auto guard = std::lock_guard{mutex_};
      if (episode == episodes_) then(std::move(answer));
    });
}

void shared_consumer::on_ready() {
  auto guard = std::lock_guard{mutex_};
  membership_.join();
}

void shared_consumer::on_lost() {
  auto guard = std::lock_guard{mutex_};
  membership_.lose();
  begin_episode();
}

void shared_consumer::begin_episode() {
  ++episodes_;
  now_ = {};
  book_.gather_again();
  if (renewal_) link_.loop().cancel(*std::exchange(renewal_, {}));
  changed_.notify_all();
}

void shared_consumer::rejoin() {
  membership_.forget();
  begin_episode();
  membership_.join();
}

void shared_consumer::on_joined(const frames::joined& joined) {
  if (joined.subscription.value == 0) {
    link_.send(frames::leave{joined.member});
    membership_.forget();
    dead_ = failure{errc::unsupported, "the node knows ordered groups only"};
    return;
  }
  now_.subscription = joined.subscription;
  now_.lease = milliseconds{joined.lease_ms};
  now_.renewed_at = steady_clock::now();
  arm_renewal();
  present();
  for (auto& batch : std::exchange(early_, {})) {
    if (batch.subscription == now_.subscription) on_leased(std::move(batch));
  }
}

bool shared_consumer::on_frame(frames::frame& f) {
  auto guard = std::lock_guard{mutex_};
  if (auto batch = std::get_if<frames::leased>(&f.body)) {
    if (membership_.joined() && batch->subscription == now_.subscription) {
      on_leased(std::move(*batch));
      return true;
    }
    // Whose it is will be known with the answer to `join`; another consumer may be joining too.
    if (membership_.joining() && early_.size() < early_max) early_.push_back(*batch);
    return false;
  }
  if (auto over = std::get_if<frames::subscription_ended>(&f.body)) {
    if (!membership_.joined() || over->subscription != now_.subscription) return false;
    on_ended(over->why);
    return true;
  }
  return false;
}

void shared_consumer::on_leased(frames::leased&& batch) {
  if (closed_) return; // It goes back when the member leaves.
  if (!ascending(batch.ranges)) {
    report({errc::internal, "the node lent messages of " + batch.topic + " out of order"});
    return;
  }
  if (!holds_its_ranges(batch)) {
    report({errc::internal, "the node lent messages of " + batch.topic + " without sending them"});
    return;
  }
  auto fresh = book_.take(batch.queue, batch.ranges);
  inbox_.take_in(std::move(batch), fresh);
  if (!fresh.empty())
    changed_.notify_all();
  else if (auto bytes = inbox_.take_credit())
    link_.send(frames::credit{now_.subscription, bytes});
}

void shared_consumer::on_ended(const failure& why) {
  if (why.code == errc::member_unknown || is_retriable(why.code)) {
    rejoin();
    return;
  }
  if (!dead_) dead_ = why;
  changed_.notify_all();
}

void shared_consumer::arm_renewal() {
  if (now_.lease.count() == 0) return;
  auto wait = std::max(now_.lease / renewals_a_lease, milliseconds{1});
  renewal_ = link_.loop().at(steady_clock::now() + wait, [this, self = self()] {
    auto guard = std::lock_guard{mutex_};
    renewal_.reset();
    renew();
    arm_renewal();
  });
}

void shared_consumer::renew() {
  if (now_.presenting) return;
  const auto now = steady_clock::now();
  if (book_.held() == 0) {
    now_.renewed_at = now;
    return;
  }
  if (now - now_.renewed_at >= now_.lease) {
    // This process stood still, or the node did not answer: the leases may have ended.
    present();
    return;
  }
  if (now_.renewing) return;
  now_.renewing = true;
  ask(frames::renew{membership_.id(), {}}, [this](frames::body&& body) {
    now_.renewing = false;
    auto error = std::get_if<frames::error>(&body);
    if (!error)
      now_.renewed_at = steady_clock::now();
    else if (error->why.code == errc::member_unknown)
      rejoin();
  });
}

void shared_consumer::present() {
  auto ours = book_.present();
  if (ours.empty()) {
    book_.lose({});
    now_.renewed_at = steady_clock::now();
    settle_now();
    return;
  }
  now_.presenting = true;
  ask(frames::renew{membership_.id(), std::move(ours)},
      [this](frames::body&& body) { on_presented(std::move(body)); });
}

void shared_consumer::on_presented(frames::body&& body) {
  if (auto error = std::get_if<frames::error>(&body)) {
    if (error->why.code == errc::member_unknown) {
      rejoin();
      return;
    }
    if (is_retriable(error->why.code)) {
      ask_again_later(error->retry_after_ms);
      return;
    }
    report(error->why);
  }
  auto told = std::get_if<frames::renewed>(&body);
  for (auto& gone : book_.lose(told ? told->lost : std::vector<frames::queue_ranges>{}))
    inbox_.drop(gone.queue, gone.ranges);
  now_.presenting = false;
  now_.renewed_at = steady_clock::now();
  changed_.notify_all();
  settle_now();
}

void shared_consumer::ask_again_later(std::uint32_t after_ms) {
  auto wait = std::max(present_again_after, milliseconds{after_ms});
  link_.loop().at(steady_clock::now() + wait, [this, self = self(), episode = episodes_] {
    auto guard = std::lock_guard{mutex_};
    if (episode == episodes_) present();
  });
}

} // namespace carafe::client
