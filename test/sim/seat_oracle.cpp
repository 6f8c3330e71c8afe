#include "test/sim/seat_oracle.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

std::string text(queue_id queue) { return "queue " + std::to_string(queue.value); }

std::string text(queue_id queue, offset at) {
  return "offset " + std::to_string(at.value) + " of " + text(queue);
}

} // namespace

void seat_oracle::add_queue(queue_id queue) {
  if (queues_.insert(queue).second) disturbed();
}

void seat_oracle::queue_may_come() {
  queue_may_come_ = true;
  disturbed();
}

// -- messages -------------------------------------------------------------------------------------

void seat_oracle::stored(const message_place& place, const message_name& name) {
  const auto [at, fresh] = stored_.emplace(place, name);
  expect(fresh || at->second == name, text(place.queue, place.at) + " was given to " +
                                        to_string(name) + ", and to " + to_string(at->second));
  const auto there = seen_.find(place);
  expect(there == seen_.end() || there->second == name,
         text(place.queue, place.at) + " is " + to_string(name) + ", and a member got another one");
}

void seat_oracle::delivered(const message_place& place, const message_name& name) {
  const auto [at, fresh] = seen_.emplace(place, name);
  expect(fresh || at->second == name, text(place.queue, place.at) + " is " + to_string(name) +
                                        ", and was " + to_string(at->second));
  const auto there = stored_.find(place);
  expect(there == stored_.end() || there->second == name,
         text(place.queue, place.at) + " is " + to_string(name) + ", and was given to another one");
  delivered_.insert(name);
}

// -- members --------------------------------------------------------------------------------------

bool seat_oracle::is_away(const std::string& name) const {
  const auto& p = people_.at(name);
  return !p.there && !p.joining;
}

void seat_oracle::joining(const std::string& name) {
  auto& p = people_.at(name);
  p.joining = true;
  p.asked_ms = now_ms_();
  p.clear = p.noticed_ms.has_value();
  p.noticed_ms.reset();
  if (!p.id) return disturbed();
  p.seat = true;
  std::erase_if(claims_, [&name](const auto& each) { return each.second.name == name; });
}

void seat_oracle::joined(const std::string& name) {
  let_pass();
  auto& p = people_.at(name);
  note_(name + " joins");
  p.joining = false;
  p.there = true;
  ++returns_;
}

void seat_oracle::called_taken(const std::string& name, bool has_holder) const {
  const auto& p = people_.at(name);
  expect(!has_holder, name + " is refused as if it were somebody else");
  // Whoever the node knows to be away cannot be in its own way.
  expect(!p.clear, name + " is told to be there, and the node knows that it is not");
}

void seat_oracle::gone(const std::string& name, bool by_node) {
  let_pass();
  auto& p = people_.at(name);
  if (!p.id) disturbed();
  // Who only wanted to join may be away since before.
  if (p.there) {
    note_(name + " goes");
    p.gone_ms = by_node ? std::max(calm_ms_, p.asked_ms) : now_ms_();
    p.had = std::exchange(p.holds, {});
  }
  p.there = p.joining = false;
  p.went = true;
  p.noticed_ms.reset();
}

void seat_oracle::assigned(const std::string& name, member_id member, queue_id queue,
                           generation owner, offset begin) {
  let_pass();
  ++assignments_;
  auto& p = people_.at(name);
  const auto which = text(queue, begin) + " (generation " + std::to_string(owner.value) + ")";
  note_(name + " is given " + which);
  const auto [of, fresh] = owners_.emplace(std::pair{queue, owner}, member);
  expect(fresh || of->second == member,
         which + " is given to " + name + ", and was to another one");
  group_.assigned(member, queue, owner, begin);
  const auto its = claims_.find(queue);
  expect(its == claims_.end() || its->second.name == name,
         which + " is given to " + name + ", and is kept for " +
           (its == claims_.end() ? name : its->second.name));
  if (layout_) {
    expect(layout_->at(name).contains(queue),
           which + " is given to " + name + ", though nobody is away for too long");
    expect(p.went, which + " is given again to " + name + ", which has it");
  }
  p.holds[queue] = {owner};
}

void seat_oracle::revoked(const std::string& name, queue_id queue, generation owner, bool taken) {
  let_pass();
  note_(name + (taken ? " has lost " : " is to give back ") + text(queue));
  expect(!layout_, name + (taken ? " has lost " : " is to give back ") + text(queue) +
                     ", though nobody is away for too long");
  auto& holds = people_.at(name).holds;
  const auto at = holds.find(queue);
  if (at == holds.end() || at->second.owner != owner) return;
  if (taken)
    holds.erase(at);
  else
    at->second.revoked = true;
}

void seat_oracle::gave_back(const std::string& name, queue_id queue, bool asked) {
  note_(name + " gives back " + text(queue));
  people_.at(name).holds.erase(queue);
  if (!asked) disturbed();
}

// -- commits --------------------------------------------------------------------------------------

void seat_oracle::committing(queue_id queue, generation owner, offset next) {
  group_.committing(queue, owner, next);
}

void seat_oracle::committed(queue_id queue, generation owner, offset next) {
  note_("committed is " + text(queue, next));
  group_.committed(queue, owner, next);
}

