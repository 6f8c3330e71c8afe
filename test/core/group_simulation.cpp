#include "test/core/group_simulation.hpp"

#include <algorithm>

namespace carafe::test {

using core::group_core;

void simulated_group::step() {
  switch (dice_->below(24)) {
  case 20:
  case 21:
    come_back();
    break;
  case 22:
    if (dice_->percent(40)) give_up();
    break;
  case 23:
    if (dice_->percent(70))
      leave_for_a_moment();
    else if (dice_->percent(30))
      make_anew();
    break;
  case 0:
  case 1:
    join();
    break;
  case 2:
  case 3:
    leave();
    break;
  case 4:
    add_queue();
    break;
  case 5:
    if (dice_->percent(40)) remove_queue();
    break;
  case 6:
  case 7:
  case 8:
    release();
    break;
  case 9:
    deadline();
    break;
  case 10:
  case 11:
  case 12:
  case 13:
    commit();
    break;
  case 14:
  case 15:
  case 16:
    finish_commit();
    break;
  default:
    finish_search(dice_->percent(75));
    break;
  }
  check_states();
}

void simulated_group::settle() {
  while (!searches_.empty() || !commits_.empty() || !revoked_.empty()) {
    finish_search(true);
    finish_commit();
    deadline();
    check_states();
  }
  if (members_.empty()) return;
  const auto each = shared() / members_.size();
  for (const auto member : members_) {
    REQUIRE(core_.owned_by(member) >= each);
    REQUIRE(core_.owned_by(member) <= each + 1);
  }
  for (const auto& [queue, state] : core_.queues()) {
    if (kept_.contains(queue)) {
      REQUIRE(state.owner.value == 0);
      REQUIRE(state.kept_for == away_.at(kept_.at(queue)));
      continue;
    }
    REQUIRE(members_.contains(state.owner));
    // Whoever has it knows of it, or knows why not.
    const auto known = held_.contains(queue) ? held_.at(queue) : failed_.at(queue);
    REQUIRE(known.member == state.owner);
    REQUIRE(known.owner == state.current);
  }
}

void simulated_group::join() {
  const auto id = member_id{++members_made_};
  group_core::member m;
  if (dice_->percent(50)) m.id = "seat-" + std::to_string(members_made_);
  auto effects = core_.join(id, m);
  if (!effects) {
    REQUIRE(effects.code() == errc::too_many_members);
    REQUIRE(members_.size() + away_.size() == 8);
    return;
  }
  members_.insert(id);
  ids_[id] = m.id;
  carry_out(*effects);
}

std::size_t simulated_group::shared() const {
  return core_.queues().size() - static_cast<std::size_t>(std::count_if(
                                   kept_.begin(), kept_.end(), [this](const auto& row) {
                                     return core_.queues().contains(row.first);
                                   }));
}

void simulated_group::keep(member_id id) {
  for (const auto& [queue, state] : core_.queues())
    if ((state.owner == id && !state.revoking) || state.kept_for == id) kept_[queue] = ids_.at(id);
  away_[ids_.at(id)] = id;
}

void simulated_group::leave() {
  if (members_.empty()) return;
  const auto id = dice_->pick(members_);
  if (!ids_.at(id).empty()) keep(id);
  forget_member(id);
  const auto effects = core_.leave(id);
  if (!ids_.at(id).empty())
    for (const auto& effect : effects) {
      // Nobody is to give anything back, or to lose it.
      REQUIRE_FALSE(std::holds_alternative<group_core::revoke>(effect));
      REQUIRE_FALSE(std::holds_alternative<group_core::take>(effect));
    }
  carry_out(effects);
}

/// It dies and is back before anything else happens, or comes while it still seems to be there.
void simulated_group::leave_for_a_moment() {
  std::vector<member_id> seated;
  for (const auto member : members_)
    if (!ids_.at(member).empty()) seated.push_back(member);
  if (seated.empty()) return;
  const auto old = dice_->pick(seated);
  const auto id = member_id{++members_made_};
  group_core::member m;
  m.id = ids_.at(old);
  // Whoever is there has not said that it may be followed.
  REQUIRE(core_.join(id, m).code() == errc::name_in_use);
  m.holder = 5;
  keep(old);
  forget_member(old);
  carry_out(core_.leave(old));
  std::set<queue_id> its_own;
  for (const auto& [queue, of] : kept_)
    if (of == m.id) its_own.insert(queue);
  std::erase_if(kept_, [&](const auto& row) { return row.second == m.id; });
  away_.erase(m.id);
  members_.insert(id);
  ids_[id] = m.id;
  const auto effects = core_.join(id, m);
  REQUIRE(effects.ok());
  for (const auto& effect : *effects)
    REQUIRE_FALSE(std::holds_alternative<group_core::take>(effect));
  carry_out(*effects);
  for (const auto queue : its_own) {
    const auto& state = core_.queues().at(queue);
    REQUIRE((state.owner == id || state.kept_for == id));
  }
  // Another of the same holder takes its seat over, and it hears of each queue that it had.
  if (dice_->percent(50)) return;
  const auto next = member_id{++members_made_};
  const auto over = core_.join(next, m);
  REQUIRE(over.ok());
  members_.insert(next);
  ids_[next] = m.id;
  carry_out(*over);
  for (const auto& [queue, holder] : held_) REQUIRE(holder.member != id);
  forget_member(id);
}

void simulated_group::come_back() {
  if (away_.empty()) return;
  const auto id = member_id{++members_made_};
  group_core::member m;
  m.id = dice_->pick(away_).first;
  members_.insert(id);
  ids_[id] = m.id;
  std::erase_if(kept_, [&](const auto& row) { return row.second == m.id; });
  away_.erase(m.id);
  const auto effects = core_.join(id, m);
  REQUIRE(effects.ok());
  carry_out(*effects);
}

/// It was away too long, or somebody says so.
void simulated_group::give_up() {
  for (const auto member : members_)
    if (!ids_.at(member).empty()) REQUIRE(core_.grace_over(member).empty());
  if (away_.empty()) return;
  const auto [id, member] = dice_->pick(away_);
  std::erase_if(kept_, [&, seat = id](const auto& row) { return row.second == seat; });
  away_.erase(id);
  if (dice_->percent(50)) {
    carry_out(core_.grace_over(member));
    return;
  }
  const auto effects = core_.forget(ids_.at(member));
  REQUIRE(effects.ok());
  carry_out(*effects);
}

/// Everybody is away, and what seats were due is known.
void simulated_group::make_anew() {
  const auto seats = core_.seats();
  const auto queues = core_.queues();
  core_ = group_core{8};
  members_.clear();
  ids_.clear();
  away_.clear();
  kept_.clear();
  held_.clear();
  revoked_.clear();
  over_.clear();
  searches_.clear();
  failed_.clear();
  commits_.clear();
  asked_.clear();
  given_.clear();
  for (const auto& [queue, state] : queues) {
    std::optional<offset> committed;
    if (const auto at = log_.find(queue); at != log_.end()) committed = at->second;
    REQUIRE(core_.add_queue(state.info, committed).empty());
  }
  for (const auto& [id, its_own] : seats) {
    const auto member = member_id{++members_made_};
    group_core::member m;
    m.id = id;
    core_.restore(member, m, its_own);
    ids_[member] = id;
    away_[id] = member;
    for (const auto queue : its_own) kept_[queue] = id;
  }
  REQUIRE(core_.seats() == seats);
}

void simulated_group::forget_member(member_id id) {
  members_.erase(id);
  const auto gone = [id](const auto& row) { return row.second.member == id; };
  std::erase_if(revoked_, [&](const auto& row) { return held_.at(row.first).member == id; });
  std::erase_if(held_, gone);
  std::erase_if(failed_, gone);
}

void simulated_group::add_queue() {
  const auto queue = queue_id{++queues_made_};
  std::optional<offset> committed;
  if (dice_->percent(50)) committed = log_[queue] = offset{dice_->below(100)};
  carry_out(core_.add_queue({"t", queue_number{0}, queue}, committed));
}

void simulated_group::remove_queue() {
  if (core_.queues().empty()) return;
  const auto queue = dice_->pick(core_.queues()).first;
  const auto effects = core_.remove_queue(queue);
  searches_.erase(queue);
  failed_.erase(queue);
  kept_.erase(queue);
  carry_out(effects);
  REQUIRE_FALSE(held_.contains(queue));
}

void simulated_group::release() {
  // Mostly what was asked back, now and then something else.
  if (held_.empty() || (revoked_.empty() && !dice_->percent(20))) return;
  const auto queue = revoked_.empty() ? dice_->pick(held_).first : dice_->pick(revoked_).first;
  const auto holder = held_.at(queue);
  auto early = core_.release(holder.member, queue, generation{holder.owner.value + 1});
  REQUIRE(early.code() == errc::not_owner);
  auto effects = core_.release(holder.member, queue, holder.owner);
  REQUIRE(effects.ok());
  held_.erase(queue);
  if (revoked_.erase(queue) != 0) over_.emplace_back(queue, holder.owner);
  carry_out(*effects);
}

void simulated_group::deadline() {
  if (!over_.empty() && dice_->percent(30)) {
    const auto late = dice_->pick(over_);
    REQUIRE(core_.deadline(late.first, late.second).empty());
  }
  if (revoked_.empty()) return;
  const auto [queue, owner] = dice_->pick(revoked_);
  carry_out(core_.deadline(queue, owner));
  REQUIRE_FALSE(revoked_.contains(queue));
}

void simulated_group::commit() {
  if (held_.empty()) return;
  const auto [queue, holder] = dice_->pick(held_);
  const bool stale = dice_->percent(10);
  const auto owner = stale ? generation{holder.owner.value - 1} : holder.owner;
  const auto ok = core_.commit(holder.member, queue, owner);
  REQUIRE(ok.ok() == !stale);
  if (ok) commits_.push_back({queue, offset{dice_->below(100)}});
}

void simulated_group::finish_commit() {
  if (commits_.empty()) return;
  const auto done = commits_.front();
  commits_.erase(commits_.begin());
  const bool well = dice_->percent(80);
  if (well) log_[done.queue] = done.to;
  carry_out(core_.commit_done(done.queue, well ? std::optional{done.to} : std::nullopt));
}

void simulated_group::finish_search(bool well) {
  if (searches_.empty()) return;
  const auto [queue, wish] = dice_->pick(searches_);
  searches_.erase(queue);
  if (well) {
    log_[queue] = offset{dice_->below(100)};
    carry_out(core_.started(queue, wish.owner, log_.at(queue)));
    return;
  }
  const auto& state = core_.queues().at(queue);
  if (state.owner.value != 0) failed_[queue] = {state.owner, state.current};
  carry_out(core_.start_failed(queue, wish.owner));
}

void simulated_group::carry_out(const group_core::effects& effects) {
  std::set<member_id> revoked;
  for (const auto& effect : effects) {
    if (const auto* e = std::get_if<group_core::revoke>(&effect)) revoked.insert(e->member);
    std::visit([this](const auto& e) { on(e); }, effect);
  }
  check_moves(revoked);
}

void simulated_group::on(const group_core::assign& e) {
  // What was searched for under a generation is also given under it, once.
  REQUIRE(e.owner >= asked_[e.queue]);
  REQUIRE(e.owner > given_[e.queue]);
  given_[e.queue] = e.owner;
  REQUIRE(members_.contains(e.member));
  REQUIRE_FALSE(commits_in_flight(e.queue));
  REQUIRE_FALSE(searches_.contains(e.queue));
  REQUIRE(e.start == log_.at(e.queue));
  REQUIRE_FALSE(kept_.contains(e.queue));
  failed_.erase(e.queue);
  REQUIRE(held_.try_emplace(e.queue, holding{e.member, e.owner}).second);
}

void simulated_group::on(const group_core::revoke& e) {
  const auto& holder = held_.contains(e.queue) ? held_.at(e.queue) : failed_.at(e.queue);
  REQUIRE(holder.member == e.member);
  REQUIRE(holder.owner == e.owner);
  // Whoever was told that there is nothing to read there has it in a way, too.
  held_.try_emplace(e.queue, holder);
  failed_.erase(e.queue);
  REQUIRE(revoked_.try_emplace(e.queue, e.owner).second);
}

void simulated_group::on(const group_core::take& e) {
  if (auto at = held_.find(e.queue); at != held_.end()) {
    REQUIRE(at->second.member == e.member);
    REQUIRE(at->second.owner == e.owner);
    held_.erase(at);
  }
  revoked_.erase(e.queue);
}

void simulated_group::on(const group_core::find_start& e) {
  REQUIRE(e.owner > std::max(asked_[e.queue], given_[e.queue]));
  asked_[e.queue] = e.owner;
  REQUIRE(members_.contains(e.member));
  REQUIRE_FALSE(log_.contains(e.queue));
  REQUIRE_FALSE(kept_.contains(e.queue));
  REQUIRE_FALSE(commits_in_flight(e.queue));
  REQUIRE_FALSE(held_.contains(e.queue));
  failed_.erase(e.queue);
  REQUIRE(searches_.try_emplace(e.queue, e).second);
}

/// No member was asked for more than had to go: those who were asked keep at least the even share,
/// and exactly that only if the others who have more are as many as there are odd queues.
void simulated_group::check_moves(const std::set<member_id>& revoked) const {
  if (revoked.empty()) return;
  std::map<member_id, std::size_t> keeps;
  for (const auto member : members_) keeps[member] = 0;
  for (const auto& [queue, state] : core_.queues())
    if (state.owner.value != 0 && !state.revoking)
      ++keeps[state.owner];
    else if (members_.contains(state.kept_for))
      ++keeps[state.kept_for]; // It is given it when what was under way is over.
  const auto each = shared() / members_.size();
  const auto odd = shared() % members_.size();
  const auto more = static_cast<std::size_t>(std::count_if(
    keeps.begin(), keeps.end(), [each](const auto& row) { return row.second > each; }));
  for (const auto member : revoked) {
    REQUIRE(keeps.at(member) >= each);
    if (keeps.at(member) == each) REQUIRE(more >= odd);
  }
}

void simulated_group::check_states() const {
  REQUIRE(core_.members().size() == members_.size() + away_.size());
  for (const auto& [queue, state] : core_.queues()) {
    const auto held = held_.find(queue);
    if (held != held_.end()) {
      REQUIRE(held->second.member == state.owner);
      REQUIRE(held->second.owner == state.current);
    }
    REQUIRE(state.revoking == revoked_.contains(queue));
    REQUIRE((state.finding.value != 0) == searches_.contains(queue));
    // A queue that nobody owns waits for something that is under way.
    if (!members_.empty() && state.owner.value == 0 && !kept_.contains(queue))
      REQUIRE((commits_in_flight(queue) || searches_.contains(queue)));
  }
}

bool simulated_group::commits_in_flight(queue_id queue) const {
  return std::any_of(commits_.begin(), commits_.end(),
                     [queue](const auto& c) { return c.queue == queue; });
}

} // namespace carafe::test
