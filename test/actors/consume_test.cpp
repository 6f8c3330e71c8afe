#include "test/actors/requests.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::test;

namespace {

/// What a member was given so far and still has.
struct holding {
  std::map<queue_id, frames::assigned> queues;

  void update(rig::client& c) {
    while (auto a = c.take<frames::assigned>()) queues[a->queue] = *a;
  }
};

} // namespace

TEST_CASE("a reader gets what is stored, then what comes, in order and once") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(5);
  auto sub = c.ask<frames::subscribed>(subscription(1, s.queue, {}));
  REQUIRE(sub.ok());
  CHECK(sub->end == offset{5});
  r.settle();
  CHECK(delivered(c) == range(0, 5));
  s.send(3);
  CHECK(delivered(c) == range(5, 8));
}

TEST_CASE("reading begins at an offset, at the end, or at a time") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(3);
  r.pass(std::chrono::seconds{1});
  const auto then = r.clocks->wall();
  r.pass(std::chrono::seconds{1});
  s.send(3);
  CHECK(c.ask<frames::subscribed>(subscription(1, s.queue, at_offset(4)))->begin == offset{4});
  CHECK(c.ask<frames::subscribed>(subscription(2, s.queue, {start_position::kind::latest, {}, {}}))
          ->begin == offset{6});
  CHECK(
    c.ask<frames::subscribed>(subscription(3, s.queue, {start_position::kind::at_time, {}, then}))
      ->begin == offset{3});
  CHECK(c.ask<frames::subscribed>(subscription(4, s.queue, at_offset(7))).code() ==
        errc::offset_out_of_range);
  auto lenient = subscription(5, s.queue, at_offset(7));
  lenient.out_of_range = range_policy::earliest;
  CHECK(c.ask<frames::subscribed>(lenient)->begin == offset{0});
}

TEST_CASE("a reader without credit gets nothing, and goes on when it gives some") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(10);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {}, 0)).ok());
  CHECK(delivered(c).empty());
  c.send(0, frames::credit{subscription_id{1}, 1});
  CHECK(delivered(c) == range(0, 1));
  c.send(0, frames::credit{subscription_id{1}, 1 << 20});
  CHECK(delivered(c) == range(1, 10));
}

TEST_CASE("subscribing again with the same number moves the reader") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(4);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  CHECK(delivered(c) == range(0, 4));
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, at_offset(2))).ok());
  CHECK(delivered(c) == range(2, 4));
  REQUIRE(c.ask<frames::ok>(frames::unsubscribe{subscription_id{1}}).ok());
  s.send(1);
  CHECK(delivered(c).empty());
}

TEST_CASE("deleting a topic ends its readers with the reason") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  REQUIRE(c.ask<frames::ok>(frames::topic_delete{"t"}).ok());
  auto ended = c.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->why.code == errc::queue_unknown);
  CHECK(c.ask<frames::topic_description>(frames::topic_describe{"t", false}).code() ==
        errc::topic_unknown);
}

TEST_CASE("a group's queues are shared out, and only those that move pause") {
  rig r;
  rig::client admin{r, "admin"};
  make_topic(admin, "t", 4);
  rig::client a{r, "a"};
  rig::client b{r, "b"};
  const auto first = a.ask<frames::joined>(joining("g", "t"));
  REQUIRE(first.ok());
  holding has_a;
  has_a.update(a);
  CHECK(has_a.queues.size() == 4);

  REQUIRE(b.ask<frames::joined>(joining("g", "t")).ok());
  std::vector<frames::revoked> moving;
  while (auto revoked = a.take<frames::revoked>()) moving.push_back(*revoked);
  REQUIRE(moving.size() == 2);
  holding has_b;
  has_b.update(b);
  CHECK(has_b.queues.empty()); // Not before they are given back.
  for (const auto& m : moving)
    REQUIRE(a.ask<frames::ok>(frames::release{first->member, m.queue, m.owner}).ok());
  has_b.update(b);
  CHECK(has_b.queues.size() == 2);
}

TEST_CASE("a consumer that does not give a queue back loses it after the revoke time-out") {
  rig r;
  rig::client admin{r, "admin"};
  make_topic(admin, "t", 2);
  rig::client a{r, "a"};
  rig::client b{r, "b"};
  const auto first = a.ask<frames::joined>(joining("g", "t"));
  REQUIRE(first.ok());
  REQUIRE(b.ask<frames::joined>(joining("g", "t")).ok());
  auto revoked = a.take<frames::revoked>();
  REQUIRE(revoked);
  r.pass(std::chrono::seconds{11});
  holding has_b;
  has_b.update(b);
  CHECK(has_b.queues.size() == 1);
  frames::commit late;
  late.member = first->member;
  late.positions = {{revoked->queue, revoked->owner, offset{0}}};
  CHECK(a.ask<frames::ok>(late).code() == errc::not_owner);
}

