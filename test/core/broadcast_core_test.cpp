#include "actors/core/broadcast_core.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::core;

namespace {

using core_t = broadcast_core;

constexpr member_id member_a{1};
constexpr member_id member_b{2};
constexpr group_id desk{50};
constexpr start_position latest{start_position::kind::latest, {}, {}};

start_position at(std::uint64_t where) {
  return {start_position::kind::at_offset, offset{where}, {}};
}

/// Queues 1 to `queues`.
core_t group_with(std::uint64_t queues, std::uint32_t members_max = 10) {
  core_t group{members_max};
  for (std::uint64_t q = 1; q <= queues; ++q)
    CHECK(group.add_queue({"t", queue_number{0}, queue_id{q}}).empty());
  return group;
}

core_t::member named(const std::string& name, std::uint64_t holder = 0) {
  core_t::member m;
  m.client = "client";
  m.address = "there:1";
  m.start = latest;
  m.consumer = name;
  m.holder = holder;
  return m;
}

core_t::effects join(core_t& group, member_id id, core_t::member m) {
  auto effects = group.join(id, std::move(m));
  REQUIRE(effects.ok());
  return *effects;
}

template <class Effect>
std::vector<Effect> all(const core_t::effects& effects) {
  std::vector<Effect> out;
  for (const auto& effect : effects)
    if (const auto* e = std::get_if<Effect>(&effect)) out.push_back(*e);
  return out;
}

template <class Effect>
Effect only(const core_t::effects& effects) {
  REQUIRE(effects.size() == 1);
  REQUIRE(std::holds_alternative<Effect>(effects.front()));
  return std::get<Effect>(effects.front());
}

} // namespace

TEST_CASE("Every member of a broadcast group reads every queue") {
  auto group = group_with(3);
  for (const auto member : {member_a, member_b}) {
    const auto given = all<core_t::assign>(join(group, member, named("")));
    REQUIRE(given.size() == 3);
    for (const auto& assign : given) {
      CHECK(assign.member == member);
      CHECK(assign.start == latest);
    }
    CHECK(group.read_by(member) == 3);
  }
}

TEST_CASE("A queue that comes later is read from its beginning by who is there") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  join(group, member_a, named(""));
  CHECK(only<core_t::assign>(join(group, member_b, named("desk"))).start == at(7));
  const auto effects = group.add_queue({"t", queue_number{1}, queue_id{60}});
  REQUIRE(effects.size() == 2);
  CHECK(std::get<core_t::assign>(effects[0]).start == start_position{});
  CHECK(std::get<core_t::find_start>(effects[1]).start == start_position{});
}

TEST_CASE("A named consumer that was away reads younger queues from their beginning") {
  auto group = group_with(1);
  group.add_queue({"t", queue_number{1}, queue_id{60}});
  group.put_consumer({desk, "desk", unix_ms{1}}, {});
  const auto asked = all<core_t::find_start>(join(group, member_a, named("desk")));
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].start == latest);
  CHECK(asked[1].queue == queue_id{60});
  CHECK(asked[1].start == start_position{});
}

TEST_CASE("A named consumer begins where it has committed, or commits where it begins") {
  auto group = group_with(2);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  const auto effects = join(group, member_a, named("desk"));
  REQUIRE(effects.size() == 2);
  CHECK(std::get<core_t::assign>(effects[0]).start == at(7));
  const auto asked = std::get<core_t::find_start>(effects[1]);
  CHECK(asked.consumer == desk);
  CHECK(group.commit(member_a, queue_id{2}, asked.owner).code() == errc::not_owner);
  CHECK(group.searching(desk, queue_id{2}, asked.owner));
  const auto given = only<core_t::assign>(group.started(desk, queue_id{2}, asked.owner, offset{3}));
  CHECK(given.start == at(3));
  CHECK(given.owner == asked.owner);
  CHECK(group.started(desk, queue_id{2}, asked.owner, offset{4}).empty());
  CHECK(*group.consumers().at(desk).places.at(queue_id{2}).committed == offset{3});
}

