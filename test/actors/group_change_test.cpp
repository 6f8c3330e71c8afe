// A group becomes another one while its consumers run.

#include "test/actors/worker.hpp"

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

/// The topics `t` and `u`, of one queue each.
struct two_topics {
  sender t, u;
  explicit two_topics(rig::client& c)
    : t{c, make_topic(c, "t", 1).queues[0].queue, producer_id{5}},
      u{c, make_topic(c, "u", 1).queues[0].queue, producer_id{6}} {}
};

frames::group_put changed(rig::client& c, std::vector<std::string> topics,
                          const message_filter& filter = {}) {
  const auto now = describe(c);
  return {"g", now.mode, std::move(topics), now.delivery, now.version, false, filter};
}

frames::join again(frames::join wish, const frames::joined& was) {
  wish.rejoins = was.group;
  return wish;
}

/// Whether the member was told to join again, by a frame that names it.
bool sent_away(rig::client& c, member_id member) {
  while (const auto ended = c.take<frames::subscription_ended>()) {
    if (ended->why.code != errc::member_unknown) return false;
    if (ended->member == member && ended->subscription.value == 0) return true;
  }
  return false;
}

} // namespace

TEST_CASE("change: consumers of an ordered group give back what they have, and come again") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"}, two{r, "two"};
  two_topics has{admin};
  has.t.send(5);
  has.u.send(3);
  const auto wish = joining("g", "t");
  const auto a = one.ask<frames::joined>(wish);
  r.settle();
  const auto mine = one.take<frames::assigned>();
  REQUIRE(mine);
  const auto b = two.ask<frames::joined>(wish); // There is no queue for it.
  operators.post(1'000, changed(admin, {"t", "u"}));
  r.settle();
  CHECK_FALSE(operators.take<frames::group_description>());
  REQUIRE(one.take<frames::revoked>()->deadline_ms > 0);
  auto fits_soon = wish;
  fits_soon.topics = {"u", "t"};
  CHECK(admin.ask<frames::joined>(fits_soon).code() == errc::shard_unavailable);
  CHECK(admin.ask<frames::joined>(wish).code() == errc::shard_unavailable);
  CHECK(admin.ask<frames::group_description>(changed(admin, {"u"})).code() ==
        errc::shard_unavailable);
  CHECK(admin.ask<frames::ok>(frames::group_delete{"g"}).code() == errc::shard_unavailable);
  REQUIRE(one.ask<frames::ok>(committing(a->member, *mine, offset{2})).ok());
  REQUIRE(one.ask<frames::ok>(frames::release{a->member, mine->queue, mine->owner}).ok());
  r.settle();
  const auto told = operators.take<frames::group_description>();
  REQUIRE(told);
  CHECK(told->topics == std::vector<std::string>{"t", "u"});
  CHECK(told->version == 2);
  CHECK(sent_away(one, a->member));
  CHECK(sent_away(two, b->member));
  CHECK(one.ask<frames::ok>(committing(a->member, *mine, offset{1})).code() ==
        errc::member_unknown);

  CHECK(one.ask<frames::joined>(wish).code() == errc::subscription_mismatch);
  REQUIRE(one.ask<frames::joined>(again(wish, *a)).ok());
  REQUIRE(two.ask<frames::joined>(again(wish, *b)).ok());
  r.settle();
  std::map<std::string, offset> begins;
  for (auto* c : {&one, &two})
    while (const auto got = c->take<frames::assigned>()) {
      begins[got->topic] = got->begin;
      if (const auto back = c->take<frames::revoked>()) {
        REQUIRE(c->ask<frames::ok>(frames::release{back->member, back->queue, back->owner}).ok());
        r.settle();
      }
    }
  CHECK(begins == std::map<std::string, offset>{{"t", offset{2}}, {"u", offset{0}}});
}

TEST_CASE("change: a queue that is not given back is taken when its time is over") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"};
  two_topics has{admin};
  has.t.send(2);
  const auto a = one.ask<frames::joined>(joining("g", "t"));
  r.settle();
  operators.post(1'000, changed(admin, {"u"}));
  r.settle();
  r.pass(9s);
  CHECK_FALSE(operators.take<frames::group_description>());
  r.pass(1s);
  REQUIRE(operators.take<frames::group_description>());
  CHECK(sent_away(one, a->member));
}

