#include "actors/client/group_consumer.hpp"

#include <algorithm>
#include <random>

namespace carafe::client {

using std::chrono::steady_clock;

group_consumer::group_consumer(link& wire, consumer_options options)
  : consumer_core(wire, std::move(options)),
    membership_(
      *this,
      [this] {
        early_.clear();
        auto wish = join_of(options_);
        wish.holder = holder_;
        return wish;
      },
      [this](const frames::joined&) { on_joined(); }) {
  if (options_.durable_name.empty() && options_.member_id.empty()) return;
  auto random = std::random_device{};
  holder_ = std::uniform_int_distribution<std::uint64_t>{1}(random);
}

result<void> group_consumer::open() { return membership_.open(); }

result<void> group_consumer::ack(const delivery& d) {
  if (!commits()) return {};
  auto guard = std::lock_guard{mutex_};
  auto r = find(d.queue);
  auto was_ours = former_.find(d.queue);
  if (!r && (was_ours == former_.end() || was_ours->second.taken)) return errc::not_owner;
  auto& acks = r ? r->acks : was_ours->second.acks;
  switch (acks.ack(d.offset)) {
  case ack_tracker::answer::repeated:
    return {};
  case ack_tracker::answer::foreign:
    return {errc::invalid_argument, "this message was not handed out here"};
  case ack_tracker::answer::full:
    return {errc::too_many_requests, "acknowledge older messages of the queue first"};
  case ack_tracker::answer::marked:
    break;
  }
  if (r) on_passed(r);
  return {};
}

void group_consumer::on_passed(const reading_ptr& r) {
  if (r->revoked && r->acks.settled()) {
    link_.loop().post([this, self = shared_from_this(), r] {
      auto locked = std::lock_guard{mutex_};
      release_if_done(r);
    });
  } else if (!std::exchange(commit_armed_, true)) {
    link_.loop().post([this, self = shared_from_this()] {
      auto locked = std::lock_guard{mutex_};
      arm_commit(*options_.commit_interval);
    });
  }
}

result<void> group_consumer::commit() {
  if (!commits()) return {};
  if (link_.loop().on_thread())
    return {errc::invalid_argument, "commit was called from a callback"};
  auto guard = std::unique_lock{mutex_};
  auto targets = std::vector<std::pair<queue_id, offset>>{};
  for (auto& [queue, r] : readings_) {
    if (r->acks.position() > r->committed) targets.emplace_back(queue, r->acks.position());
  }
  for (auto& [queue, f] : former_) {
    if (!may_come_back()) f.taken = true; // Its messages come to its new owner.
    if (!f.taken && !readings_.contains(queue) && f.acks.position() > f.committed)
      targets.emplace_back(queue, f.acks.position());
  }
  if (targets.empty()) return {};
  ++commit_waiters_;
  link_.loop().post([this, self = shared_from_this()] {
    auto locked = std::lock_guard{mutex_};
    commit_now();
  });
  auto done = await_commit(guard, targets);
  --commit_waiters_;
  return done;
}

result<void> group_consumer::await_commit(std::unique_lock<std::mutex>& guard,
                                          const std::vector<target>& targets) {
  auto until = steady_clock::now() + link_.options().timeout;
  while (true) {
    auto pending = false;
    for (auto [queue, position] : targets) {
      if (auto r = find(queue)) {
        pending |= r->committed < position;
        continue;
      }
      auto was_ours = former_.find(queue);
      if (was_ours == former_.end() || was_ours->second.committed < position) {
        if (was_ours == former_.end() || was_ours->second.taken || !may_come_back())
          return errc::not_owner;
        pending = true;
      }
    }
    if (!pending) return {};
    if (dead_ && (!closed_ || !membership_.joined())) return *dead_; // Nobody will commit any more.
    const auto now = steady_clock::now();
    changed_.wait_until(guard, now < settled_at_ ? std::min(until, settled_at_) : until);
    if (steady_clock::now() >= until)
      return {errc::outcome_unknown, "the node has not confirmed the commit in time"};
  }
}

result<void> group_consumer::close() {
  auto joined = false;
  auto refused = false;
  auto uncommitted = false;
  {
    auto guard = std::lock_guard{mutex_};
    if (std::exchange(closed_, true)) return {};
    refused = dead_.has_value();
    dead_ = failure{errc::disconnected, "the consumer is closed"};
    joined = membership_.joined();
    uncommitted = std::ranges::any_of(former_, [](const auto& each) {
      const auto& f = each.second;
      return !f.taken && f.acks.position() > f.committed;
    });
    changed_.notify_all();
  }
  auto outcome = result<void>{};
  if (link_.loop().on_thread()) {
    auto guard = std::lock_guard{mutex_};
    commit_now();
    if (joined) link_.send(frames::leave{membership_.id()});
    go();
    return {};
  }
  if (joined) {
    outcome = commit();
    // What went to another consumer while we were away is delivered there again.
    if (outcome.code() == errc::not_owner) outcome = {};
    auto left = membership_.leave();
    if (outcome) outcome = left;
  } else if (!refused && uncommitted) {
    outcome = {errc::disconnected, "what was acknowledged last may not be committed"};
  }
  link_.loop().post_and_wait([this] {
    auto guard = std::lock_guard{mutex_};
    go();
  });
  return outcome;
}

void group_consumer::go() {
  while (!readings_.empty()) remove(readings_.begin()->second);
  link_.remove(this);
}

} // namespace carafe::client
