#include "actors/core/group_core.hpp"

#include "test/core/builders.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr member_id member_a{1};
constexpr member_id member_b{2};
constexpr member_id member_c{3};

group_core::queue_info info_of(std::uint64_t queue) {
  return {"orders", queue_number{static_cast<std::uint32_t>(queue)}, queue_id{queue}};
}

/// A group of `queues` queues (ids from 1 on) that have a committed offset of 10 times their id.
group_core group_with(std::uint64_t queues, std::uint32_t members_max = 10) {
  group_core group{members_max};
  for (std::uint64_t q = 1; q <= queues; ++q)
    CHECK(group.add_queue(info_of(q), offset{q * 10}).empty());
  return group;
}

template <class Effect>
std::vector<Effect> all(const group_core::effects& effects) {
  std::vector<Effect> out;
  for (const auto& effect : effects)
    if (const auto* e = std::get_if<Effect>(&effect)) out.push_back(*e);
  return out;
}

template <class Effect>
Effect only(const group_core::effects& effects) {
  REQUIRE(effects.size() == 1);
  REQUIRE(std::holds_alternative<Effect>(effects.front()));
  return std::get<Effect>(effects.front());
}

group_core::effects join(group_core& group, member_id id) {
  auto effects = group.join(id, {});
  REQUIRE(effects.ok());
  return *effects;
}

generation owner_of(const group_core& group, std::uint64_t queue) {
  return group.queues().at(queue_id{queue}).current;
}

} // namespace

TEST_CASE("The only member gets every queue, each at its committed offset") {
  auto group = group_with(3);
  const auto given = all<group_core::assign>(join(group, member_a));
  REQUIRE(given.size() == 3);
  std::set<generation> generations;
  for (const auto& assign : given) {
    CHECK(assign.member == member_a);
    CHECK(assign.start == offset{assign.queue.value * 10});
    generations.insert(assign.owner);
  }
  CHECK(generations.size() == 3);
  CHECK(group.owned_by(member_a) == 3);
}

TEST_CASE("A second member gets its share once it was given back, and nothing else moves") {
  auto group = group_with(4);
  join(group, member_a);
  const auto revokes = all<group_core::revoke>(join(group, member_b));
  REQUIRE(revokes.size() == 2);
  for (const auto& revoke : revokes) {
    CHECK(revoke.member == member_a);
    const auto effects = group.release(member_a, revoke.queue, revoke.owner);
    REQUIRE(effects.ok());
    const auto assign = only<group_core::assign>(*effects);
    CHECK(assign.member == member_b);
    CHECK(assign.queue == revoke.queue);
    CHECK(assign.owner > revoke.owner);
  }
  CHECK(group.owned_by(member_a) == 2);
  CHECK(group.owned_by(member_b) == 2);
}

TEST_CASE("A member beyond the number of queues waits without a queue") {
  auto group = group_with(1);
  join(group, member_a);
  CHECK(join(group, member_b).empty());
  CHECK(only<group_core::assign>(group.leave(member_a)).member == member_b);
}

TEST_CASE("A group has at most members_max members") {
  auto group = group_with(1, 2);
  join(group, member_a);
  join(group, member_b);
  CHECK(group.join(member_c, {}).code() == errc::too_many_members);
  group.leave(member_a);
  CHECK(group.join(member_c, {}).ok());
}

TEST_CASE("A queue that is not given back in time is taken") {
  auto group = group_with(2);
  join(group, member_a);
  const auto revoke = only<group_core::revoke>(join(group, member_b));
  const auto effects = group.deadline(revoke.queue, revoke.owner);
  REQUIRE(effects.size() == 2);
  CHECK(std::get<group_core::take>(effects[0]).member == member_a);
  CHECK(std::get<group_core::assign>(effects[1]).member == member_b);
  CHECK(group.release(member_a, revoke.queue, revoke.owner).code() == errc::not_owner);
  CHECK(group.commit(member_a, revoke.queue, revoke.owner).code() == errc::not_owner);
}

TEST_CASE("The deadline of a queue that was given back in time does nothing") {
  auto group = group_with(2);
  join(group, member_a);
  const auto revoke = only<group_core::revoke>(join(group, member_b));
  REQUIRE(group.release(member_a, revoke.queue, revoke.owner).ok());
  CHECK(group.deadline(revoke.queue, revoke.owner).empty());
  CHECK(group.deadline(queue_id{99}, revoke.owner).empty());
}

