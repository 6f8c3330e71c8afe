#include "test/actors/requests.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

constexpr start_position latest{start_position::kind::latest, {}, {}};

frames::join broadcasting(const std::string& name = {}, start_position start = {}) {
  auto wish = joining("g", "t");
  wish.mode = "broadcast";
  wish.name = name;
  wish.start = start;
  return wish;
}

/// A member and the queues that it was assigned, by their numbers.
struct reader_of_all {
  rig::client client;
  member_id member;
  std::map<std::uint32_t, frames::assigned> queues = {};

  reader_of_all(rig& r, const frames::join& wish) : client(r, "client") {
    const auto joined = client.ask<frames::joined>(wish);
    REQUIRE(joined.ok());
    member = joined->member;
    update();
  }
  void update() {
    while (auto a = client.take<frames::assigned>()) queues[a->number.value] = *a;
  }
  /// First offsets of the batches that came of a queue.
  std::vector<std::uint64_t> got(std::uint32_t number) {
    std::vector<std::uint64_t> out;
    auto& frames = client.in->frames;
    for (auto at = frames.begin(); at != frames.end();) {
      const auto* d = std::get_if<frames::deliver>(&at->body);
      if (d == nullptr || d->subscription != queues.at(number).subscription) {
        ++at;
        continue;
      }
      out.push_back(d->base.value);
      at = frames.erase(at);
    }
    return out;
  }
  result<frames::ok> commit(std::uint32_t number, std::uint64_t next) {
    return client.ask<frames::ok>(committing(member, queues.at(number), offset{next}));
  }
};

frames::group_description described(rig::client& c) {
  auto d = c.ask<frames::group_description>(frames::group_describe{"g"});
  REQUIRE(d.ok());
  return *d;
}

frames::group_reset resetting(start_position to, const std::string& name = {}) {
  frames::group_reset wish;
  wish.group = "g";
  wish.to = to;
  wish.consumer = name;
  return wish;
}

} // namespace

TEST_CASE("broadcast: every consumer gets every message of every queue from its own start") {
  rig r{2};
  rig::client admin{r, "admin"};
  const auto topic = make_topic(admin, "t", 2);
  sender one{admin, topic.queues[0].queue};
  sender two{admin, topic.queues[1].queue, producer_id{10}};
  one.send(2);
  reader_of_all a{r, broadcasting()};
  reader_of_all b{r, broadcasting("", latest)};
  reader_of_all c{r, broadcasting("desk", at_offset(1))};
  one.send(2);
  two.send(3);
  CHECK(a.got(0) == range(0, 4));
  CHECK(b.got(0) == range(2, 4));
  CHECK(c.got(0) == range(1, 4));
  CHECK(a.got(1) == range(0, 3));
  CHECK(b.got(1) == range(0, 3));
  CHECK(c.client.take<frames::subscription_ended>()->why.code == errc::offset_out_of_range);
  const auto listed = admin.ask<frames::group_names>(frames::group_list{});
  REQUIRE(listed->groups.size() == 1);
  CHECK(listed->groups[0].mode == "broadcast");
  CHECK(listed->groups[0].members == 3);
}

TEST_CASE("broadcast: a named consumer goes on after kill -9 where it committed") {
  rig r{2};
  {
    rig::client admin{r, "admin"};
    const auto topic = make_topic(admin, "t", 2);
    sender{admin, topic.queues[0].queue}.send(6);
    reader_of_all a{r, broadcasting("a")};
    reader_of_all b{r, broadcasting("b")};
    reader_of_all nobody{r, broadcasting()};
    REQUIRE(a.commit(0, 4).ok());
    REQUIRE(b.commit(0, 2).ok());
    CHECK(nobody.commit(0, 4).code() == errc::unsupported);
  }
  r.crash(false);
  r.start();
  reader_of_all a{r, broadcasting("a", latest)};
  reader_of_all b{r, broadcasting("b", latest)};
  reader_of_all nobody{r, broadcasting("", latest)};
  CHECK(a.queues.at(0).begin == offset{4});
  CHECK(b.queues.at(0).begin == offset{2});
  CHECK(nobody.queues.at(0).begin == offset{6});
  CHECK(a.got(0) == range(4, 6));
  CHECK(b.got(0) == range(2, 6));
  CHECK(nobody.got(0).empty());
}

