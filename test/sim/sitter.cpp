#include "test/sim/sitter.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::uint32_t credit_bytes = 4'000;

} // namespace

// -- its connection -------------------------------------------------------------------------------

/// It is no member any more, as far as it knows.
void sitter::lost(bool by_node) {
  if (member_ || joining_ != 0) told_->gone(name_, by_node);
  member_.reset();
  joining_ = 0;
  holds_.clear();
  std::erase_if(commits_, [](const auto& each) { return !each.second.in_vain; });
}

void sitter::cut() {
  link_.cut();
  lost();
  commits_.clear();
  former_.clear();
}

void sitter::node_died() {
  lost(!link_.up());
  link_.forget();
  commits_.clear();
  former_.clear();
}

void sitter::leave() {
  if (!member_) return;
  link_.post(frames::leave{*member_});
  for (const auto& [queue, h] : holds_) has_lost(h);
  lost();
}

bool sitter::connected() {
  take();
  if (link_.up()) return true;
  link_.connect();
  return false;
}

bool sitter::settled() const {
  return joining_ == 0 && commits_.empty() &&
         std::ranges::none_of(holds_, [](const auto& each) { return each.second.revoked; });
}

std::optional<bool> sitter::has_done(const frames::topic_queue& queue) const {
  const auto at = holds_.find(queue.queue);
  if (at == holds_.end()) return std::nullopt;
  const auto& h = at->second;
  // Retention has passed where it was to begin, and left nothing.
  if (!h.started && queue.earliest == queue.end) return true;
  return h.next >= queue.end && h.committed >= queue.end;
}

// -- what it does ---------------------------------------------------------------------------------

void sitter::step(dice& d) {
  take();
  if (now_ms() < back_ms_ && !member_) return;
  if (!connected()) return;
  if (!former_.empty() && d.percent(10)) return commit_in_vain(d);
  if (!member_) {
    if (joining_ == 0) return join();
    if (d.percent(5)) cut();
    return;
  }
  if (now_ms() < hangs_ms_) return;
  if (d.percent(3)) {
    stay_away(d.percent(70) ? d.between(0, stage_.node->groups.grace_ms * 3 / 4)
                            : d.between(0, stage_.node->groups.grace_ms * 3));
    return d.percent(60) ? cut() : leave();
  }
  if (d.percent(2)) hangs_ms_ = now_ms() + d.between(1, stage_.node->groups.revoke_timeout_ms * 2);
  if (holds_.empty()) return;
  auto& [queue, h] = d.pick(holds_);
  if (h.revoked && d.percent(60)) return release(queue);
  if (!h.committing && h.next > h.committed) commit(h);
}

void sitter::hurry() {
  if (!connected()) return;
  if (!member_) {
    if (joining_ == 0) join();
    return;
  }
  std::vector<queue_id> due;
  for (auto& [queue, h] : holds_) {
    if (h.revoked && !h.committing)
      due.push_back(queue);
    else if (!h.committing && h.next > h.committed)
      commit(h);
  }
  for (const auto queue : due) release(queue);
}

void sitter::join() {
  frames::join wish;
  wish.group = desk_group;
  wish.topics = {desk_topic};
  wish.member = name_;
  wish.member_id = id_;
  wish.holder = holder_;
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = credit_bytes;
  told_->joining(name_);
  joining_ = link_.post(wish);
}

void sitter::commit(holding& h) {
  told_->committing(h.how.queue, h.how.owner, h.next);
  h.committing = h.next;
  const auto request = link_.post(frames::commit{*member_, {{h.how.queue, h.how.owner, h.next}}});
  commits_[request] = {*member_, h.how.queue, h.how.owner, h.next};
}

void sitter::commit_in_vain(dice& d) {
  const auto& what = d.pick(former_);
  commits_[link_.post(frames::commit{what.member, {{what.queue, what.owner, what.next}}})] = what;
}

void sitter::has_lost(const holding& h) {
  former_.push_back({*member_, h.how.queue, h.how.owner, h.next, true});
}

void sitter::release(queue_id queue) {
  const auto& h = holds_.at(queue);
  link_.post(frames::release{*member_, queue, h.how.owner});
  told_->gave_back(name_, queue, h.revoked);
  has_lost(h);
  holds_.erase(queue);
}

// -- what it is told ------------------------------------------------------------------------------

