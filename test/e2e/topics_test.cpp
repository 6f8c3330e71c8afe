#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

namespace carafe::test {

TEST_CASE("topic: creating it again is an error, or none if that is wanted and it is the same") {
  running_node at;
  const auto first = must(at.client.create_topic("t", 3));
  CHECK(at.client.create_topic("t", 3).code() == errc::topic_exists);
  CHECK(must(at.client.create_topic("t", 3, {}, true)).topic == first.topic);
  CHECK(at.client.create_topic("t", 4, {}, true).code() == errc::topic_exists);
  CHECK(at.client.create_topic("", 1).code() == errc::topic_name_invalid);
  CHECK(at.client.create_topic("a/b", 1).code() == errc::topic_name_invalid);
  CHECK(at.client.create_topic("u", 100'000).code() == errc::too_many_queues);
}

TEST_CASE("topic: names, queues and settings survive kill -9") {
  running_node at{{{"shards", "3"}}};
  const auto made = must(at.client.create_topic("t", 7, {.retention_ms = 1'000'000}));
  must(at.client.create_topic("gone", 2));
  must(at.client.delete_topic("gone"));
  const auto altered = must(at.client.alter_topic("t", {.queues = 9, .retention_ms = 2'000'000}));
  at.node.kill();
  at.node.start();
  const auto after = must(at.client.describe_topic("t"));
  CHECK(after.topic == made.topic);
  CHECK(after.settings.retention_ms == 2'000'000);
  REQUIRE(after.queues.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(after.queues[i].queue == altered.queues[i].queue);
    CHECK(after.queues[i].shard == altered.queues[i].shard);
  }
  CHECK(must(at.client.list_topics()).size() == 1);
  // A new topic of the old name has nothing of it.
  const auto again = must(at.client.create_topic("gone", 2));
  CHECK(again.topic > made.topic);
  CHECK(again.queues.at(0).end == offset{0});
}

TEST_CASE("topic: queues that are added are read by a group without a restart") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto c = must(at.client.make_consumer({.topics = {"t"}, .group = "g"}));
  REQUIRE(eventually([&] { return c->queues().size() == 1; }));
  REQUIRE(must(at.client.alter_topic("t", {.queues = 3})).queues.size() == 3);
  CHECK(at.client.alter_topic("t", {.queues = 2}).code() == errc::queues_cannot_shrink);
  CHECK(eventually([&] {
    (void)must(c->poll(1, 5ms));
    return c->queues().size() == 3;
  }));
  auto p = must(at.client.make_producer({}));
  must(p->send_async("t", {.body = "there"}, queue_number{2}).get());
  std::vector<client::delivery> got;
  REQUIRE(eventually([&] { return !(got = must(c->poll(1, 50ms))).empty(); }));
  CHECK(got.front().body == "there");
  CHECK(got.front().number == queue_number{2});
}

TEST_CASE("topic: who consumes a topic that is deleted is told, and other topics go on") {
  running_node at;
  must(at.client.create_topic("t", 2));
  must(at.client.create_topic("other", 1));
  auto alone = must(at.client.make_consumer({.topics = {"t", "other"}}));
  auto p = must(at.client.make_producer({}));
  must(p->send("t", {.body = "last"}));
  REQUIRE(eventually([&] { return !must(alone->poll(8, 50ms)).empty(); }));
  must(at.client.delete_topic("t"));
  errc told = errc::none;
  CHECK(eventually([&] { return (told = alone->poll(8, 50ms).code()) != errc::none; }));
  CHECK((told == errc::queue_unknown || told == errc::topic_unknown));
  must(p->send("other", {.body = "still"}));
  CHECK(eventually([&] {
    const auto got = alone->poll(8, 50ms);
    return got && !got->empty() && got->front().body == "still";
  }));
  CHECK_FALSE(p->send("t", {.body = "x"}).ok());
  CHECK(at.client.delete_topic("t").code() == errc::topic_unknown);
  // A new topic of the name is another one; an old producer finds it.
  must(at.client.create_topic("t", 1));
  CHECK(eventually([&] { return p->send("t", {.body = "fresh"}).ok(); }));
}

TEST_CASE(
  "topic: deleted under load, its producers and consumers end with an error, the node goes on") {
  running_node at;
  must(at.client.create_topic("load", 4));
  recorder record;
  load traffic{{.address = at.node.address()}, record};
  group_member member{{.address = at.node.address()}, record};
  REQUIRE(eventually([&] { return member.received() > 500; }));
  must(at.client.delete_topic("load"));
  CHECK(eventually([&] { return traffic.failed() > 0; }));
  traffic.stop();
  member.stop();
  must(at.client.create_topic("load", 1));
  auto p = must(at.client.make_producer({}));
  CHECK(must(p->send("load", {.body = "fresh"})).offset == offset{0});
  CHECK(bodies_in(at.node.address(), "load", queue_number{0}) == std::vector<std::string>{"fresh"});
  at.node.kill();
  at.node.start();
  CHECK(bodies_in(at.node.address(), "load", queue_number{0}) == std::vector<std::string>{"fresh"});
}

TEST_CASE("topic: created on first use only where the node allows it") {
  running_node strict;
  auto p = must(strict.client.make_producer({}));
  CHECK(p->send("new", {.body = "x"}).code() == errc::topic_unknown);
  CHECK(strict.run.json({"produce", "new", "--body", "x"}).error_code() == "topic_unknown");
  CHECK(strict.run.json({"consume", "new", "--idle-exit", "10"}).error_code() == "topic_unknown");
  CHECK(strict.run.json({"consume", "new", "--group", "g", "--idle-exit", "10"}).error_code() ==
        "topic_unknown");
  running_node open{{{"create-on-use-queues", "3"}}};
  CHECK(must(open.client.make_producer({}))->send("first", {.body = "x"}).ok());
  CHECK(open.run({"produce", "second", "--body", "x"}).code == 0);
  CHECK(open.run({"consume", "third", "--idle-exit", "10"}).code == 0);
  CHECK(open.run({"consume", "fourth", "--group", "g", "--idle-exit", "10"}).code == 0);
  for (const auto* name : {"first", "second", "third", "fourth"})
    CHECK(must(open.client.describe_topic(name)).queues.size() == 3);
  CHECK(open.client.describe_topic("asked for").code() == errc::topic_unknown);
  auto shy = must(open.client.make_producer({.create_topics = false}));
  CHECK(shy->send("other", {.body = "x"}).code() == errc::topic_unknown);
}

TEST_CASE("topic: topics-max is kept") {
  running_node at{{{"topics-max", "2"}}};
  must(at.client.create_topic("a", 1));
  must(at.client.create_topic("b", 1));
  CHECK(at.client.create_topic("c", 1).code() == errc::too_many_topics);
  must(at.client.delete_topic("a"));
  CHECK(at.client.create_topic("c", 1).ok());
}

} // namespace carafe::test
