#include "actors/core/broadcast_core.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

/// A group with named and unnamed members that come, go and come back, commits and searches that
/// take their time, and a log that holds what was committed.
class simulated_broadcast {
public:
  explicit simulated_broadcast(dice& d) : dice_(&d) {
    for (std::uint64_t n = 0; n < 4; ++n) put(n);
  }

  void step() {
    switch (dice_->below(12)) {
    case 0:
    case 1:
    case 2:
      return join();
    case 3:
      return leave();
    case 4:
      return add_queue();
    case 5:
      return dice_->percent(20) ? remove_queue() : forget();
    case 6:
    case 7:
      return commit();
    case 8:
      return reset();
    case 9:
      return dice_->percent(30) ? release() : finish_reset();
    case 10:
      return dice_->percent(70) ? finish_commit() : give_back();
    default:
      return finish_search(dice_->percent(70));
    }
  }

  /// Lets everything under way end; then every member reads every queue, or knows why not.
  void settle() {
    while (!searches_.empty() || !commits_.empty() || !resets_.empty()) {
      finish_search(true);
      finish_commit();
      give_back();
      finish_reset();
    }
    for (const auto& [id, m] : core_.members())
      for (const auto& [queue, info] : core_.queues())
        REQUIRE((held_.contains({id, queue}) || failed_.contains({id, queue})));
  }

private:
  using place = std::pair<group_id, queue_id>;
  using seat = std::pair<member_id, queue_id>;
  struct commit_under_way {
    place where;
    offset to;
  };

