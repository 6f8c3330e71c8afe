#include "actors/client/group_consumer.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Before a commit is tried again that the node could not take just now.
constexpr milliseconds commit_again_after{100};

} // namespace

void group_consumer::arm_commit(milliseconds wait) {
  commit_armed_ = true;
  link_.loop().at(steady_clock::now() + wait, [this, self = shared_from_this()] {
    auto guard = std::lock_guard{mutex_};
    commit_armed_ = false;
    commit_now();
  });
}

void group_consumer::commit_now() {
  if (committing_ || !membership_.joined()) return;
  auto what = positions{};
  for (auto& [queue, r] : readings_) {
    if (r->acks.position() > r->committed && !r->seeking)
      what.push_back({queue, r->owner, r->acks.position()});
  }
  if (!what.empty()) send_commit(std::move(what));
}

void group_consumer::send_commit(positions what) {
  committing_ = true;
  link_.call(frames::commit{membership_.id(), what}, on_loss::forget,
             steady_clock::now() + link_.options().timeout,
             [this, self = shared_from_this(), what](frames::body&& body) {
               auto guard = std::lock_guard{mutex_};
               on_committed(what, std::move(body));
             });
}

void group_consumer::on_committed(const positions& what, frames::body&& body) {
  committing_ = false;
  auto wait = *options_.commit_interval;
  if (auto error = std::get_if<frames::error>(&body)) {
    on_not_committed(what, error->why);
    if (is_retriable(error->why.code))
      wait = std::max(commit_again_after, milliseconds{error->retry_after_ms});
    else if (singly_.empty())
      wait = milliseconds{0};
  } else {
    auto touched = std::vector<reading_ptr>{};
    for (auto& each : what) {
      auto r = find(each.queue);
      if (!r || r->owner != each.owner) continue;
      r->committed = std::max(r->committed, each.next);
      touched.push_back(r);
    }
    for (auto& r : touched) release_if_done(r);
    if (commit_waiters_ > 0) commit_now();
  }
  changed_.notify_all();
  if (!singly_.empty() && !committing_) {
    auto next = singly_.front();
    singly_.pop_front();
    send_commit({next});
    return;
  }
  auto dirty = [](auto& each) { return each.second->acks.position() > each.second->committed; };
  if (committing_ || commit_armed_ || !std::any_of(readings_.begin(), readings_.end(), dirty))
    return;
  arm_commit(wait);
}

void group_consumer::on_not_committed(const positions& what, const failure& why) {
  if (why.code == errc::member_unknown) {
    rejoin();
    return;
  }
  if (is_retriable(why.code)) return;
  if (what.size() > 1) {
    singly_.assign(what.begin(), what.end());
    return;
  }
  auto r = find(what.front().queue);
  if (!r || r->owner != what.front().owner) return;
  if (why.code != errc::not_owner && why.code != errc::queue_unknown) {
    auto& name = r->from.name();
    report({why.code, name.topic + "/" + std::to_string(name.number.value) + ": " + why.detail});
  }
  retire(r, true);
}

} // namespace carafe::client