TEST_CASE("A name has one member at a time, and the refusal says who has it") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {});
  join(group, member_a, named("desk", 5));
  for (const auto holder : {std::uint64_t{0}, std::uint64_t{6}}) {
    const auto refused = group.join(member_b, named("desk", holder));
    REQUIRE(refused.code() == errc::name_in_use);
    CHECK(refused.error().detail == "desk is with client at there:1");
  }
  CHECK(group.join(member_b, named("counter")).code() == errc::not_found);
  group.leave(member_a);
  CHECK(group.join(member_b, named("desk")).ok());
}

TEST_CASE("Who joins again has its own name back before the old connection is known to be gone") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  const auto mine = only<core_t::assign>(join(group, member_a, named("desk", 5)));
  const auto effects = join(group, member_b, named("desk", 5));
  REQUIRE(effects.size() == 2);
  CHECK(std::get<core_t::take>(effects[0]).member == member_a);
  CHECK(std::get<core_t::assign>(effects[1]).member == member_b);
  CHECK(group.commit(member_a, queue_id{1}, mine.owner).code() == errc::not_owner);
  group.leave(member_a); // The old connection's end comes late, and changes nothing.
  CHECK(group.consumers().at(desk).member == member_b);
}

TEST_CASE("A name's next member waits for the commits of the one before") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  const auto mine = only<core_t::assign>(join(group, member_a, named("desk")));
  CHECK(*group.commit(member_a, queue_id{1}, mine.owner) == desk);
  group.leave(member_a);
  CHECK(join(group, member_b, named("desk")).empty());
  CHECK(only<core_t::assign>(group.commit_done(desk, queue_id{1}, offset{9})).start == at(9));
}

TEST_CASE("A consumer without a name commits nothing") {
  auto group = group_with(1);
  const auto mine = only<core_t::assign>(join(group, member_a, named("")));
  CHECK(group.commit(member_a, queue_id{1}, mine.owner).code() == errc::unsupported);
}

TEST_CASE("A start that is not found leaves its consumer idle until it commits and releases") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {});
  const auto asked = only<core_t::find_start>(join(group, member_a, named("desk")));
  const auto again = only<core_t::find_start>(group.start_again(desk, queue_id{1}, asked.owner));
  CHECK(again.owner > asked.owner);
  CHECK(group.start_again(desk, queue_id{1}, asked.owner).empty());
  CHECK(group.start_failed(desk, queue_id{1}, again.owner).empty());
  CHECK(group.read_by(member_a) == 0);
  CHECK(group.commit(member_a, queue_id{1}, again.owner).ok());
  CHECK(group.commit_done(desk, queue_id{1}, offset{4}).empty());
  auto given = group.release(member_a, queue_id{1}, again.owner);
  REQUIRE(given.ok());
  CHECK(only<core_t::assign>(*given).start == at(4));
}

TEST_CASE("A reset asks a consumer for its queue, which it has again at the new place") {
  auto group = group_with(2);
  group.put_consumer({desk, "desk", unix_ms{1}},
                     {{queue_id{1}, offset{7}}, {queue_id{2}, offset{3}}});
  const auto had = all<core_t::assign>(join(group, member_a, named("desk"))).at(0);
  const auto asked = group.begin_reset(desk, queue_id{1});
  REQUIRE(asked.ok());
  CHECK(only<core_t::revoke>(*asked).owner == had.owner);
  CHECK_FALSE(group.may_reset(desk, queue_id{1}));
  // What it has done is committed before it gives the queue back.
  REQUIRE(group.commit(member_a, queue_id{1}, had.owner).ok());
  REQUIRE(group.release(member_a, queue_id{1}, had.owner).value().empty());
  CHECK_FALSE(group.may_reset(desk, queue_id{1}));
  CHECK(group.commit_done(desk, queue_id{1}, offset{9}).empty());
  REQUIRE(group.may_reset(desk, queue_id{1}));
  CHECK(group.deadline(queue_id{1}, had.owner).empty());
  const auto given = only<core_t::assign>(group.end_reset(desk, queue_id{1}, offset{2}));
  CHECK(given.start == at(2));
  CHECK(given.owner > had.owner);
  CHECK(group.read_by(member_a) == 2);
}