TEST_CASE("a dead consumer's queues go on with the others where it had committed") {
  rig r;
  rig::client admin{r, "admin"};
  const auto topic = make_topic(admin, "t", 1);
  sender s{admin, topic.queues[0].queue};
  s.send(10);
  auto a = std::make_unique<rig::client>(r, "a");
  const auto first = a->ask<frames::joined>(joining("g", "t"));
  REQUIRE(first.ok());
  holding has_a;
  has_a.update(*a);
  CHECK(delivered(*a) == range(0, 10));
  frames::commit commit;
  commit.member = first->member;
  commit.positions = {{s.queue, has_a.queues.at(s.queue).owner, offset{6}}};
  REQUIRE(a->ask<frames::ok>(commit).ok());

  rig::client b{r, "b"};
  REQUIRE(b.ask<frames::joined>(joining("g", "t")).ok());
  a->disconnect();
  holding has_b;
  has_b.update(b);
  REQUIRE(has_b.queues.size() == 1);
  CHECK(has_b.queues.at(s.queue).begin == offset{6});
  CHECK(delivered(b) == range(6, 10));
}

TEST_CASE("committed offsets survive a crash of the node") {
  rig r{3};
  std::vector<queue_id> queues;
  {
    rig::client c{r, "c"};
    const auto topic = make_topic(c, "t", 6);
    for (const auto& queue : topic.queues) {
      queues.push_back(queue.queue);
      sender{c, queue.queue}.send(5);
    }
    const auto joined = c.ask<frames::joined>(joining("g", "t"));
    REQUIRE(joined.ok());
    holding has;
    has.update(c);
    frames::commit commit;
    commit.member = joined->member;
    for (std::uint64_t i = 0; i < queues.size(); ++i)
      commit.positions.push_back({queues[i], has.queues.at(queues[i]).owner, offset{i % 5}});
    REQUIRE(c.ask<frames::ok>(commit).ok());
  }
  r.crash(true);
  r.start();
  rig::client c{r, "c"};
  auto group = c.ask<frames::group_description>(frames::group_describe{"g"});
  REQUIRE(group.ok());
  REQUIRE(group->queues.size() == 6);
  for (const auto& queue : group->queues) CHECK(queue.committed == offset{queue.number.value % 5});
}

TEST_CASE("where a group begins without a commit is kept, whoever reads next") {
  rig r;
  rig::client admin{r, "admin"};
  sender s{admin, make_topic(admin, "t", 1).queues[0].queue};
  s.send(5);
  auto wish = joining("g", "t");
  wish.start.at = start_position::kind::latest;
  auto a = std::make_unique<rig::client>(r, "a");
  REQUIRE(a->ask<frames::joined>(wish).ok());
  a->disconnect(); // Nothing was acknowledged.
  s.send(2);
  rig::client b{r, "b"};
  REQUIRE(b.ask<frames::joined>(wish).ok());
  CHECK(delivered(b) == range(5, 7));
}

TEST_CASE("a consumer with another subscription is refused, and both are shown") {
  rig r;
  rig::client c{r, "c"};
  make_topic(c, "t", 1);
  make_topic(c, "u", 1);
  REQUIRE(c.ask<frames::joined>(joining("g", "t")).ok());
  const auto other = c.ask<frames::joined>(joining("g", "u"));
  REQUIRE(other.code() == errc::subscription_mismatch);
  CHECK(other.error().detail.find("reads t; this consumer asked for ordered and u") !=
        std::string::npos);
}

TEST_CASE("queues added to a topic come to its readers") {
  rig r;
  rig::client c{r, "c"};
  make_topic(c, "t", 1);
  REQUIRE(c.ask<frames::joined>(joining("g", "t")).ok());
  frames::topic_alter alter;
  alter.name = "t";
  alter.queues = 3;
  REQUIRE(c.ask<frames::topic_description>(alter)->queues.size() == 3);
  holding has;
  has.update(c);
  CHECK(has.queues.size() == 3);
}

