#include "test/core/dice.hpp"
#include "test/e2e/node_process.hpp"
#include "test/e2e/running_node.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/e2e/traffic.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace carafe::test {
namespace {

unix_ms wall_now() {
  return unix_ms{std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()};
}

unix_ms later(unix_ms at, std::int64_t ms) { return unix_ms{at.value + ms}; }

/// The time that the node says a message was to be delivered at.
std::int64_t due_of(const client::delivery& d) {
  for (const auto& [name, value] : d.properties)
    if (name == "carafe-timer-due-ms") return std::stoll(value);
  return 0;
}

client::pending_timers pending(const client::client& c) { return must(c.list_timers("later")); }

} // namespace

TEST_CASE("timers: a message comes at its time, with all it has, and not before") {
  running_node at{{}};
  must(at.client.create_topic("later", 2));
  auto producer = must(at.client.make_producer({}));
  const auto due = later(wall_now(), 700);
  client::message m;
  m.body = "close";
  m.key = "order 1";
  m.tag = "slow";
  m.properties = {{"region", "north"}};
  m.deliver_at = due;
  const auto receipt = must(producer->send("later", m));
  CHECK(receipt.timed);
  m.deliver_at = unix_ms{0};
  m.delay = 300ms;
  m.body = "sooner";
  must(producer->send("later", m));
  must(producer->send("later", {.body = "at once", .key = "order 1"}));
  auto consumer = must(at.client.make_consumer({.topics = {"later"}}));
  std::vector<client::delivery> got;
  REQUIRE(eventually([&] {
    for (auto& d : must(consumer->poll(10, 100ms))) got.push_back(std::move(d));
    return got.size() == 3;
  }));
  CHECK(got[0].body == "at once");
  CHECK(got[1].body == "sooner");
  CHECK(got[2].body == "close");
  CHECK(got[2].tag == "slow");
  CHECK(got[2].broker_time >= due);
  CHECK(due_of(got[2]) == due.value);
  CHECK(got[2].properties[0] == std::pair<std::string, std::string>{"region", "north"});
  CHECK(got[2].id == receipt.id);
  const auto id = client::to_string(receipt.id);
  const auto by_id = at.run.json({"message", "get", id, "--topic", "later"}).object();
  CHECK(by_id.at("body") == "close");
  CHECK(by_id.at("id") == id);
  const auto place =
    "later/" + std::to_string(got[2].number.value) + '/' + std::to_string(got[2].offset.value);
  for (const auto& story : {at.run.json({"message", "why", id, "--topic", "later"}),
                            at.run.json({"message", "why", place})}) {
    CHECK(story.object().at("id") == id);
    CHECK(story.object().at("offset") == got[2].offset.value);
  }
  CHECK(pending(at.client).total == 0);
}

TEST_CASE("timers: in a group, and as a dead letter, a message has the id of its receipt") {
  running_node at{{}};
  must(at.client.create_topic("later", 1));
  REQUIRE(at.run({"group", "create", "g", "--mode", "shared", "--topics", "later"}).code == 0);
  auto producer = must(at.client.make_producer({}));
  client::message m;
  m.body = "soon";
  m.delay = 50ms;
  const auto receipt = must(producer->send("later", m));
  const auto next_of = [&](client::consumer& consumer) {
    std::vector<client::delivery> got;
    REQUIRE(eventually([&] {
      for (auto& d : must(consumer.poll(1, 100ms))) got.push_back(std::move(d));
      return !got.empty();
    }));
    return got.front();
  };
  auto consumer = must(at.client.make_consumer(
    {.topics = {"later"}, .group = "g", .mode = client::group_mode::shared}));
  const auto lent = next_of(*consumer);
  CHECK(lent.id == receipt.id);
  must(consumer->reject(lent, "never"));
  must(consumer->commit());
  REQUIRE(eventually([&] { return at.client.describe_topic("%DLQ%g").ok(); }));
  auto letters = must(at.client.make_consumer({.topics = {"%DLQ%g"}}));
  const auto letter = next_of(*letters);
  CHECK(letter.body == "soon");
  CHECK(letter.id == receipt.id);
}