TEST_CASE("broadcast: where a named consumer begins is kept although it committed nothing") {
  rig r;
  rig::client admin{r, "admin"};
  sender s{admin, make_topic(admin, "t", 1).queues[0].queue};
  s.send(3);
  {
    reader_of_all a{r, broadcasting("a", latest)};
    a.client.disconnect();
  }
  s.send(2);
  reader_of_all a{r, broadcasting("a", latest)};
  CHECK(a.got(0) == range(3, 5));
}

TEST_CASE("broadcast: a name has one member; its holder has it back at once, others when it left") {
  rig r;
  rig::client admin{r, "admin"};
  make_topic(admin, "t", 1);
  auto mine = broadcasting("desk");
  mine.holder = 7;
  reader_of_all first{r, mine};
  rig::client other{r, "other"};
  const auto refused = other.ask<frames::joined>(broadcasting("desk"));
  REQUIRE(refused.code() == errc::name_in_use);
  CHECK(refused.error().detail.find("desk is with client at ") == 0);
  reader_of_all again{r, mine};
  CHECK(first.client.take<frames::revoked>()->deadline_ms == 0);
  CHECK(first.commit(0, 0).code() == errc::not_owner);
  CHECK(again.commit(0, 0).ok());
  first.client.disconnect();
  CHECK(other.ask<frames::joined>(broadcasting("desk")).code() == errc::name_in_use);
  REQUIRE(again.client.ask<frames::ok>(frames::leave{again.member}).ok());
  CHECK(other.ask<frames::joined>(broadcasting("desk")).ok());
  other.disconnect();
  CHECK(reader_of_all{r, broadcasting("desk")}.queues.size() == 1);
}

TEST_CASE("broadcast: a description tells of each name, connected or not, how far it is") {
  rig r;
  rig::client admin{r, "admin"};
  sender s{admin, make_topic(admin, "t", 1).queues[0].queue};
  s.send(10);
  reader_of_all a{r, broadcasting("a")};
  reader_of_all b{r, broadcasting("b")};
  reader_of_all nobody{r, broadcasting()};
  REQUIRE(a.commit(0, 9).ok());
  REQUIRE(b.commit(0, 4).ok());
  b.client.disconnect();
  const auto d = described(admin);
  CHECK(d.mode == "broadcast");
  REQUIRE(d.members.size() == 2);
  CHECK(d.members[0].name == "a");
  CHECK(d.members[0].queues == 1);
  REQUIRE(d.consumers.size() == 2);
  CHECK(d.consumers[0].name == "a");
  CHECK(d.consumers[0].member == a.member);
  CHECK(d.consumers[0].places.at(0).committed == offset{9});
  CHECK(d.consumers[0].places.at(0).lag == 1);
  CHECK(d.consumers[1].member == member_id{0});
  CHECK(d.consumers[1].places.at(0).lag == 6);
  CHECK(d.queues.at(0).committed == offset{4});
  CHECK(d.queues.at(0).lag == 6);
  CHECK(admin.ask<frames::group_names>(frames::group_list{})->groups.at(0).lag == 6);
}