TEST_CASE("change: a member with an id has its queues back") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"}, two{r, "two"};
  make_topic(admin, "t", 4);
  auto wish = joining("g", "t");
  wish.member_id = "w-1";
  wish.holder = 7;
  const auto a = one.ask<frames::joined>(wish);
  r.settle();
  std::set<queue_id> had;
  const auto take = [&](rig::client& c, std::set<queue_id>& into) {
    while (const auto got = c.take<frames::assigned>()) into.insert(got->queue);
  };
  take(one, had);
  const auto b = two.ask<frames::joined>(joining("g", "t"));
  r.settle();
  const auto give_back = [&](rig::client& c, bool forget) {
    while (const auto back = c.take<frames::revoked>()) {
      if (forget) had.erase(back->queue);
      REQUIRE(c.ask<frames::ok>(frames::release{back->member, back->queue, back->owner}).ok());
    }
    r.settle();
  };
  give_back(one, true);
  CHECK(had.size() == 2);
  operators.post(1'000, changed(admin, {"t"}, {message_filter::kind::tags, "x"}));
  r.settle();
  give_back(one, false);
  give_back(two, false);
  REQUIRE(operators.take<frames::group_description>());
  std::set<queue_id> has, others;
  take(two, others);
  others.clear();
  REQUIRE(two.ask<frames::joined>(again(joining("g", "t"), *b)).ok());
  REQUIRE(one.ask<frames::joined>(again(wish, *a)).ok());
  r.settle();
  take(one, has);
  take(two, others);
  CHECK(has == had);
  CHECK(others.size() == 2);
}

TEST_CASE("change: consumers of a shared group keep what they have, and the new filter goes on") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, late{r, "late"};
  two_topics has{admin};
  REQUIRE(admin.ask<frames::group_description>(putting("shared", impatient())).ok());
  has.t.send(6);
  const worker a{one, "shared", 3};
  r.settle();
  REQUIRE(a.offsets() == offsets{0, 1, 2});
  REQUIRE(a.done(has.t.queue, 1).ok());
  r.settle();
  REQUIRE(a.offsets() == offsets{3});
  REQUIRE(a.failed(has.t.queue, 2, 5'000, "later").ok());
  r.settle();
  REQUIRE(a.offsets() == offsets{4});
  // Nothing of it has a property.
  const auto told = admin.ask<frames::group_description>(
    changed(admin, {"t"}, {message_filter::kind::sql, "x = 1"}));
  REQUIRE(told.ok());
  const auto ended = one.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->subscription == a.in.subscription);
  CHECK(ended->why.code == errc::member_unknown);
  CHECK(a.done(has.t.queue, 3).code() == errc::member_unknown);

  auto wish = joining("g", "t");
  wish.mode = "shared";
  CHECK(late.ask<frames::joined>(wish).code() == errc::subscription_mismatch);
  const auto in = one.ask<frames::joined>(again(wish, a.in));
  REQUIRE(in.ok());
  const auto renewed = one.ask<frames::renewed>(
    frames::renew{in->member, {{has.t.queue, {{offset{0}, 1}, {offset{3}, 2}}}}});
  REQUIRE(renewed.ok());
  CHECK(renewed->lost.empty());
  REQUIRE(one
            .ask<frames::ok>(
              frames::settle{in->member, {{has.t.queue, {{offset{0}, 1}, {offset{3}, 2}}}}, {}, {}})
            .ok());
  r.pass(1'500ms);
  CHECK_FALSE(one.take<frames::leased>()); // Nothing comes twice, and the last does not pass.
  CHECK(describe(admin).queues[0].lag == 1);
  r.pass(5s);
  const auto retried = one.take<frames::leased>();
  REQUIRE(retried);
  CHECK(retried->ranges.front().first == offset{2});
  CHECK(retried->attempt == 2);
}

TEST_CASE("change: shared becomes keyed and back under its consumers, other modes do not") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  keyed_topic(admin, {"k", "k", "k"});
  const worker a{one, "shared", 1};
  r.settle();
  REQUIRE(a.offsets() == offsets{0});
  auto wish = changed(admin, {"t"});
  for (const auto* mode : {"ordered", "broadcast"}) {
    wish.mode = mode;
    const auto refused = admin.ask<frames::group_description>(wish);
    CHECK(refused.code() == errc::group_in_use);
    CHECK(refused.error().detail.find("1 consumer is in it, who could not") != std::string::npos);
  }
  CHECK_FALSE(sent_away(one, a.in.member));
  wish.mode = "keyed";
  REQUIRE(admin.ask<frames::group_description>(wish)->mode == "keyed");
  REQUIRE(one.take<frames::subscription_ended>());
  auto rejoin = again(joining("g", "t"), a.in);
  rejoin.mode = "shared";
  REQUIRE(one.ask<frames::joined>(rejoin).ok());
}