TEST_CASE(
  "timers: cancelled ones never come, moved ones at their new time; both say if it was late") {
  running_node at{{}};
  must(at.client.create_topic("later", 1));
  auto producer = must(at.client.make_producer({}));
  const auto send = [&](const std::string& body, const std::string& name) {
    client::message m;
    m.body = body;
    m.delay = 1h;
    m.properties = {{"carafe-timer", name}};
    return must(producer->send("later", m)).id;
  };
  const auto first = send("first", "a");
  send("second", "b");
  send("third", "b");
  send("fourth", "c");
  const auto waiting = pending(at.client);
  CHECK(waiting.total == 4);
  REQUIRE(waiting.timers.size() == 4);
  CHECK(waiting.timers[0].id == first);
  CHECK(waiting.timers[0].name == "a");
  CHECK(waiting.timers[0].body_bytes == 5);
  CHECK(waiting.timers[3].due >= waiting.timers[0].due);
  CHECK(must(at.client.cancel_timers({"later", first})) == 1);
  CHECK(at.client.cancel_timers({"later", first}).code() == errc::timer_unknown);
  CHECK(must(at.client.cancel_timers({"later", "b"})) == 2);
  CHECK(at.client.cancel_timers({"nowhere", "b"}).code() == errc::topic_unknown);
  CHECK(must(at.client.move_timers({"later", "c"}, std::chrono::milliseconds{50})) == 1);
  auto consumer = must(at.client.make_consumer({.topics = {"later"}}));
  std::vector<client::delivery> got;
  REQUIRE(eventually([&] {
    for (auto& d : must(consumer->poll(10, 100ms))) got.push_back(std::move(d));
    return !got.empty();
  }));
  REQUIRE(got.size() == 1);
  CHECK(got[0].body == "fourth");
  CHECK(at.client.move_timers({"later", "c"}, std::chrono::milliseconds{50}).code() ==
        errc::timer_unknown);
  CHECK(pending(at.client).total == 0);
}

