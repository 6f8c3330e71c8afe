#include "test/actors/requests.hpp"

#include <map>
#include <set>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

/// Its clients may be silent for as long as members may be away.
struct patient_rig : rig {
  patient_rig() {
    crash(false);
    session_settings.idle_timeout_ms = 600'000;
    start();
  }
};

frames::join joining_as(const std::string& id, std::uint64_t holder = 0) {
  auto out = joining("g", "t");
  out.member_id = id;
  out.holder = holder;
  return out;
}

/// A consumer that obeys.
struct consumer {
  rig::client* c;
  frames::joined in;
  std::map<std::uint32_t, frames::assigned> mine = {};
  /// How often a queue was to be given back, or was taken.
  int revocations = 0;

  consumer(rig::client& client, const frames::join& wish) : c(&client) {
    auto joined = c->ask<frames::joined>(wish);
    REQUIRE(joined.ok());
    in = *joined;
    obey();
  }

  void obey() {
    for (bool more = true; std::exchange(more, false);) {
      c->owner->settle();
      while (auto got = c->take<frames::assigned>()) mine.insert_or_assign(got->number.value, *got);
      while (auto back = c->take<frames::revoked>()) {
        ++revocations;
        more = true;
        std::erase_if(mine, [&](const auto& row) { return row.second.owner == back->owner; });
        if (back->deadline_ms != 0)
          CHECK(c->ask<frames::ok>(frames::release{in.member, back->queue, back->owner}).ok());
      }
    }
  }

  [[nodiscard]] std::set<std::uint32_t> queues() const {
    std::set<std::uint32_t> out;
    for (const auto& [number, assigned] : mine) out.insert(number);
    return out;
  }
};

frames::group_description describe(rig::client& c) {
  auto told = c.ask<frames::group_description>(frames::group_describe{"g"});
  REQUIRE(told.ok());
  return *told;
}

std::set<std::uint32_t> together(const consumer& a, const consumer& b) {
  auto out = a.queues();
  for (const auto queue : b.queues()) CHECK(out.insert(queue).second);
  return out;
}

} // namespace