TEST_CASE("An owner may commit until the queue has left it") {
  auto group = group_with(2);
  join(group, member_a);
  const auto revoke = only<group_core::revoke>(join(group, member_b));
  CHECK(group.commit(member_b, revoke.queue, revoke.owner).code() == errc::not_owner);
  CHECK(group.commit(member_a, revoke.queue, generation{99}).code() == errc::not_owner);
  CHECK(group.commit(member_a, queue_id{99}, revoke.owner).code() == errc::not_owner);
  REQUIRE(group.commit(member_a, revoke.queue, revoke.owner).ok());
  CHECK(group.commit_done(revoke.queue, offset{77}).empty());
  const auto effects = group.release(member_a, revoke.queue, revoke.owner);
  REQUIRE(effects.ok());
  CHECK(only<group_core::assign>(*effects).start == offset{77});
}

TEST_CASE("A queue waits for its commits in flight before it goes to the next owner") {
  auto group = group_with(1);
  const auto first = only<group_core::assign>(join(group, member_a));
  REQUIRE(group.commit(member_a, first.queue, first.owner).ok());
  REQUIRE(group.commit(member_a, first.queue, first.owner).ok());
  join(group, member_b);
  CHECK(group.leave(member_a).empty());
  CHECK_FALSE(group.settled(first.queue));
  CHECK(group.commit_done(first.queue, offset{50}).empty());
  const auto next = only<group_core::assign>(group.commit_done(first.queue, std::nullopt));
  CHECK(next.member == member_b);
  CHECK(next.start == offset{50});
}

TEST_CASE("Without a committed offset the owner's wish is found and committed before it reads") {
  group_core group{10};
  group.add_queue(info_of(1), std::nullopt);
  group_core::member wish;
  wish.start.at = start_position::kind::latest;
  wish.out_of_range = range_policy::latest;
  const auto joined = group.join(member_a, wish);
  REQUIRE(joined.ok());
  const auto find = only<group_core::find_start>(*joined);
  CHECK(find.member == member_a);
  CHECK(find.start == wish.start);
  CHECK(find.out_of_range == range_policy::latest);
  CHECK(group.commit(member_a, find.queue, find.owner).code() == errc::not_owner);
  const auto assign = only<group_core::assign>(group.started(find.queue, find.owner, offset{42}));
  CHECK(assign.member == member_a);
  CHECK(assign.owner == find.owner);
  CHECK(assign.start == offset{42});
  CHECK(group.commit(member_a, find.queue, find.owner).ok());
}

TEST_CASE("A queue waits for a search for its start, also when its owner has gone meanwhile") {
  group_core group{10};
  group.add_queue(info_of(1), std::nullopt);
  const auto find = only<group_core::find_start>(join(group, member_a));
  join(group, member_b);
  CHECK(group.leave(member_a).empty());
  CHECK_FALSE(group.settled(find.queue));
  // A second search could commit another start in front of this one.
  const auto assign = only<group_core::assign>(group.started(find.queue, find.owner, offset{42}));
  CHECK(assign.member == member_b);
  CHECK(assign.owner > find.owner);
  CHECK(assign.start == offset{42});
}

TEST_CASE("After a failed search the queue stays with its owner, or goes to the next one") {
  group_core group{10};
  group.add_queue(info_of(1), std::nullopt);
  const auto find = only<group_core::find_start>(join(group, member_a));
  join(group, member_b);
  SECTION("its owner is still there") {
    CHECK(group.start_failed(find.queue, find.owner).empty());
    CHECK(group.queues().at(find.queue).owner == member_a);
    CHECK(only<group_core::find_start>(group.leave(member_a)).member == member_b);
  }
  SECTION("its owner has gone") {
    group.leave(member_a);
    const auto again = only<group_core::find_start>(group.start_failed(find.queue, find.owner));
    CHECK(again.member == member_b);
    CHECK(again.owner > find.owner);
  }
}

TEST_CASE("A search that is to be tried again is, for its owner or the next one") {
  group_core group{10};
  group.add_queue(info_of(1), std::nullopt);
  const auto find = only<group_core::find_start>(join(group, member_a));
  join(group, member_b);
  SECTION("its owner is still there") {
    const auto again = only<group_core::find_start>(group.start_again(find.queue, find.owner));
    CHECK(again.member == member_a);
    CHECK(again.owner == find.owner);
    CHECK(only<group_core::assign>(group.started(find.queue, find.owner, offset{4})).start ==
          offset{4});
    CHECK(group.start_again(find.queue, find.owner).empty());
  }
  SECTION("its owner has gone") {
    CHECK(group.leave(member_a).empty());
    const auto again = only<group_core::find_start>(group.start_again(find.queue, find.owner));
    CHECK(again.member == member_b);
    CHECK(again.owner > find.owner);
  }
  SECTION("the queue was removed") {
    group.remove_queue(find.queue);
    CHECK(group.start_again(find.queue, find.owner).empty());
  }
}