TEST_CASE("timers: over kills and an outage each comes once, and none early") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  temp_dir dir;
  node_process node{dir.path(),
                    {{"client-port", std::to_string(free_port())},
                     {"checkpoint-entries", "200"},
                     {"checkpoint-interval-ms", "300"}}};
  node.start();
  auto c = connect_to(node.address());
  must(c.create_topic("later", 3));
  auto producer = must(c.make_producer({}));
  std::map<std::string, std::int64_t> due;
  std::map<std::string, client::message_id> ids;
  std::set<std::string> cancelled;
  int made = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::pair<std::string, std::future<result<client::receipt>>>> receipts;
    for (int i = 0; i < 800; ++i) {
      client::message m;
      m.body = std::to_string(++made);
      m.deliver_at = later(wall_now(), static_cast<std::int64_t>(random.between(1, 6'000)));
      if (random.percent(10)) m.deliver_at = later(m.deliver_at, 86'400'000);
      due[m.body] = m.deliver_at.value;
      receipts.emplace_back(m.body, producer->send_async("later", m));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(20, 200)});
    node.kill();
    if (round == 2) std::this_thread::sleep_for(std::chrono::milliseconds{1'500});
    node.start();
    for (auto& [body, receipt] : receipts) ids[body] = must(receipt.get()).id;
    // Those of tomorrow are cancelled, or brought to today.
    for (const auto& [body, receipt] : receipts) {
      if (due[body] < later(wall_now(), 10'000).value) continue;
      if (random.percent(50)) {
        CHECK(must(c.cancel_timers({"later", ids[body]})) == 1);
        cancelled.insert(body);
        due.erase(body);
      } else {
        const auto to = later(wall_now(), static_cast<std::int64_t>(random.between(1, 2'000)));
        CHECK(must(c.move_timers({"later", ids[body]}, to)) == 1);
        due[body] = to.value;
      }
    }
  }
  CHECK(eventually([&] { return must(c.list_timers("later")).total == 0; }, 60s));
  std::map<std::string, int> times;
  for (std::uint32_t q = 0; q < 3; ++q) {
    client::consumer_options options;
    options.topics = {"later"};
    options.queues = {queue_number{q}};
    const auto end = must(c.describe_topic("later")).queues[q].end;
    auto consumer = must(c.make_consumer(options));
    for (std::uint64_t seen = 0; seen < end.value;) {
      const auto some = must(consumer->poll(1'000, 10s));
      REQUIRE_FALSE(some.empty());
      for (const auto& d : some) {
        ++seen;
        ++times[d.body];
        CHECK(d.broker_time.value >= due_of(d));
      }
    }
  }
  std::size_t missing = 0;
  for (const auto& [body, at] : due) missing += times.contains(body) ? 0 : 1;
  CHECK(missing == 0);
  for (const auto& [body, count] : times) {
    if (count != 1 || !due.contains(body)) FAIL(body << " came " << count << " times");
    if (cancelled.contains(body)) FAIL(body << " was cancelled");
  }
  CHECK(times.size() == due.size());
  CHECK(node.stop() == exited(0));
}

TEST_CASE("timers: a node stops in order while messages become due, and delivers the rest later") {
  running_node at{{}};
  must(at.client.create_topic("later", 1));
  auto producer = must(at.client.make_producer({}));
  constexpr std::uint64_t count = 20'000;
  const auto begin = later(wall_now(), 1'000);
  std::vector<std::future<result<client::receipt>>> receipts;
  for (std::uint64_t i = 0; i < count; ++i) {
    client::message m{.body = std::to_string(i)};
    m.deliver_at = later(begin, static_cast<std::int64_t>(i / 10));
    receipts.push_back(producer->send_async("later", m));
  }
  for (auto& receipt : receipts) must(receipt.get());
  REQUIRE(
    eventually([&] { return must(at.client.describe_topic("later")).queues[0].end.value > 0; }));
  CHECK(at.node.stop() == exited(0));
  CHECK(at.node.log().find("stopped without a checkpoint") == std::string::npos);
  at.node.start();
  const auto c = connect_to(at.node.address());
  CHECK(eventually([&] { return must(c.describe_topic("later")).queues[0].end.value == count; }));
  CHECK(bodies_in(at.node.address(), "later", queue_number{0}).size() == count);
}

TEST_CASE("timers: the shell stores, lists, moves and cancels them") {
  running_node at{{}};
  must(at.client.create_topic("later", 1));
  CHECK(
    at.run({"produce", "later", "--body", "x", "--delay", "level18", "--timer-name", "n"}).code ==
    0);
  CHECK(at.run({"produce", "later", "--body", "y", "--deliver-at", "2999-01-01T00:00:00Z"}).code ==
        0);
  const auto listed = at.run({"timer", "list", "later"});
  CHECK(listed.code == 0);
  CHECK(listed.out.find("2999-01-01") != std::string::npos);
  CHECK(at.run({"timer", "move", "later", "--name", "n", "--in", "12h"}).code == 0);
  CHECK(at.run({"timer", "cancel", "later", "--name", "n"}).code == 0);
  const auto late = at.run({"timer", "cancel", "later", "--name", "n"});
  CHECK(late.code == 1);
  CHECK(late.err.find("timer_unknown") != std::string::npos);
  CHECK(pending(at.client).total == 1);
}

TEST_CASE("timers: a shard takes no more than timers-max, and a backup has them") {
  running_node at{{{"timers-max", "10"}}};
  must(at.client.create_topic("later", 1));
  auto producer = must(at.client.make_producer({}));
  const auto send = [&] {
    client::message m;
    m.body = "x";
    m.delay = 1h;
    return producer->send("later", m);
  };
  for (int i = 0; i < 10; ++i) must(send());
  CHECK(send().code() == errc::too_many_timers);
  must(producer->send("later", {.body = "now"}));
  temp_dir copy;
  node_process restored{copy.path(), {{"client-port", std::to_string(free_port())}}};
  must(at.client.backup(restored.data_dir().string()));
  restored.start();
  CHECK(pending(connect_to(restored.address())).total == 10);
  CHECK(restored.stop() == exited(0));
}

} // namespace carafe::test