TEST_CASE("a reset asks the consumer for its queue, and gives it back at the new place") {
  rig r;
  rig::client c{r, "c"}, operators{r, "operator"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(5);
  const auto joined = c.ask<frames::joined>(joining("g", "t"));
  REQUIRE(joined.ok());
  holding has;
  has.update(c);
  const auto before = has.queues.at(s.queue);
  frames::group_reset reset;
  reset.group = "g";
  reset.to.at = start_position::kind::latest;
  operators.post(1'000, reset);
  r.settle();
  CHECK_FALSE(operators.take<frames::group_description>()); // It is still the consumer's.
  operators.post(1'001, reset);
  r.settle();
  CHECK(operators.take<frames::error>()->why.code == errc::group_in_use);
  const auto back = c.take<frames::revoked>();
  REQUIRE(back);
  CHECK(back->deadline_ms > 0);
  REQUIRE(c.ask<frames::ok>(frames::release{joined->member, s.queue, back->owner}).ok());
  r.settle();
  const auto done = operators.take<frames::group_description>();
  REQUIRE(done);
  CHECK(done->queues[0].committed == offset{5});
  has.update(c);
  CHECK(has.queues.at(s.queue).owner > before.owner);
  CHECK(has.queues.at(s.queue).begin == offset{5});
  REQUIRE(c.ask<frames::ok>(frames::leave{joined->member}).ok());
  CHECK(c.ask<frames::ok>(frames::group_delete{"g"}).ok());
  CHECK(c.ask<frames::group_description>(frames::group_describe{"g"}).code() ==
        errc::group_unknown);
}

TEST_CASE("a commit past the end is refused") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(2);
  const auto joined = c.ask<frames::joined>(joining("g", "t"));
  holding has;
  has.update(c);
  frames::commit commit;
  commit.member = joined->member;
  commit.positions = {{s.queue, has.queues.at(s.queue).owner, offset{3}}};
  CHECK(c.ask<frames::ok>(commit).code() == errc::commit_out_of_range);
}

TEST_CASE("a group that is asked for while it is being deleted leaves nothing behind") {
  rig r;
  rig::client c{r, "c"};
  rig::client other{r, "other"};
  make_topic(c, "t", 1);
  for (int round = 0; round < 3; ++round) {
    const auto joined = c.ask<frames::joined>(joining("g", "t"));
    REQUIRE(joined.ok());
    REQUIRE(c.ask<frames::ok>(frames::leave{joined->member}).ok());
    c.post(1'000, frames::group_delete{"g"});
    other.post(1'000, frames::group_list{});
    other.post(1'001, frames::group_describe{"g"});
    c.post(1'001, frames::group_list{});
    r.settle();
    CHECK(c.take<frames::ok>());
    CHECK(c.take<frames::group_names>());
    CHECK(other.take<frames::group_names>());
    CHECK((other.take<frames::group_description>() || other.take<frames::error>()));
    CHECK(c.ask<frames::group_description>(frames::group_describe{"g"}).code() ==
          errc::group_unknown);
    frames::topic_alter more;
    more.name = "t";
    more.queues = static_cast<std::uint32_t>(2 + round);
    CHECK(c.ask<frames::topic_description>(more).ok());
    r.pass(std::chrono::seconds{6});
  }
  CHECK(r.ended->empty());
}

TEST_CASE("a late answer to an earlier subscription is not taken for the one there is") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 2);
  sender first{c, topic.queues[0].queue};
  sender second{c, topic.queues[1].queue, producer_id{10}};
  first.send(3);
  second.send(2);
  c.post(1'000, subscription(1, first.queue, {}));
  c.post(1'001, frames::unsubscribe{subscription_id{1}});
  c.post(1'002, subscription(1, second.queue, {}));
  r.settle();
  std::vector<queue_id> from;
  while (auto d = c.take<frames::deliver>()) from.push_back(d->queue);
  CHECK(from == std::vector<queue_id>{second.queue, second.queue});
}

TEST_CASE("a queue that is taken back while it is being opened is not read, and moves at once") {
  rig r;
  rig::client a{r, "a"};
  rig::client b{r, "b"};
  const auto topic = make_topic(a, "t", 2);
  for (const auto& queue : topic.queues) sender{a, queue.queue}.send(1);
  a.post(1'000, joining("g", "t"));
  b.post(1'000, joining("g", "t"));
  r.settle();
  holding has_a, has_b;
  has_a.update(a);
  has_b.update(b);
  CHECK(has_a.queues.size() + has_b.queues.size() >= 2);
  while (auto revoked = a.take<frames::revoked>())
    CHECK(a.ask<frames::ok>(frames::release{revoked->member, revoked->queue, revoked->owner}).ok());
  r.settle();
  has_b.update(b);
  CHECK(has_b.queues.size() == 1);
}

TEST_CASE("a commit with more positions than an entry may have is refused") {
  rig r;
  rig::client c{r, "c"};
  make_topic(c, "t", 1);
  const auto joined = c.ask<frames::joined>(joining("g", "t"));
  REQUIRE(joined.ok());
  holding has;
  has.update(c);
  const auto& mine = has.queues.begin()->second;
  auto commit = committing(joined->member, mine, offset{0});
  commit.positions.assign(65'537, commit.positions.front());
  CHECK(c.ask<frames::ok>(commit).code() == errc::invalid_argument);
  CHECK(c.ask<frames::ok>(committing(joined->member, mine, offset{0})).ok());
}

TEST_CASE("very many changes that change nothing may wait behind a slow one") {
  rig r;
  rig::client c{r, "c"};
  frames::topic_create create;
  create.name = "t";
  create.queues = 1;
  create.if_missing = true;
  for (int i = 0; i < 50'000; ++i) caf::anon_send(r.catalogue_handle, create_atom_v, create);
  r.settle();
  CHECK(c.ask<frames::topic_description>(create).ok());
}

TEST_CASE("what follows from a change is told to a busy shard until it takes it") {
  rig r{2};
  rig::client c{r, "c"};
  const shard_id busy{1};
  r.disks.at(busy).log->append_fails = errc::storage_full;
  for (int i = 0; i < 100'000; ++i) {
    effect_list nothing;
    nothing.effects.emplace_back(effects::progress_dropped{group_id{999}});
    caf::anon_send(r.shards.at(busy).shard, write_atom_v, std::move(nothing));
  }
  r.settle();
  frames::topic_create create;
  create.name = "t";
  create.queues = 2; // One in each shard.
  c.post(1'000, create);
  r.pass(std::chrono::seconds{1});
  CHECK_FALSE(c.take<frames::topic_description>());
  CHECK_FALSE(c.take<frames::error>());
  r.disks.at(busy).log->append_fails = errc::none;
  r.pass(std::chrono::seconds{1});
  const auto made = c.take<frames::topic_description>();
  REQUIRE(made);
  for (const auto& queue : made->queues)
    sender{c, queue.queue, producer_id{queue.queue.value}}.send(1);
}

TEST_CASE("a topic's own retention works after a restart without anybody using the topic") {
  rig r;
  queue_id queue;
  {
    rig::client c{r, "c"};
    frames::topic_create create;
    create.name = "t";
    create.queues = 1;
    create.settings.retention_ms = 10'000;
    auto made = c.ask<frames::topic_description>(create);
    REQUIRE(made.ok());
    queue = made->queues[0].queue;
    sender{c, queue}.send(3);
  }
  r.crash(false);
  r.clocks->now_ms += 60'000;
  r.start();
  r.pass(std::chrono::seconds{1});
  const auto views =
    ask_actor<queue_views>(r, r.shards.at(shard_id{0}).shard, queues_atom_v, queue_ids{{queue}});
  REQUIRE(views.queues.size() == 1);
  CHECK(views.queues[0].start == offset{3});
}

TEST_CASE("a session's death hurts nobody else") {
  rig r;
  rig::client a{r, "a"};
  rig::client b{r, "b"};
  sender s{a, make_topic(a, "t", 1).queues[0].queue};
  REQUIRE(b.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  REQUIRE(a.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  caf::anon_send_exit(b.in->session, caf::exit_reason::kill);
  r.settle();
  s.send(3);
  CHECK(delivered(a) == range(0, 3));
  CHECK(delivered(b).empty());
  CHECK(r.ended->empty());
}

TEST_CASE("the topic's own retention raises where its queues begin") {
  rig r;
  rig::client c{r, "c"};
  frames::topic_create create;
  create.name = "t";
  create.queues = 1;
  create.settings.retention_ms = 5'000;
  const auto topic = c.ask<frames::topic_description>(create);
  REQUIRE(topic.ok());
  REQUIRE(c.ask<frames::topic_description>(frames::topic_describe{"t", false}).ok());
  sender s{c, topic->queues[0].queue};
  s.send(3);
  for (int i = 0; i < 12; ++i) {
    r.pass(std::chrono::seconds{1});
    c.send(0, frames::ping{});
  }
  auto now = c.ask<frames::topic_description>(frames::topic_describe{"t", false});
  REQUIRE(now.ok());
  CHECK(now->queues[0].earliest == offset{3});
  CHECK(c.ask<frames::subscribed>(subscription(1, s.queue, at_offset(0))).code() ==
        errc::offset_out_of_range);
}
