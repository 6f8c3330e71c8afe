#include "actors/client/group_consumer.hpp"

#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Before a `join` is tried again that the node could not serve just now.
constexpr milliseconds join_again_after{200};
constexpr std::size_t early_max = 10'000;
/// After a join, the first assignments have come by then.
constexpr milliseconds settle_time{1'000};

} // namespace

void group_consumer::on_ready() {
  auto guard = std::lock_guard{mutex_};
  join();
}

void group_consumer::on_lost() {
  auto guard = std::lock_guard{mutex_};
  joining_ = false;
  committing_ = false;
  singly_.clear();
  retire_all();
}

void group_consumer::join() {
  if (dead_ || joining_ || member_.value != 0 || !link_.ready()) return;
  joining_ = true;
  early_.clear();
  auto frame = frames::join{};
  frame.group = options_.group;
  frame.topics = options_.topics;
  frame.member = options_.member;
  frame.start = options_.start;
  frame.out_of_range = options_.out_of_range;
  frame.credit_bytes = options_.credit_bytes;
  link_.call(std::move(frame), on_loss::forget, {},
             [this, self = shared_from_this()](frames::body&& body) {
               auto guard = std::lock_guard{mutex_};
               on_joined(std::move(body));
             });
}

void group_consumer::on_joined(frames::body&& body) {
  joining_ = false;
  if (auto joined = std::get_if<frames::joined>(&body)) {
    member_ = joined->member;
    settled_at_ = steady_clock::now() + settle_time;
    opened_ = true;
    for (auto& each : std::exchange(early_, {})) {
      if (each.member == member_) on_assigned(each);
    }
    changed_.notify_all();
    return;
  }
  auto error = std::get_if<frames::error>(&body);
  auto why = error ? error->why : failure{errc::internal, "the answer to join is no consent"};
  if (!is_retriable(why.code)) {
    if (!dead_) dead_ = why;
    changed_.notify_all();
    return;
  }
  refusal_ = why;
  auto wait = std::max(join_again_after, milliseconds{error->retry_after_ms});
  link_.loop().at(steady_clock::now() + wait, [this, self = shared_from_this()] {
    auto guard = std::lock_guard{mutex_};
    join();
  });
}

bool group_consumer::on_other_frame(frames::frame& f) {
  auto guard = std::lock_guard{mutex_};
  if (auto a = std::get_if<frames::assigned>(&f.body)) {
    if (member_.value != 0 && a->member == member_) {
      on_assigned(*a);
      return true;
    }
    // Whose it is will be known with the answer to `join`; another consumer may be joining too.
    if (joining_ && early_.size() < early_max) early_.push_back(*a);
    return false;
  }
  if (auto revoked = std::get_if<frames::revoked>(&f.body)) {
    if (member_.value == 0 || revoked->member != member_) return false;
    on_revoked(*revoked);
    return true;
  }
  return false;
}

void group_consumer::on_assigned(const frames::assigned& a) {
  if (closed_) return;
  if (auto stale = find(a.queue)) retire(stale, false);
  auto r = std::make_shared<reading>(queue_name{a.topic, a.number, a.queue}, options_.credit_bytes);
  r->from.begin_at(a.begin);
  r->owner = a.owner;
  r->committed = a.begin;
  r->acks = ack_tracker{a.begin};
  auto was_ours = former_.find(a.queue);
  if (was_ours != former_.end()) {
    // A position behind what was committed was set by somebody who wants messages again.
    if (a.begin >= was_ours->second.committed) r->acks = {was_ours->second.acks, a.begin};
    former_.erase(was_ours);
  }
  put(r);
  set_subscription(r, a.subscription);
  if (r->acks.position() > r->committed) commit_now();
  changed_.notify_all();
}

void group_consumer::on_revoked(const frames::revoked& revoked) {
  auto r = find(revoked.queue);
  if (!r || r->owner != revoked.owner) return;
  if (revoked.deadline_ms == 0) { // Taken already.
    retire(r, true);
    return;
  }
  r->revoked = true;
  r->from.drop();
  release_if_done(r);
  if (find(revoked.queue) != r) return;
  auto grace = milliseconds{revoked.deadline_ms} / 2;
  link_.loop().at(steady_clock::now() + grace, [this, self = shared_from_this(), r] {
    auto guard = std::lock_guard{mutex_};
    r->overdue = true;
    release_if_done(r);
  });
}

void group_consumer::release_if_done(const reading_ptr& r) {
  auto queue = r->from.name().queue;
  if (find(queue) != r || !r->revoked) return;
  if (!r->acks.settled() && !r->overdue) return;
  if (r->acks.position() > r->committed) {
    commit_now(); // Its answer comes back here.
    return;
  }
  link_.send(frames::release{member_, queue, r->owner});
  retire(r, true);
}

void group_consumer::on_subscription_ended(const reading_ptr& r, const failure& why) {
  switch (why.code) {
  case errc::not_owner:
    retire(r, true);
    break;
  case errc::member_unknown:
    rejoin();
    break;
  default:
    consumer_core::on_subscription_ended(r, why);
  }
}

void group_consumer::retire(const reading_ptr& r, bool taken) {
  former_.insert_or_assign(r->from.name().queue, former{r->acks, r->committed, taken});
  remove(r);
  changed_.notify_all();
}

bool group_consumer::may_come_back() const {
  return member_.value == 0 || steady_clock::now() < settled_at_;
}

void group_consumer::retire_all() {
  member_ = {};
  while (!readings_.empty()) {
    auto r = readings_.begin()->second;
    // Half handed back, it would not be ours for long.
    retire(r, r->revoked);
  }
}

void group_consumer::rejoin() {
  retire_all();
  join();
}

} // namespace carafe::client