TEST_CASE("change: what cannot be is refused before anybody is interrupted") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  two_topics has{admin};
  has.t.send(2);
  const std::string mode = GENERATE("ordered", "shared", "broadcast");
  auto wish = joining("g", "t");
  wish.mode = mode;
  REQUIRE(one.ask<frames::joined>(wish).ok());
  r.settle();
  auto put = changed(admin, {"t", "gone"});
  CHECK(admin.ask<frames::group_description>(put).code() == errc::topic_unknown);
  put = changed(admin, {"t"}, {message_filter::kind::sql, "x ="});
  CHECK(admin.ask<frames::group_description>(put).code() == errc::filter_invalid);
  put = changed(admin, {"u"});
  put.version = 9;
  CHECK(admin.ask<frames::group_description>(put).code() == errc::group_changed);
  r.settle();
  CHECK_FALSE(one.take<frames::subscription_ended>());
  CHECK_FALSE(one.take<frames::revoked>());
}

TEST_CASE("change: broadcast consumers read on with another filter, named ones where they were") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"}, two{r, "two"};
  two_topics has{admin};
  has.t.send(4);
  auto named = joining("g", "t");
  named.mode = "broadcast";
  auto unnamed = named;
  named.name = "desk";
  named.holder = 3;
  const auto a = one.ask<frames::joined>(named), b = two.ask<frames::joined>(unnamed);
  r.settle();
  const auto mine = one.take<frames::assigned>();
  REQUIRE(mine);
  operators.post(1'000, changed(admin, {"t"}, {message_filter::kind::sql, "x = 1"}));
  r.settle();
  CHECK_FALSE(operators.take<frames::group_description>());
  const auto back = one.take<frames::revoked>();
  REQUIRE(back);
  REQUIRE(one.ask<frames::ok>(committing(a->member, *mine, offset{3})).ok());
  REQUIRE(one.ask<frames::ok>(frames::release{a->member, mine->queue, mine->owner}).ok());
  r.settle();
  REQUIRE(operators.take<frames::group_description>());
  CHECK(sent_away(one, a->member));
  const auto ended = two.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->why.code == errc::member_unknown);
  REQUIRE(one.ask<frames::joined>(again(named, *a)).ok());
  REQUIRE(two.ask<frames::joined>(again(unnamed, *b)).ok());
  r.settle();
  CHECK(one.take<frames::assigned>()->begin == offset{3});
}

TEST_CASE("change: a reset is not cut short") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"};
  two_topics has{admin};
  has.t.send(2);
  const auto a = one.ask<frames::joined>(joining("g", "t"));
  r.settle();
  frames::group_reset reset;
  reset.group = "g";
  operators.post(1'000, reset);
  r.settle();
  CHECK(admin.ask<frames::group_description>(changed(admin, {"t", "u"})).code() ==
        errc::group_in_use);
  const auto back = one.take<frames::revoked>();
  REQUIRE(back);
  REQUIRE(one.ask<frames::ok>(frames::release{a->member, back->queue, back->owner}).ok());
  r.settle();
  CHECK(operators.take<frames::group_description>());
}

TEST_CASE("change: one that cannot be written leaves the group as it was, for the same members") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"};
  two_topics has{admin};
  const auto wish = joining("g", "t");
  const auto a = one.ask<frames::joined>(wish);
  r.settle();
  const auto mine = one.take<frames::assigned>();
  operators.post(1'000, changed(admin, {"u"}));
  r.settle();
  r.disks.at(shard_id{0}).log->room = storage::log_room::no_batches;
  r.pass(2s);
  REQUIRE(one.ask<frames::ok>(frames::release{a->member, mine->queue, mine->owner}).ok());
  r.settle();
  const auto refused = operators.take<frames::error>();
  REQUIRE(refused);
  CHECK(refused->why.code == errc::storage_full);
  CHECK(sent_away(one, a->member));
  const auto now = describe(admin);
  CHECK(now.topics == std::vector<std::string>{"t"});
  CHECK(now.version == 1);
  REQUIRE(one.ask<frames::joined>(again(wish, *a)).ok());
  r.settle();
  CHECK(one.take<frames::assigned>()->topic == "t");
}