TEST_CASE("broadcast: a reset moves one name or all") {
  rig r;
  rig::client admin{r, "admin"};
  sender s{admin, make_topic(admin, "t", 1).queues[0].queue};
  s.send(5);
  const auto ask = [&](const frames::group_reset& wish) {
    return admin.ask<frames::group_description>(wish);
  };
  {
    reader_of_all unnamed{r, broadcasting()};
    CHECK(ask(resetting(latest)).code() == errc::not_found);
    reader_of_all a{r, broadcasting("a")};
    reader_of_all b{r, broadcasting("b")};
    b.client.disconnect();
    CHECK(ask(resetting(latest, "c")).code() == errc::not_found);
    const auto moved = ask(resetting(at_offset(3), "b"));
    REQUIRE(moved.ok());
    CHECK(moved->consumers.at(0).places.at(0).committed == offset{0});
    CHECK(moved->consumers.at(1).places.at(0).committed == offset{3});
    a.client.disconnect();
  }
  CHECK(ask(resetting(at_offset(9))).code() == errc::offset_out_of_range);
  REQUIRE(ask(resetting(latest)).ok());
  for (const auto* name : {"a", "b"})
    CHECK(reader_of_all{r, broadcasting(name)}.queues.at(0).begin == offset{5});
}

TEST_CASE("broadcast: a reset asks a connected name for its queue, and gives it back elsewhere") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"};
  sender s{admin, make_topic(admin, "t", 1).queues[0].queue};
  s.send(5);
  reader_of_all a{r, broadcasting("a")}, unnamed{r, broadcasting()};
  operators.post(1'000, resetting(at_offset(3)));
  r.settle();
  CHECK_FALSE(operators.take<frames::group_description>()); // It is still the consumer's.
  operators.post(1'001, resetting(latest));
  r.settle();
  CHECK(operators.take<frames::error>()->why.code == errc::group_in_use);
  const auto back = a.client.take<frames::revoked>();
  REQUIRE(back);
  CHECK(back->deadline_ms > 0);
  REQUIRE(a.commit(0, 2).ok());
  SECTION("which it releases") {
    REQUIRE(a.client.ask<frames::ok>(frames::release{a.member, s.queue, back->owner}).ok());
  }
  SECTION("which is taken when it does not") {
    r.pass(10s);
    CHECK(a.client.take<frames::revoked>()->deadline_ms == 0);
  }
  r.settle();
  const auto done = operators.take<frames::group_description>();
  REQUIRE(done);
  CHECK(done->consumers.at(0).places.at(0).committed == offset{3});
  const auto before = a.queues.at(0).owner;
  a.update();
  CHECK(a.queues.at(0).begin == offset{3});
  CHECK(a.queues.at(0).owner > before);
  CHECK(a.got(0) == range(3, 5));
  CHECK(a.commit(0, 4).ok());
  CHECK_FALSE(unnamed.client.take<frames::revoked>());
}

TEST_CASE("broadcast: a forgotten name begins anew, and its group keeps the others") {
  rig r{2};
  rig::client admin{r, "admin"};
  const auto topic = make_topic(admin, "t", 2);
  sender{admin, topic.queues[0].queue}.send(5);
  for (const auto* name : {"a", "b"}) {
    reader_of_all some{r, broadcasting(name)};
    REQUIRE(some.commit(0, 5).ok());
    CHECK(admin.ask<frames::ok>(frames::group_forget{"g", name}).code() == errc::name_in_use);
    some.client.disconnect();
  }
  CHECK(admin.ask<frames::ok>(frames::group_forget{"g", "c"}).code() == errc::not_found);
  CHECK(admin.ask<frames::ok>(frames::group_forget{"h", "a"}).code() == errc::group_unknown);
  REQUIRE(admin.ask<frames::ok>(frames::group_forget{"g", "a"}).ok());
  CHECK(described(admin).consumers.size() == 1);
  CHECK(reader_of_all{r, broadcasting("a")}.queues.at(0).begin == offset{0});
  CHECK(reader_of_all{r, broadcasting("b")}.queues.at(0).begin == offset{5});
}

TEST_CASE("broadcast: a group's names go with it, and nothing of them comes back after a crash") {
  rig r{2};
  {
    rig::client admin{r, "admin"};
    make_topic(admin, "t", 2);
    reader_of_all a{r, broadcasting("a")};
    CHECK(admin.ask<frames::ok>(frames::group_delete{"g"}).code() == errc::group_in_use);
    a.client.disconnect();
    REQUIRE(admin.ask<frames::ok>(frames::group_delete{"g"}).ok());
  }
  r.crash(false);
  r.start();
  rig::client admin{r, "admin"};
  CHECK(admin.ask<frames::group_names>(frames::group_list{})->groups.empty());
  for (const auto& [id, handles] : r.shards) {
    CHECK(ask_actor<catalogue_rows>(r, handles.shard, load_atom_v).groups.empty());
    CHECK(ask_actor<shard_inventory>(r, handles.shard, inventory_atom_v).there.groups.empty());
  }
}

TEST_CASE("broadcast: a queue that is added is read from its first message, by who is away, too") {
  rig r;
  rig::client admin{r, "admin"};
  make_topic(admin, "t", 1);
  reader_of_all there{r, broadcasting("", latest)};
  {
    reader_of_all away{r, broadcasting("desk", latest)};
    away.client.disconnect();
  }
  frames::topic_alter more;
  more.name = "t";
  more.queues = 2;
  auto topic = admin.ask<frames::topic_description>(more);
  REQUIRE(topic.ok());
  sender{admin, topic->queues[1].queue}.send(3);
  there.update();
  CHECK(there.got(1) == range(0, 3));
  reader_of_all back{r, broadcasting("desk", latest)};
  CHECK(back.got(1) == range(0, 3));
  REQUIRE(admin.ask<frames::ok>(frames::topic_delete{"t"}).ok());
  CHECK(there.client.take<frames::revoked>());
  CHECK(described(admin).consumers.at(0).places.empty());
}

TEST_CASE("broadcast: retention that passes a name is met as the member's policy says") {
  rig r;
  rig::client admin{r, "admin"};
  sender s{admin, make_topic(admin, "t", 1).queues[0].queue};
  s.send(6);
  {
    reader_of_all a{r, broadcasting("a")};
    REQUIRE(a.commit(0, 1).ok());
    a.client.disconnect();
  }
  effect_list raise;
  raise.effects.emplace_back(effects::queue_start{s.queue, offset{4}});
  ask_actor<entry_index>(r, r.shards.at(shard_id{0}).shard, write_atom_v, raise);
  {
    reader_of_all strict{r, broadcasting("a")};
    CHECK(strict.client.take<frames::subscription_ended>()->why.code == errc::offset_out_of_range);
    strict.client.disconnect();
  }
  auto lenient = broadcasting("a");
  lenient.out_of_range = range_policy::earliest;
  reader_of_all again{r, lenient};
  CHECK(again.queues.at(0).begin == offset{4});
  CHECK(again.got(0) == range(4, 6));
}

TEST_CASE("broadcast: mode and topics are the group's, and names hold it to its mode") {
  rig r;
  rig::client admin{r, "admin"};
  make_topic(admin, "t", 1);
  make_topic(admin, "u", 1);
  frames::group_put wish;
  wish.name = "g";
  wish.mode = "broadcast";
  wish.topics = {"t"};
  REQUIRE(admin.ask<frames::group_description>(wish).ok());
  CHECK(admin.ask<frames::joined>(joining("g", "t")).code() == errc::subscription_mismatch);
  auto named = broadcasting("a");
  named.mode = "shared";
  CHECK(admin.ask<frames::joined>(named).code() == errc::subscription_mismatch);
  wish.version = 1;
  wish.topics = {"t", "u"};
  {
    reader_of_all a{r, broadcasting("a")};
    a.client.disconnect();
  }
  REQUIRE(admin.ask<frames::group_description>(wish)->topics.size() == 2);
  auto both = broadcasting("a");
  both.topics = {"t", "u"};
  {
    reader_of_all a{r, both};
    CHECK(described(admin).queues.size() == 2);
    a.client.disconnect();
  }
  wish.version = 2;
  wish.mode = "ordered";
  CHECK(admin.ask<frames::group_description>(wish).code() == errc::group_in_use);
  REQUIRE(admin.ask<frames::ok>(frames::group_forget{"g", "a"}).ok());
  CHECK(admin.ask<frames::group_description>(wish)->mode == "ordered");
  CHECK(admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"}).code() == errc::unsupported);
}