TEST_CASE("Of queues that nobody was told of, the surplus is taken silently, and first") {
  auto group = group_with(2);
  join(group, member_a);
  const auto first = only<group_core::find_start>(group.add_queue(info_of(0), std::nullopt));
  CHECK(join(group, member_b).empty());
  const auto second = only<group_core::assign>(group.started(first.queue, first.owner, offset{1}));
  CHECK(second.member == member_b);
  CHECK(group.owned_by(member_a) == 2);
}

TEST_CASE("A removed queue is taken from its owner and what comes late for it does nothing") {
  auto group = group_with(1);
  const auto assign = only<group_core::assign>(join(group, member_a));
  REQUIRE(group.commit(member_a, assign.queue, assign.owner).ok());
  CHECK(only<group_core::take>(group.remove_queue(assign.queue)).member == member_a);
  CHECK(group.commit_done(assign.queue, offset{1}).empty());
  CHECK(group.started(assign.queue, assign.owner, offset{1}).empty());
  CHECK(group.deadline(assign.queue, assign.owner).empty());
  CHECK(group.remove_queue(assign.queue).empty());
  CHECK(group.settled(assign.queue));
  CHECK(group.owned_by(member_a) == 0);
}

TEST_CASE("A queue that is added twice is there once") {
  auto group = group_with(1);
  join(group, member_a);
  CHECK(group.add_queue(info_of(1), offset{99}).empty());
  CHECK(group.queues().size() == 1);
}

TEST_CASE("A reset moves the committed offset of a queue that nobody owns") {
  auto group = group_with(1);
  const queue_id queue{1};
  REQUIRE(group.begin_reset(queue).ok());
  CHECK(group.begin_reset(queue).code() == errc::group_in_use);
  CHECK(group.end_reset(queue, offset{3}).empty());
  CHECK(only<group_core::assign>(join(group, member_a)).start == offset{3});
}

TEST_CASE("A reset takes a queue from its owner, who gets it again at the new place") {
  auto group = group_with(1);
  const auto before = only<group_core::assign>(join(group, member_a));
  const auto begun = group.begin_reset(before.queue);
  REQUIRE(begun.ok());
  CHECK(only<group_core::revoke>(*begun).member == member_a);
  CHECK_FALSE(group.may_reset(before.queue));
  REQUIRE(group.commit(member_a, before.queue, before.owner).ok());
  SECTION("when it has given it back") {
    CHECK(group.release(member_a, before.queue, before.owner)->empty());
  }
  SECTION("or has not in time") {
    CHECK(only<group_core::take>(group.deadline(before.queue, before.owner)).member == member_a);
  }
  CHECK_FALSE(group.may_reset(before.queue)); // Its commit would undo the reset's.
  CHECK(group.commit_done(before.queue, offset{50}).empty());
  CHECK(group.may_reset(before.queue));
  CHECK(only<group_core::assign>(group.end_reset(before.queue, offset{3})).start == offset{3});
}

TEST_CASE("A member that joins during a reset gets the queue when it has ended") {
  auto group = group_with(1);
  const queue_id queue{1};
  const auto before = only<group_core::assign>(join(group, member_a)).start;
  group.leave(member_a);
  REQUIRE(group.begin_reset(queue).ok());
  CHECK(join(group, member_b).empty());
  SECTION("from where it was moved to") {
    CHECK(only<group_core::assign>(group.end_reset(queue, offset{3})).start == offset{3});
  }
  SECTION("from where it was, if it failed") {
    CHECK(only<group_core::assign>(group.end_reset(queue, std::nullopt)).start == before);
  }
  SECTION("or never, if its topic is deleted") {
    CHECK(group.remove_queue(queue).empty());
    CHECK(group.end_reset(queue, offset{3}).empty());
  }
}

TEST_CASE("A reset can tell that a former owner's commit is still under way") {
  auto group = group_with(1);
  const auto first = only<group_core::assign>(join(group, member_a));
  REQUIRE(group.commit(member_a, first.queue, first.owner).ok());
  group.leave(member_a);
  REQUIRE(group.begin_reset(first.queue).ok());
  CHECK_FALSE(group.settled(first.queue));
  CHECK(group.commit_done(first.queue, offset{50}).empty());
  CHECK(group.settled(first.queue));
}