TEST_CASE("change: queues that come while a group is handed over are the next actor's") {
  const std::string mode = GENERATE("ordered", "broadcast");
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"};
  two_topics has{admin};
  auto wish = joining("g", "t");
  wish.mode = mode;
  if (mode == "broadcast") wish.name = "desk";
  const auto a = one.ask<frames::joined>(wish);
  r.settle();
  REQUIRE(one.take<frames::assigned>());
  operators.post(1'000, changed(admin, {"t", "u"}));
  r.settle();
  const auto back = one.take<frames::revoked>();
  REQUIRE(back);
  frames::topic_alter more;
  more.name = "t";
  more.queues = 2;
  REQUIRE(admin.ask<frames::topic_description>(more).ok());
  r.settle();
  CHECK_FALSE(one.take<frames::assigned>());
  CHECK(admin.ask<frames::ok>(frames::group_delete{"g"}).code() == errc::shard_unavailable);
  REQUIRE(one.ask<frames::ok>(frames::release{a->member, back->queue, back->owner}).ok());
  r.settle();
  REQUIRE(operators.take<frames::group_description>()->queues.size() == 3);
  REQUIRE(one.ask<frames::joined>(again(wish, *a)).ok());
  r.settle();
  int queues = 0;
  while (one.take<frames::assigned>()) ++queues;
  CHECK(queues == 3);
}

TEST_CASE("change: a consumer that is lost while the log is slow holds nothing up") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"}, two{r, "two"};
  two_topics has{admin};
  has.t.send(4);
  const worker a{one, "shared", 2}, b{two, "shared", 2};
  r.settle();
  CHECK(a.offsets().size() + b.offsets().size() == 4);
  r.disks.at(shard_id{0}).log->append_fails = errc::storage_full;
  r.pass(200ms); // What was lent is on its way to the log, again and again.
  operators.post(1'000, changed(admin, {"t", "u"}));
  r.settle();
  one.disconnect();
  r.pass(500ms);
  CHECK_FALSE(operators.take<frames::group_description>());
  r.disks.at(shard_id{0}).log->append_fails = errc::none;
  r.pass(1s);
  REQUIRE(operators.take<frames::group_description>());
  auto wish = again(joining("g", "t"), b.in);
  wish.mode = "shared";
  REQUIRE(two.ask<frames::joined>(wish).ok());
}

TEST_CASE("change: what consumers have of a topic that is left is settled, or goes back") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"};
  two_topics has{admin};
  has.t.send(3);
  const worker a{one, "shared", 1};
  r.settle();
  REQUIRE(a.offsets() == offsets{0});
  operators.post(1'000, changed(admin, {"u"}));
  r.settle();
  CHECK_FALSE(operators.take<frames::group_description>());
  SECTION("settled in time") {
    CHECK(a.done(has.t.queue, 0).ok());
    r.settle();
    CHECK_FALSE(one.take<frames::leased>());
    REQUIRE(operators.take<frames::group_description>());
  }
  SECTION("not settled") {
    r.pass(10s);
    REQUIRE(operators.take<frames::group_description>());
  }
  SECTION("deleted with its topic") {
    REQUIRE(admin.ask<frames::ok>(frames::topic_delete{"t"}).ok());
    r.settle();
    REQUIRE(operators.take<frames::group_description>());
  }
  SECTION("failed: it would never come again") {
    CHECK(a.failed(has.t.queue, 0, 500, "later").ok());
    r.settle();
    CHECK(operators.take<frames::error>()->why.code == errc::group_in_use);
    CHECK(one.take<frames::subscription_ended>()->why.code == errc::member_unknown);
    const worker again{one, "shared", 1};
    r.pass(600ms);
    CHECK(again.offsets() == offsets{1});
    CHECK(admin.ask<frames::group_description>(changed(admin, {"u"})).code() == errc::group_in_use);
  }
}

TEST_CASE("change: what dies while the group is handed over dies once") {
  rig r;
  rig::client admin{r, "admin"}, operators{r, "operator"}, one{r, "one"};
  two_topics has{admin};
  has.t.send(3);
  const worker a{one, "shared", 2};
  r.settle();
  REQUIRE(a.offsets() == offsets{0, 1});
  operators.post(1'000, changed(admin, {"u"}));
  r.settle();
  CHECK(one
          .ask<frames::ok>(frames::settle{a.in.member,
                                          {{has.t.queue, {{offset{1}, 1}}}},
                                          {{has.t.queue, offset{0}, true, {}, "no use"}},
                                          {}})
          .ok());
  r.settle();
  REQUIRE(operators.take<frames::group_description>());
  const auto letters = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  REQUIRE(letters.ok());
  CHECK(letters->queues.at(0).open == std::vector<offset_range>{{offset{0}, 1}});
}
