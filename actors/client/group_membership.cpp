#include "actors/client/group_consumer.hpp"

#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t early_max = 10'000;
/// After a join, the first assignments have come by then.
constexpr milliseconds settle_time{1'000};

} // namespace

void group_consumer::on_ready() {
  auto guard = std::lock_guard{mutex_};
  membership_.join();
}

void group_consumer::on_lost() {
  auto guard = std::lock_guard{mutex_};
  membership_.lose();
  committing_ = false;
  singly_.clear();
  retire_all();
}

void group_consumer::on_joined() {
  settled_at_ = steady_clock::now() + settle_time;
  for (auto& each : std::exchange(early_, {})) {
    if (each.member == membership_.id()) on_assigned(each);
  }
}

bool group_consumer::on_other_frame(frames::frame& f) {
  auto guard = std::lock_guard{mutex_};
  if (auto a = std::get_if<frames::assigned>(&f.body)) {
    if (membership_.joined() && a->member == membership_.id()) {
      on_assigned(*a);
      return true;
    }
    // Whose it is will be known with the answer to `join`; another consumer may be joining too.
    if (membership_.joining() && early_.size() < early_max) early_.push_back(*a);
    return false;
  }
  if (auto revoked = std::get_if<frames::revoked>(&f.body)) {
    if (!membership_.joined() || revoked->member != membership_.id()) return false;
    on_revoked(*revoked);
    return true;
  }
  if (auto over = std::get_if<frames::subscription_ended>(&f.body)) {
    if (!membership_.joined() || over->member != membership_.id()) return false;
    rejoin();
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
    if (!commits()) r->start = was_ours->second.next;
    // A position behind what was committed was set by somebody who wants messages again.
    if (a.begin >= was_ours->second.committed) r->acks = {was_ours->second.acks, a.begin};
    former_.erase(was_ours);
  }
  put(r);
  set_subscription(r, a.subscription);
  if (r->start) subscribe(r);
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
  link_.send(frames::release{membership_.id(), queue, r->owner});
  retire(r, true);
}

void group_consumer::on_subscription_ended(const reading_ptr& r, const failure& why) {
  switch (why.code) {
  case errc::not_owner:
  case errc::queue_unknown: // Its topic was deleted: the group goes on with the others.
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
  former_.insert_or_assign(r->from.name().queue,
                           former{r->acks, r->committed, position(*r), taken});
  remove(r);
  changed_.notify_all();
}

bool group_consumer::may_come_back() const {
  return options_.mode == group_mode::broadcast || !membership_.joined() ||
         steady_clock::now() < settled_at_;
}

void group_consumer::retire_all() {
  membership_.forget();
  while (!readings_.empty()) {
    auto r = readings_.begin()->second;
    // Half handed back, it would not be ours for long.
    retire(r, r->revoked);
  }
}

void group_consumer::rejoin() {
  retire_all();
  membership_.join();
}

} // namespace carafe::client