void seat_oracle::refused(const std::string& name, queue_id queue, generation owner, offset next) {
  group_.refused(queue, owner, next);
  const auto& p = people_.at(name);
  const auto at = p.holds.find(queue);
  expect(!p.there || at == p.holds.end() || at->second.owner != owner,
         name + " has " + text(queue) + ", and may not commit there");
}

void seat_oracle::committed_in_vain(const std::string& name, queue_id queue,
                                    generation owner) const {
  expect(false, name + " has committed on " + text(queue) + " as generation " +
                  std::to_string(owner.value) + ", which it had lost before");
}

// -- what is sure ---------------------------------------------------------------------------------

void seat_oracle::let_pass() {
  const auto now = now_ms_();
  std::erase_if(claims_, [now](const auto& each) { return each.second.until_ms <= now; });
  for (const auto& [name, p] : people_)
    if (layout_ && !p.there && now - p.gone_ms >= grace_ms_) disturbed();
}

void seat_oracle::calm(const rest& how) {
  let_pass();
  calm_ms_ = now_ms_();
  // Before the first one is there the group's actor may not be, and no time runs.
  const bool any = std::ranges::any_of(people_, [](const auto& each) { return each.second.there; });
  for (auto& [name, p] : people_)
    if (any && is_away(name) && !p.noticed_ms) p.noticed_ms = now_ms_();
  check_owners();
  if (!how.healthy) return;
  check_layout();
  if (!how.settled) return;
  if (queue_may_come_) return;
  if (any) check_shares();
  if (!layout_) draw_layout();
  if (layout_) layout_written_ = true;
}

void seat_oracle::check_owners() const {
  std::map<queue_id, std::string> of;
  for (const auto& [name, p] : people_)
    for (const auto& [queue, how] : p.holds) {
      const auto [at, fresh] = of.emplace(queue, name);
      expect(fresh, text(queue) + " has two owners: " + at->second + " and " + name);
    }
}

/// All is as it was, but for those that are away.
void seat_oracle::check_layout() const {
  if (!layout_) return;
  for (const auto& [name, p] : people_) {
    if (!p.there) continue;
    for (const auto queue : layout_->at(name))
      expect(p.holds.contains(queue), name + " does not have " + text(queue) + " again");
  }
}

void seat_oracle::draw_layout() {
  std::map<std::string, std::set<queue_id>> all;
  for (const auto& [name, p] : people_) {
    if (!p.there) return;
    for (const auto& [queue, how] : p.holds) all[name].insert(queue);
    all[name];
  }
  layout_ = std::move(all);
  layout_written_ = false;
  for (auto& [name, p] : people_) p.went = false;
}

bool seat_oracle::may_be_kept() const {
  const auto now = now_ms_();
  return std::ranges::any_of(people_, [this, now](const auto& each) {
    const auto& p = each.second;
    if (!p.id || !p.seat || p.there) return false;
    return !p.noticed_ms || now <= *p.noticed_ms + grace_ms_;
  });
}

/// Nothing moves, and nothing waits.
void seat_oracle::check_shares() const {
  std::size_t least = queues_.size(), most = 0;
  std::set<queue_id> owned;
  for (const auto& [name, p] : people_) {
    if (!p.there) continue;
    least = std::min(least, p.holds.size());
    most = std::max(most, p.holds.size());
    for (const auto& [queue, how] : p.holds) owned.insert(queue);
  }
  expect(most <= least + 1, "somebody has " + std::to_string(most) +
                              " queues, and somebody else only " + std::to_string(least));
  if (may_be_kept()) return;
  for (const auto queue : queues_)
    expect(owned.contains(queue), text(queue) + " has no owner, and nobody is away");
}

void seat_oracle::kept(const std::string& name, bool written) {
  const auto& p = people_.at(name);
  for (const auto& [queue, how] : p.had)
    if (!how.revoked) claims_[queue] = {name, now_ms_() + grace_ms_, written};
  note_(std::to_string(p.had.size()) + " queues are kept for " + name);
}

void seat_oracle::forgetting(const std::string& name) {
  disturbed();
  std::erase_if(claims_, [&name](const auto& each) { return each.second.name == name; });
}

// -- what ends ------------------------------------------------------------------------------------

void seat_oracle::node_died() {
  let_pass();
  group_.node_died();
  owners_.clear();
  std::erase_if(claims_, [](const auto& each) { return !each.second.written; });
  const auto guest = [](const auto& each) { return !each.second.id; };
  if (!layout_written_ || std::ranges::any_of(people_, guest)) disturbed();
}

void seat_oracle::node_started() {
  queue_may_come_ = false;
  const auto now = now_ms_();
  for (auto& [queue, each] : claims_) each.until_ms = now + grace_ms_;
  for (auto& [name, p] : people_) {
    p.gone_ms = now;
    p.noticed_ms.reset();
  }
}

void seat_oracle::lost_end(queue_id queue, offset end) {
  const auto gone = [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  };
  std::erase_if(stored_, gone);
  std::erase_if(seen_, gone);
  group_.lost_power(queue);
}

void seat_oracle::check_finished() const {
  std::map<queue_id, offset> begins;
  for (const auto& [place, name] : stored_) {
    if (delivered_.contains(name)) continue;
    const auto [at, fresh] = begins.try_emplace(place.queue);
    if (fresh) at->second = earliest_(place.queue);
    expect(place.at < at->second, to_string(name) + " at " + text(place.queue, place.at) +
                                    " was acknowledged, and no member got it");
  }
}

} // namespace carafe::sim