TEST_CASE("A consumer that does not give its queue back loses it when its time is over") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  const auto had = only<core_t::assign>(join(group, member_a, named("desk")));
  REQUIRE(group.begin_reset(desk, queue_id{1}).ok());
  CHECK(only<core_t::take>(group.deadline(queue_id{1}, had.owner)).member == member_a);
  CHECK(group.commit(member_a, queue_id{1}, had.owner).code() == errc::not_owner);
  REQUIRE(group.may_reset(desk, queue_id{1}));
  CHECK(only<core_t::assign>(group.end_reset(desk, queue_id{1}, offset{2})).start == at(2));
}

TEST_CASE("A reset waits for a start that is being looked for, which counts no more") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {});
  const auto asked = only<core_t::find_start>(join(group, member_a, named("desk")));
  REQUIRE(group.begin_reset(desk, queue_id{1}).value().empty());
  CHECK_FALSE(group.may_reset(desk, queue_id{1}));
  CHECK(group.started(desk, queue_id{1}, asked.owner, offset{4}).empty());
  REQUIRE(group.may_reset(desk, queue_id{1}));
  CHECK(only<core_t::assign>(group.end_reset(desk, queue_id{1}, offset{2})).start == at(2));
}

TEST_CASE("A reset moves what nobody reads under the name, and who joins meanwhile waits for it") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  REQUIRE(group.begin_reset(desk, queue_id{1}).ok());
  CHECK(group.begin_reset(desk, queue_id{1}).code() == errc::group_in_use);
  CHECK(group.begin_forget("desk").code() == errc::group_in_use);
  CHECK(join(group, member_b, named("desk")).empty());
  CHECK(only<core_t::assign>(group.end_reset(desk, queue_id{1}, offset{2})).start == at(2));
}

TEST_CASE("A forgotten name is nobody's, unless forgetting it failed") {
  auto group = group_with(1);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}});
  join(group, member_a, named("desk"));
  CHECK(group.begin_forget("desk").code() == errc::name_in_use);
  CHECK(group.begin_forget("counter").code() == errc::not_found);
  group.leave(member_a);
  CHECK(*group.begin_forget("desk") == desk);
  CHECK(group.join(member_a, named("desk")).code() == errc::not_found);
  group.put_consumer({desk, "desk", unix_ms{1}}, {});
  CHECK(only<core_t::assign>(join(group, member_a, named("desk"))).start == at(7));
  group.leave(member_a);
  REQUIRE(group.begin_forget("desk").ok());
  group.forgotten(desk);
  CHECK(group.consumers().empty());
  CHECK(group.commit_done(desk, queue_id{1}, offset{9}).empty());
}

TEST_CASE("A queue that goes is taken from everybody, with what was committed on it") {
  auto group = group_with(2);
  group.put_consumer({desk, "desk", unix_ms{1}}, {{queue_id{1}, offset{7}}, {queue_id{2}, {}}});
  join(group, member_a, named("desk"));
  join(group, member_b, named(""));
  CHECK(all<core_t::take>(group.remove_queue(queue_id{1})).size() == 2);
  CHECK(group.consumers().at(desk).places.size() == 1);
  CHECK(group.read_by(member_b) == 1);
}

TEST_CASE("A broadcast group has at most members_max members") {
  auto group = group_with(1, 1);
  join(group, member_a, named(""));
  CHECK(group.join(member_b, named("")).code() == errc::too_many_members);
}
