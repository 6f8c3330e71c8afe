#include "test/sim/hearer.hpp"

#include "test/sim/content.hpp"

#include <limits>
#include <utility>

namespace carafe::sim {

message_filter all_news(bool by_tags) {
  return by_tags ? message_filter{message_filter::kind::tags, "*"} : message_filter{};
}

// -- its connection -------------------------------------------------------------------------------

void hearer::lost() {
  member_.reset();
  joining_ = 0;
  holds_.clear();
  commits_.clear();
}

void hearer::cut() {
  link_.cut();
  lost();
}

void hearer::node_died() {
  link_.forget();
  lost();
}

void hearer::lost_end(queue_id queue) {
  if (const auto at = ends_.find(queue); at != ends_.end()) at->second = offset{0};
}

/// @returns Whether it is a member.
bool hearer::connected() {
  take();
  if (link_.up()) return true;
  node_died();
  link_.connect();
  return false;
}

void hearer::join(const frames::topic_description& topic, std::uint32_t credit) {
  if (name_.empty() || ends_.empty()) {
    ends_.clear();
    unsure_of_new_ = false;
    for (const auto& queue : topic.queues)
      ends_[queue.queue] = told_->acknowledged_end(queue.queue);
  }
  frames::join wish;
  wish.group = hearer_group;
  wish.topics = {news_topic};
  wish.mode = "broadcast";
  wish.member = link_.name();
  wish.name = name_;
  wish.holder = name_.empty() ? 0 : holder_;
  wish.start.at = latest_ ? start_position::kind::latest : start_position::kind::earliest;
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = credit;
  wish.filter = all_news(mismatches_ % 2 == 1);
  wish.rejoins = group_was_;
  joining_ = link_.post(wish);
}

void hearer::queue_comes() {
  if (name_.empty() ? !member_ : !known_) unsure_of_new_ = true;
}

broadcast_oracle::beginning hearer::wanted(queue_id queue) const {
  constexpr offset anywhere{std::numeric_limits<std::uint64_t>::max()};
  const auto end = ends_.find(queue);
  if (!latest_) return {offset{0}, offset{0}};
  if (end != ends_.end()) return {end->second, anywhere};
  return {offset{0}, unsure_of_new_ || unsure_for_good_ ? anywhere : offset{0}};
}

// -- what it does ---------------------------------------------------------------------------------

void hearer::step(dice& d, const frames::topic_description& topic) {
  if (!connected()) return;
  if (d.percent(2)) return cut();
  if (!member_) {
    if (joining_ == 0) join(topic, static_cast<std::uint32_t>(d.between(300, 5'000)));
    return;
  }
  if (d.percent(2)) {
    link_.post(frames::leave{*member_});
    return lost();
  }
  if (name_.empty() || holds_.empty()) return;
  auto& [queue, h] = d.pick(holds_);
  if (d.percent(h.revoked && !h.committing ? 60 : 6)) return release(queue);
  if (!h.committing && h.next > h.committed)
    commit(h, h.committed + d.between(1, h.next.value - h.committed.value));
}

void hearer::finish(const frames::topic_description& topic) {
  if (!connected()) return;
  if (!member_) {
    if (joining_ == 0) join(topic, 1u << 20);
    return;
  }
  if (name_.empty()) return;
  std::vector<queue_id> due;
  for (auto& [queue, h] : holds_)
    if (!h.committing && h.next > h.committed)
      commit(h, h.next);
    else if (!h.committing && h.revoked)
      due.push_back(queue);
  for (const auto queue : due) release(queue);
}

std::string hearer::missing(const frames::topic_description& topic) const {
  for (const auto& queue : topic.queues) {
    const auto h = holds_.find(queue.queue);
    const auto where = who() + " of " + hearer_group + " on queue " +
                       std::to_string(queue.queue.value) + ", which ends at " +
                       std::to_string(queue.end.value);
    if (h == holds_.end()) return where + ", does not read";
    // Retention has passed where it was to begin, and left nothing.
    if (!h->second.started && queue.earliest == queue.end) continue;
    if (h->second.next < queue.end)
      return where + ", is still at " + std::to_string(h->second.next.value);
    if (!name_.empty() && h->second.committed < queue.end)
      return where + ", has committed only " + std::to_string(h->second.committed.value);
  }
  return {};
}

void hearer::commit(holding& h, offset next) {
  told_->committing(name_, h.how.queue, next);
  h.committing = next;
  const auto request = link_.post(frames::commit{*member_, {{h.how.queue, h.how.owner, next}}});
  commits_[request] = {h.how.queue, h.how.owner, next};
}

/// It begins anew, where it has committed.
void hearer::release(queue_id queue) {
  link_.post(frames::release{*member_, queue, holds_.at(queue).how.owner});
  holds_.erase(queue);
}

// -- what it is told ------------------------------------------------------------------------------

void hearer::take() {
  for (const auto& frame : link_.take()) {
    if (const auto* deliver = std::get_if<frames::deliver>(&frame.body)) {
      got(*deliver);
    } else if (const auto* assigned = std::get_if<frames::assigned>(&frame.body)) {
      got(*assigned);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      got(*end);
    } else if (const auto* revoked = std::get_if<frames::revoked>(&frame.body)) {
      const auto h = holds_.find(revoked->queue);
      if (h == holds_.end() || h->second.how.owner != revoked->owner) continue;
      if (revoked->deadline_ms == 0)
        holds_.erase(h);
      else
        h->second.revoked = true;
    } else if (frame.request != 0 && frame.request == joining_) {
      joining_ = 0;
      if (const auto* joined = std::get_if<frames::joined>(&frame.body)) {
        member_ = joined->member;
        group_was_ = joined->group;
        known_ = true;
      } else if (const auto* error = std::get_if<frames::error>(&frame.body);
                 error != nullptr && error->why.code == errc::subscription_mismatch) {
        ++mismatches_;
      }
    } else if (const auto commit = commits_.find(frame.request); commit != commits_.end()) {
      const auto what = commit->second;
      commits_.erase(commit);
      answered(what, std::get_if<frames::error>(&frame.body));
    }
  }
}

void hearer::got(const frames::assigned& how) {
  if (how.member != member_) return; // It has left meanwhile.
  told_->assigned(name_, how.queue, how.owner, how.begin, wanted(how.queue));
  holds_.insert_or_assign(how.queue, holding{how, how.begin, how.begin});
}

void hearer::got(const frames::deliver& d) {
  const auto at = holds_.find(d.queue);
  if (at == holds_.end() || at->second.how.subscription != d.subscription) return;
  auto& h = at->second;
  const auto where = who() + " at offset " + std::to_string(h.next.value) + " of queue " +
                     std::to_string(d.queue.value);
  // Where it was to begin retention may have passed.
  if (!std::exchange(h.started, true) && d.base > h.next && d.base <= stage_.earliest(d.queue))
    h.next = d.base;
  expect(!d.sparse && d.base <= h.next && d.base + d.count > h.next,
         where + " was sent offset " + std::to_string(d.base.value) + " and " +
           std::to_string(d.count) + " messages");
  const auto sent = read_batch(d);
  for (std::uint32_t i = 0; i < d.count; ++i)
    told_->seen({d.queue, d.base + i}, {sent.producer, sent.first + i});
  h.next = d.base + d.count;
  link_.post(frames::credit{d.subscription, static_cast<std::uint32_t>(d.batch.size())});
}

void hearer::got(const frames::subscription_ended& end) {
  if (end.member.value != 0 && end.member == member_) return lost();
  for (const auto& [queue, h] : holds_) {
    if (h.how.subscription != end.subscription) continue;
    const auto code = end.why.code;
    if (code == errc::member_unknown) return lost();
    if (code == errc::shutting_down) return cut();
    // From where it has committed, or from what is left.
    return release(queue);
  }
}

void hearer::answered(const commit_wish& what, const frames::error* refusal) {
  const auto at = holds_.find(what.queue);
  const bool mine = at != holds_.end() && at->second.how.owner == what.owner;
  if (mine) at->second.committing.reset();
  if (refusal == nullptr) {
    if (mine) at->second.committed = what.next;
    return told_->committed(name_, what.queue, what.owner, what.next);
  }
  const auto code = refusal->why.code;
  if (code == errc::not_owner || code == errc::member_unknown)
    return told_->refused(name_, what.queue, what.next);
  expect(code == errc::too_many_requests || code == errc::storage_full ||
           code == errc::storage_failed || code == errc::shutting_down ||
           code == errc::shard_unavailable || code == errc::outcome_unknown,
         "a commit of " + who() + " was answered with " + refusal->why.message());
}

} // namespace carafe::sim