  static group_id id_of(std::uint64_t name) { return group_id{1'000 + name}; }
  void put(std::uint64_t name) {
    core_.put_consumer({id_of(name), "n" + std::to_string(name), unix_ms{1}}, {});
  }

  void join() {
    const auto id = member_id{++members_made_};
    broadcast_core::member m;
    const auto name = dice_->below(6);
    if (name < 4) m.consumer = "n" + std::to_string(name);
    m.holder = dice_->below(3);
    auto effects = core_.join(id, m);
    if (effects) return carry_out(*effects);
    REQUIRE((effects.code() == errc::too_many_members || effects.code() == errc::name_in_use));
  }
  void leave() {
    if (core_.members().empty()) return;
    const auto id = dice_->pick(core_.members()).first;
    std::erase_if(held_, [id](const auto& row) { return row.first.first == id; });
    std::erase_if(failed_, [id](const auto& at) { return at.first == id; });
    std::erase_if(asked_back_, [id](const auto& row) { return row.first.first == id; });
    core_.leave(id);
  }
  void add_queue() {
    if (core_.queues().size() > 8) return;
    // Ids on both sides of the names'.
    const auto queue = queue_id{dice_->percent(50) ? ++queues_made_ : 5'000 + ++queues_made_};
    carry_out(core_.add_queue({"t", queue_number{0}, queue}));
  }
  void remove_queue() {
    if (core_.queues().empty()) return;
    const auto queue = dice_->pick(core_.queues()).first;
    const auto effects = core_.remove_queue(queue);
    std::erase_if(searches_, [queue](const auto& row) { return row.first.second == queue; });
    std::erase_if(failed_, [queue](const auto& at) { return at.second == queue; });
    std::erase_if(log_, [queue](const auto& row) { return row.first.second == queue; });
    std::erase_if(resets_, [queue](const auto& at) { return at.second == queue; });
    gone_.insert(queue);
    carry_out(effects);
    for (const auto& [at, owner] : held_) REQUIRE(at.second != queue);
  }
  void release() {
    if (held_.empty()) return;
    const auto [at, owner] = dice_->pick(held_);
    release(at, owner);
  }
  void release(const seat& at, generation owner) {
    held_.erase(at);
    failed_.erase(at);
    asked_back_.erase(at);
    auto effects = core_.release(at.first, at.second, owner);
    REQUIRE(effects.ok());
    carry_out(*effects);
  }
  /// What was asked for, or its time is over.
  void give_back() {
    if (asked_back_.empty()) return;
    const auto [at, owner] = dice_->pick(asked_back_);
    if (dice_->percent(50)) return release(at, owner);
    const auto taken = core_.deadline(at.second, owner);
    REQUIRE(std::holds_alternative<broadcast_core::take>(taken.at(0)));
    carry_out(taken);
    REQUIRE(core_.deadline(at.second, owner).empty());
    REQUIRE_FALSE(asked_back_.contains(at));
  }
  void commit() {
    if (held_.empty()) return;
    const auto [at, owner] = dice_->pick(held_);
    REQUIRE(core_.commit(at.first, at.second, generation{owner.value + 1}).code() ==
            errc::not_owner);
    const auto consumer = core_.commit(at.first, at.second, owner);
    const auto named = core_.members().at(at.first).consumer;
    REQUIRE(consumer.ok() == (named.value != 0));
    if (!consumer) return;
    REQUIRE(*consumer == named);
    commits_.push_back({{*consumer, at.second}, offset{dice_->below(100)}});
  }
  void finish_commit() {
    if (commits_.empty()) return;
    const auto done = commits_.front();
    commits_.erase(commits_.begin());
    const bool well = dice_->percent(80) && !gone_.contains(done.where.second);
    if (well) log_[done.where] = done.to;
    carry_out(core_.commit_done(done.where.first, done.where.second,
                                well ? std::optional{done.to} : std::nullopt));
  }
  void finish_search(bool well) {
    if (searches_.empty()) return;
    const auto [where, wish] = dice_->pick(searches_);
    REQUIRE(core_.searching(where.first, where.second, wish.owner));
    searches_.erase(where);
    if (well) {
      log_[where] = offset{dice_->below(100)};
      return carry_out(core_.started(where.first, where.second, wish.owner, log_.at(where)));
    }
    const auto at = core_.members().find(wish.member);
    if (at != core_.members().end() && at->second.seats.at(where.second).current == wish.owner)
      failed_.insert({wish.member, where.second});
    carry_out(core_.start_failed(where.first, where.second, wish.owner));
  }
  void reset() {
    if (core_.queues().empty()) return;
    const auto where = place{id_of(dice_->below(4)), dice_->pick(core_.queues()).first};
    const auto asked = core_.begin_reset(where.first, where.second);
    REQUIRE(asked.ok() == !resets_.contains(where));
    if (!asked) return;
    resets_.insert(where);
    carry_out(*asked);
  }
  void finish_reset() {
    for (const auto& where : resets_) {
      if (!core_.may_reset(where.first, where.second)) continue;
      REQUIRE_FALSE(under_way(where));
      const auto reader = core_.consumers().at(where.first).member;
      REQUIRE_FALSE(held_.contains({reader, where.second}));
      const auto here = where;
      resets_.erase(here);
      log_[here] = offset{dice_->below(100)};
      return carry_out(core_.end_reset(here.first, here.second, log_.at(here)));
    }
  }
  void forget() {
    const auto name = dice_->below(4);
    const auto ended = core_.begin_forget("n" + std::to_string(name));
    if (!ended) return;
    const auto of_it = [&](const place& where) { return where.first == *ended; };
    REQUIRE(core_.consumers().at(*ended).member.value == 0);
    std::erase_if(searches_, [&](const auto& row) { return of_it(row.first); });
    std::erase_if(log_, [&](const auto& row) { return of_it(row.first); });
    std::erase_if(commits_, [&](const auto& row) { return of_it(row.where); });
    core_.forgotten(*ended);
    put(name);
  }

  void carry_out(const broadcast_core::effects& effects) {
    for (const auto& effect : effects) std::visit([this](const auto& e) { on(e); }, effect);
    check_names();
  }
  void on(const broadcast_core::assign& e) {
    const auto named = core_.members().at(e.member).consumer;
    failed_.erase({e.member, e.queue});
    REQUIRE(held_.try_emplace({e.member, e.queue}, e.owner).second);
    if (named.value == 0) return;
    const auto where = place{named, e.queue};
    REQUIRE_FALSE(under_way(where));
    REQUIRE_FALSE(resets_.contains(where));
    REQUIRE(e.start == start_position{start_position::kind::at_offset, log_.at(where), {}});
  }
  void on(const broadcast_core::revoke& e) {
    const auto at = seat{e.member, e.queue};
    REQUIRE((held_.contains(at) ? held_.at(at) == e.owner : failed_.contains(at)));
    REQUIRE(asked_back_.try_emplace(at, e.owner).second);
  }
  void on(const broadcast_core::take& e) {
    const auto at = seat{e.member, e.queue};
    asked_back_.erase(at);
    if (held_.contains(at)) REQUIRE(held_.at(at) == e.owner);
    held_.erase(at);
    failed_.erase(at);
  }
  void on(const broadcast_core::find_start& e) {
    const auto where = place{e.consumer, e.queue};
    REQUIRE_FALSE(under_way(where));
    REQUIRE_FALSE(resets_.contains(where));
    REQUIRE_FALSE(log_.contains(where));
    REQUIRE(core_.members().at(e.member).consumer == e.consumer);
    failed_.erase({e.member, e.queue});
    REQUIRE(searches_.try_emplace(where, e).second);
  }

  void check_names() const {
    std::set<group_id> used;
    for (const auto& [id, m] : core_.members()) {
      if (m.consumer.value == 0) continue;
      REQUIRE(used.insert(m.consumer).second);
      REQUIRE(core_.consumers().at(m.consumer).member == id);
    }
    for (const auto& [at, owner] : held_)
      REQUIRE(core_.members().at(at.first).seats.at(at.second).current == owner);
  }
  [[nodiscard]] bool under_way(const place& where) const {
    return searches_.contains(where) ||
           std::any_of(commits_.begin(), commits_.end(),
                       [&](const auto& c) { return c.where == where; });
  }

  dice* dice_;
  broadcast_core core_{7};
  std::uint64_t members_made_ = 0;
  std::uint64_t queues_made_ = 0;
  /// What members read, as they know it.
  std::map<seat, generation> held_;
  /// Of which they know that no start was found.
  std::set<seat> failed_;
  std::map<place, broadcast_core::find_start> searches_;
  std::vector<commit_under_way> commits_;
  std::set<place> resets_;
  std::map<seat, generation> asked_back_;
  std::set<queue_id> gone_;
  std::map<place, offset> log_;
};

} // namespace

TEST_CASE("A name has one member, which begins where the log says once nothing is under way") {
  with_seeds(100, [](dice& d) {
    simulated_broadcast group{d};
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 200; ++i) group.step();
      group.settle();
    }
  });
}
