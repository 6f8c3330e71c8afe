#include "test/sim/seat_member.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::uint32_t credit_bytes = 4'000;

} // namespace

// -- coming and going -----------------------------------------------------------------------------

void seat_member::lost() {
  if (stay_) seats_->gone(*stay_);
  stay_.reset();
  member_.reset();
  joining_ = 0;
  holds_.clear();
  commits_.clear();
}

void seat_member::cut() {
  link_.cut();
  lost();
}

void seat_member::die() {
  cut();
  dead_ = true;
}

void seat_member::leave() {
  if (!member_) return die();
  link_.post(frames::leave{*member_});
  lost();
  dead_ = true;
}

/// The oracle knows.
void seat_member::node_died() {
  link_.forget();
  stay_.reset();
  lost();
}

void seat_member::lost_end(queue_id queue, offset end) {
  if (const auto h = holds_.find(queue); h != holds_.end())
    h->second.next = std::min(h->second.next, end);
}

void seat_member::join() {
  frames::join wish;
  wish.group = wish_.group;
  wish.topics = {wish_.topic};
  wish.member = link_.name();
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = credit_bytes;
  wish.member_id = wish_.id;
  wish.holder = wish_.holder;
  stay_ = seats_->joining(wish_.id, wish_.holder);
  joining_ = link_.post(wish);
}

void seat_member::joining_answered(const frames::body& answer) {
  joining_ = 0;
  if (const auto* yes = std::get_if<frames::joined>(&answer)) {
    member_ = yes->member;
    return seats_->joined(*stay_);
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, "who joins a group is answered with another frame");
  const auto code = error->why.code;
  expect(code == errc::name_in_use || code == errc::too_many_requests ||
           code == errc::storage_full || code == errc::shutting_down ||
           code == errc::shard_unavailable || code == errc::outcome_unknown ||
           code == errc::storage_failed,
         "who joins a group is answered with " + error->why.message());
  seats_->refused(*stay_, code == errc::name_in_use);
  stay_.reset();
}

// -- what it does ---------------------------------------------------------------------------------

void seat_member::step(dice& d) {
  take();
  if (dead_) return;
  if (!link_.up()) {
    link_.forget();
    link_.connect();
    return;
  }
  if (!member_) {
    if (joining_ == 0 && d.percent(50)) join();
    return;
  }
  if (holds_.empty()) return;
  auto& [queue, h] = d.pick(holds_);
  if (h.revoked) {
    // Late, sometimes too late.
    if (d.percent(40)) return;
    link_.post(frames::release{*member_, queue, h.how.owner});
    seats_->released(*stay_, queue);
    holds_.erase(h.how.queue);
    return;
  }
  if (!h.committing && h.next > h.committed) commit(h);
}

void seat_member::commit(holding& h) {
  frames::commit wish;
  wish.member = *member_;
  wish.positions = {{h.how.queue, h.how.owner, h.next}};
  group_->committing(h.how.queue, h.how.owner, h.next);
  h.committing = h.next;
  commits_[link_.post(wish)] = {h.how.queue, h.how.owner, h.next};
}

void seat_member::take() {
  for (const auto& frame : link_.take()) {
    if (const auto* deliver = std::get_if<frames::deliver>(&frame.body)) {
      got(*deliver);
    } else if (const auto* what = std::get_if<frames::assigned>(&frame.body)) {
      if (what->member == member_) assigned(*what);
    } else if (const auto* back = std::get_if<frames::revoked>(&frame.body)) {
      if (back->member == member_) revoked(*back);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      // It stays its own, but cannot be read: it begins anew as another member.
      const auto ended = [end](const auto& row) {
        return row.second.how.subscription == end->subscription;
      };
      if (std::ranges::any_of(holds_, ended)) return cut();
    } else if (joining_ != 0 && frame.request == joining_) {
      joining_answered(frame.body);
    } else if (const auto at = commits_.find(frame.request); at != commits_.end()) {
      const auto commit = at->second;
      commits_.erase(at);
      commit_answered(commit, std::get_if<frames::error>(&frame.body));
    }
  }
  if (!link_.up() && (stay_ || joining_ != 0)) lost();
}

void seat_member::assigned(const frames::assigned& what) {
  group_->assigned(what.member, what.queue, what.owner, what.begin);
  seats_->assigned(*stay_, what.queue);
  holds_.insert_or_assign(what.queue, holding{what, what.begin, what.begin});
}

void seat_member::revoked(const frames::revoked& what) {
  const auto h = holds_.find(what.queue);
  if (h == holds_.end() || h->second.how.owner != what.owner) return;
  seats_->revoked(*stay_, what.queue, what.deadline_ms == 0);
  if (what.deadline_ms == 0)
    holds_.erase(h);
  else
    h->second.revoked = true;
}

void seat_member::commit_answered(const commit_wish& what, const frames::error* refusal) {
  const auto h = holds_.find(what.queue);
  if (h != holds_.end() && h->second.how.owner == what.owner) {
    h->second.committing.reset();
    if (refusal == nullptr) h->second.committed = what.next;
  }
  if (refusal == nullptr)
    group_->committed(what.queue, what.owner, what.next);
  else if (refusal->why.code != errc::shard_unavailable &&
           refusal->why.code != errc::outcome_unknown)
    group_->refused(what.queue, what.owner, what.next);
}

void seat_member::got(const frames::deliver& d) {
  const auto h = holds_.find(d.queue);
  if (h == holds_.end() || h->second.how.subscription != d.subscription) return;
  (void)read_batch(d);
  auto& next = h->second.next;
  expect(d.base <= next && d.base + d.count > next, "offset " + std::to_string(d.base.value) +
                                                      " of queue " + std::to_string(d.queue.value) +
                                                      " was delivered to the group where offset " +
                                                      std::to_string(next.value) + " was its turn");
  next = d.base + d.count;
  link_.post(frames::credit{d.subscription, static_cast<std::uint32_t>(d.batch.size())});
}

} // namespace carafe::sim
