#include "actors/client/shared_consumer.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Before a settle is tried again that the node could not take just now.
constexpr milliseconds settle_again_after{100};

} // namespace

void shared_consumer::arm_settle(milliseconds wait) {
  settle_armed_ = true;
  link_.loop().at(steady_clock::now() + wait, [this, self = self()] {
    auto guard = std::lock_guard{mutex_};
    settle_armed_ = false;
    settle_now();
  });
}

void shared_consumer::settle_now() {
  if (!membership_.joined() || now_.settling || now_.resting || now_.presenting) return;
  auto frame = book_.next_settle(membership_.id(), singly_);
  if (!frame) return;
  now_.settling = true;
  const auto some_failed = !frame->failed.empty();
  ask(std::move(*frame),
      [this, some_failed](frames::body&& body) { on_answer(some_failed, std::move(body)); });
}

void shared_consumer::on_answer(bool some_failed, frames::body&& body) {
  now_.settling = false;
  if (auto error = std::get_if<frames::error>(&body)) {
    on_refused(some_failed, *error);
    return;
  }
  book_.settled();
  disputed_ = false;
  changed_.notify_all();
  if (book_.gathered() == 0) {
    singly_ = false;
  } else if (waiters_ > 0 || singly_) {
    settle_now();
  } else {
    on_gathered();
  }
}

void shared_consumer::on_refused(bool some_failed, const frames::error& error) {
  auto& why = error.why;
  if (why.code == errc::member_unknown) {
    rejoin();
    return;
  }
  if (is_retriable(why.code)) {
    book_.gather_again();
    rest(error.retry_after_ms);
    return;
  }
  if (why.code == errc::not_owner && some_failed) {
    // Some of what failed is not ours any more. Ask which, and at a second time take all for lost.
    if (std::exchange(disputed_, !disputed_)) book_.drop_failed_under_way();
    book_.gather_again();
    if (disputed_)
      present();
    else
      settle_now();
    return;
  }
  if (!std::exchange(singly_, true)) {
    book_.gather_again();
  } else {
    book_.drop_under_way();
    // Its topic is gone, or the group's no more: the others go on.
    if (why.code != errc::queue_unknown) report(why);
    if (book_.gathered() == 0) singly_ = false;
  }
  settle_now();
}

void shared_consumer::rest(std::uint32_t after_ms) {
  now_.resting = true;
  auto wait = std::max(settle_again_after, milliseconds{after_ms});
  link_.loop().at(steady_clock::now() + wait, [this, self = self(), episode = episodes_] {
    auto guard = std::lock_guard{mutex_};
    if (episode != episodes_) return;
    now_.resting = false;
    settle_now();
  });
}

} // namespace carafe::client