TEST_CASE("member: a consumer with an id has its queues back, and nobody else's move") {
  patient_rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  make_topic(admin, "t", 5);
  consumer a{one, joining_as("desk-1")}, b{two, joining("g", "t")};
  a.obey();
  b.obey();
  const auto had = a.queues(), others = b.queues();
  CHECK(together(a, b).size() == 5);
  const auto committed =
    one.ask<frames::ok>(committing(a.in.member, a.mine.begin()->second, offset{0}));
  CHECK(committed.ok());
  one.disconnect();
  r.pass(44s);
  b.obey();
  CHECK(b.queues() == others);
  auto told = describe(admin);
  REQUIRE(told.members.size() == 2);
  const auto& away = told.members[0].id.empty() ? told.members[1] : told.members[0];
  CHECK(away.id == "desk-1");
  CHECK(away.member.value == 0);
  CHECK(away.queues == had.size());
  REQUIRE(away.kept_until);
  CHECK(away.kept_until->value > r.clocks->wall().value);
  CHECK(away.kept_until->value <= r.clocks->wall().value + 1'000);
  rig::client again{r, "one"};
  consumer back{again, joining_as("desk-1")};
  b.obey();
  CHECK(back.queues() == had);
  CHECK(b.queues() == others);
  CHECK(b.revocations == 0);
  for (const auto& member : describe(admin).members) CHECK_FALSE(member.kept_until);
}

TEST_CASE("member: after its while, or when it is forgotten, others get the queues") {
  patient_rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  make_topic(admin, "t", 4);
  consumer b{two, joining("g", "t")};
  consumer a{one, joining_as("desk-1")};
  b.obey();
  a.obey();
  CHECK(a.queues().size() == 2);
  // Also who leaves in good order.
  CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  r.pass(44s);
  b.obey();
  CHECK(b.queues().size() == 2);
  r.pass(2s);
  b.obey();
  CHECK(b.queues().size() == 4);
  CHECK(describe(admin).members.size() == 1);
  consumer back{one, joining_as("desk-1")};
  b.obey();
  back.obey();
  CHECK(back.queues().size() == 2);
  CHECK(admin.ask<frames::ok>(frames::group_forget{"g", "desk-1"}).code() == errc::name_in_use);
  one.disconnect();
  CHECK(admin.ask<frames::ok>(frames::group_forget{"g", "desk-2"}).code() == errc::not_found);
  CHECK(admin.ask<frames::ok>(frames::group_forget{"g", "desk-1"}).ok());
  b.obey();
  CHECK(b.queues().size() == 4);
}

TEST_CASE("member: the same holder takes its seat over at once, another is refused") {
  patient_rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"}, other{r, "other"};
  make_topic(admin, "t", 3);
  consumer a{one, joining_as("desk-1", 77)};
  CHECK(a.queues().size() == 3);
  const auto refused = other.ask<frames::joined>(joining_as("desk-1", 78));
  CHECK(refused.code() == errc::name_in_use);
  CHECK(refused.error().detail.find("127.0.0.1:40000") != std::string::npos);
  consumer b{two, joining_as("desk-1", 77)};
  CHECK(b.queues().size() == 3);
  a.obey();
  CHECK(a.queues().empty());
  CHECK(a.revocations == 3);
  const auto& mine = b.mine.begin()->second;
  CHECK(one.ask<frames::ok>(committing(a.in.member, mine, offset{0})).code() == errc::not_owner);
  CHECK(two.ask<frames::ok>(committing(b.in.member, mine, offset{0})).ok());
  // That the old connection ends now changes nothing.
  one.disconnect();
  r.pass(46s);
  b.obey();
  CHECK(b.queues().size() == 3);
  CHECK(other.ask<frames::joined>(joining_as("-no")).code() == errc::invalid_argument);
}

TEST_CASE("member: after kill -9 everybody has the queues they had, in whatever order they come") {
  patient_rig r;
  std::set<std::uint32_t> of_one, of_two;
  {
    rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
    make_topic(admin, "t", 7);
    consumer a{one, joining_as("desk-1")}, b{two, joining_as("desk-2")};
    a.obey();
    b.obey();
    of_one = a.queues();
    of_two = b.queues();
    CHECK(together(a, b).size() == 7);
  }
  r.crash(true);
  r.start();
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"}, three{r, "three"};
  consumer b{two, joining_as("desk-2")};
  CHECK(b.queues() == of_two);
  consumer c{three, joining("g", "t")};
  b.obey();
  r.pass(1s);
  consumer a{one, joining_as("desk-1")};
  // Who came in between is due its share, and nobody had to wait for it.
  a.obey();
  b.obey();
  c.obey();
  for (const auto queue : a.queues()) CHECK(of_one.contains(queue));
  for (const auto queue : b.queues()) CHECK(of_two.contains(queue));
  CHECK(together(a, b).size() + c.queues().size() == 7);
  CHECK(c.queues().size() >= 2);
}

TEST_CASE("member: after a restart the while begins anew, and then the queues go to others") {
  patient_rig r;
  {
    rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
    make_topic(admin, "t", 4);
    consumer a{one, joining_as("desk-1")}, b{two, joining("g", "t")};
    a.obey();
    one.disconnect();
    r.pass(40s);
  }
  r.crash(false);
  r.start();
  rig::client admin{r, "admin"}, two{r, "two"};
  consumer b{two, joining("g", "t")};
  CHECK(b.queues().size() == 2);
  r.pass(44s);
  b.obey();
  CHECK(b.queues().size() == 2);
  r.pass(2s);
  b.obey();
  CHECK(b.queues().size() == 4);
  // The seat is gone for good.
  r.crash(false);
  r.start();
  rig::client other{r, "other"};
  consumer only{other, joining("g", "t")};
  CHECK(only.queues().size() == 4);
}

TEST_CASE("member: seats go with their group") {
  patient_rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  make_topic(admin, "t", 2);
  {
    consumer a{one, joining_as("desk-1")};
    CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  CHECK(admin.ask<frames::ok>(frames::group_delete{"g"}).ok());
  r.pass(6s);
  consumer again{one, joining("g", "t")};
  CHECK(again.queues().size() == 2);
  CHECK(describe(admin).members.size() == 1);
}