void sitter::take() {
  for (const auto& frame : link_.take()) {
    if (const auto* deliver = std::get_if<frames::deliver>(&frame.body)) {
      got(*deliver);
    } else if (const auto* assigned = std::get_if<frames::assigned>(&frame.body)) {
      got(*assigned);
    } else if (const auto* revoked = std::get_if<frames::revoked>(&frame.body)) {
      got(*revoked);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      got(*end);
    } else if (frame.request != 0 && frame.request == joining_) {
      join_answered(frame.body);
    } else if (const auto commit = commits_.find(frame.request); commit != commits_.end()) {
      const auto what = commit->second;
      commits_.erase(commit);
      commit_answered(what, std::get_if<frames::error>(&frame.body));
    }
  }
  // The node has closed it.
  if (link_.up() || (!member_ && joining_ == 0)) return;
  lost(true);
  cut();
}

void sitter::join_answered(const frames::body& answer) {
  joining_ = 0;
  if (const auto* joined = std::get_if<frames::joined>(&answer)) {
    member_ = joined->member;
    return told_->joined(name_);
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, name_ + " joins, and is answered with another frame");
  const auto code = error->why.code;
  if (code == errc::name_in_use && !id_.empty())
    told_->called_taken(name_, holder_ != 0);
  else
    expect(code == errc::too_many_requests || code == errc::storage_full ||
             code == errc::shutting_down || code == errc::shard_unavailable ||
             code == errc::outcome_unknown,
           name_ + " joins, and is answered with " + error->why.message());
  told_->gone(name_);
}

void sitter::got(const frames::assigned& how) {
  if (how.member != member_) return; // It has left meanwhile.
  told_->assigned(name_, how.member, how.queue, how.owner, how.begin);
  holds_.insert_or_assign(how.queue, holding{how, how.begin, how.begin});
}

void sitter::got(const frames::revoked& what) {
  if (what.member != member_) return;
  const auto at = holds_.find(what.queue);
  if (at == holds_.end() || at->second.how.owner != what.owner) return;
  told_->revoked(name_, what.queue, what.owner, what.deadline_ms == 0);
  at->second.revoked = true;
  if (what.deadline_ms != 0) return;
  has_lost(at->second);
  holds_.erase(at);
}

void sitter::got(const frames::deliver& d) {
  const auto at = holds_.find(d.queue);
  if (at == holds_.end() || at->second.how.subscription != d.subscription) return;
  auto& h = at->second;
  // Where it was to begin retention may have passed.
  if (!std::exchange(h.started, true) && d.base > h.next && d.base <= stage_.earliest(d.queue))
    h.next = d.base;
  expect(!d.sparse && d.base <= h.next && d.base + d.count > h.next,
         name_ + ", at offset " + std::to_string(h.next.value) + " of queue " +
           std::to_string(d.queue.value) + ", was sent offset " + std::to_string(d.base.value) +
           " and " + std::to_string(d.count) + " messages");
  const auto sent = read_batch(d);
  for (std::uint32_t i = 0; i < d.count; ++i)
    told_->delivered({d.queue, d.base + i}, {sent.producer, sent.first + i});
  h.next = d.base + d.count;
  link_.post(frames::credit{d.subscription, static_cast<std::uint32_t>(d.batch.size())});
}

void sitter::got(const frames::subscription_ended& end) {
  for (const auto& [queue, h] : holds_) {
    if (h.how.subscription != end.subscription) continue;
    const auto code = end.why.code;
    if (code == errc::member_unknown || code == errc::shutting_down) return cut();
    // Whoever has it next begins where the last commit was, or at what is left.
    return release(queue);
  }
}

void sitter::commit_answered(const commit_wish& what, const frames::error* refusal) {
  if (what.in_vain) {
    if (refusal == nullptr) told_->committed_in_vain(name_, what.queue, what.owner);
    return;
  }
  const auto at = holds_.find(what.queue);
  const bool mine = at != holds_.end() && at->second.how.owner == what.owner;
  if (mine) at->second.committing.reset();
  if (refusal == nullptr) {
    if (mine) at->second.committed = what.next;
    return told_->committed(what.queue, what.owner, what.next);
  }
  const auto code = refusal->why.code;
  if (code == errc::not_owner || code == errc::member_unknown)
    return told_->refused(name_, what.queue, what.owner, what.next);
  expect(code == errc::too_many_requests || code == errc::storage_full ||
           code == errc::storage_failed || code == errc::shutting_down ||
           code == errc::shard_unavailable || code == errc::outcome_unknown,
         "a commit of " + name_ + " was answered with " + refusal->why.message());
}

} // namespace carafe::sim