TEST_CASE("A queue that its owner gives back unasked is given out again under a new generation") {
  auto group = group_with(1);
  join(group, member_a);
  const auto before = owner_of(group, 1);
  const auto effects = group.release(member_a, queue_id{1}, before);
  REQUIRE(effects.ok());
  const auto assign = only<group_core::assign>(*effects);
  CHECK(assign.member == member_a);
  CHECK(assign.owner > before);
}

namespace {

group_core::member with_id(std::string id, std::uint64_t holder = 0) {
  group_core::member m;
  m.id = std::move(id);
  m.holder = holder;
  m.address = "10.0.0.1:4711";
  return m;
}

std::set<std::uint64_t> queues_of(const group_core& group, member_id member) {
  std::set<std::uint64_t> out;
  for (const auto& [queue, state] : group.queues())
    if (state.owner == member || state.kept_for == member) out.insert(queue.value);
  return out;
}

} // namespace

TEST_CASE("a member with an id has its queues back, and nobody else's move") {
  auto group = group_with(5);
  REQUIRE(group.join(member_a, with_id("a")).ok());
  const auto first = join(group, member_b);
  for (const auto& e : all<group_core::revoke>(first))
    REQUIRE(group.release(member_a, e.queue, e.owner).ok());
  const auto had = queues_of(group, member_a), others = queues_of(group, member_b);
  CHECK(had.size() == 3);
  CHECK(group.leave(member_a).empty());
  CHECK(queues_of(group, member_a) == had);
  CHECK(group.owned_by(member_a) == 3);
  CHECK(group.commit(member_a, queue_id{*had.begin()}, owner_of(group, *had.begin())).code() ==
        errc::not_owner);
  const auto back = group.join(member_c, with_id("a"));
  REQUIRE(back.ok());
  CHECK(all<group_core::assign>(*back).size() == 3);
  CHECK(back->size() == 3);
  CHECK(queues_of(group, member_c) == had);
  CHECK(queues_of(group, member_b) == others);
  CHECK(group.members().size() == 2);
}

TEST_CASE("queues of a member that stays away go to the others, once") {
  auto group = group_with(4);
  REQUIRE(group.join(member_a, with_id("a")).ok());
  CHECK(group.grace_over(member_a).empty());
  CHECK(group.leave(member_a).empty());
  CHECK(join(group, member_b).empty());
  const auto given = group.grace_over(member_a);
  CHECK(all<group_core::assign>(given).size() == 4);
  CHECK(group.grace_over(member_a).empty());
  CHECK(group.seats().empty());
  CHECK(group.forget("a").code() == errc::not_found);
}

TEST_CASE("a seat has one member: the same holder follows at once, another is refused") {
  auto group = group_with(2);
  REQUIRE(group.join(member_a, with_id("a", 7)).ok());
  const auto refused = group.join(member_b, with_id("a", 8));
  CHECK(refused.code() == errc::name_in_use);
  CHECK(refused.error().detail.find("10.0.0.1:4711") != std::string::npos);
  CHECK(group.forget("a").code() == errc::name_in_use);
  const auto commit = group.commit(member_a, queue_id{1}, owner_of(group, 1));
  CHECK(commit.ok());
  const auto over = group.join(member_c, with_id("a", 7));
  REQUIRE(over.ok());
  CHECK(all<group_core::take>(*over).size() == 2);
  CHECK(all<group_core::take>(*over)[0].member == member_a);
  // What is being committed is waited for.
  CHECK(all<group_core::assign>(*over).size() == 1);
  const auto rest = group.commit_done(queue_id{1}, offset{15});
  CHECK(only<group_core::assign>(rest).start == offset{15});
  CHECK(only<group_core::assign>(rest).member == member_c);
  CHECK(group.leave(member_a).empty());
  CHECK(group.seats() ==
        std::map<std::string, std::vector<queue_id>>{{"a", {queue_id{1}, queue_id{2}}}});
}

TEST_CASE("seats outlast the group's actor; queues that went meanwhile are nobody's") {
  auto group = group_with(3);
  group.restore(member_a, with_id("a"), {queue_id{1}, queue_id{9}});
  group.restore(member_b, with_id("b"), {queue_id{1}, queue_id{2}});
  CHECK(queues_of(group, member_a) == std::set<std::uint64_t>{1});
  CHECK(queues_of(group, member_b) == std::set<std::uint64_t>{2});
  CHECK(only<group_core::assign>(join(group, member_c)).queue == queue_id{3});
  const auto freed = group.forget("b");
  REQUIRE(freed.ok());
  CHECK(only<group_core::assign>(*freed).queue == queue_id{2});
}
