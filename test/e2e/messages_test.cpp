#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <iostream>
#include <set>

namespace carafe::test {
namespace {

constexpr std::size_t mib = 1u << 20;

/// The next message of a consumer.
client::delivery next(client::consumer& from) {
  std::vector<client::delivery> got;
  eventually([&] { return !(got = must(from.poll(1, 100ms))).empty(); });
  return got.at(0);
}

} // namespace

TEST_CASE("client: a message comes out as it went in") {
  running_node at;
  must(at.client.create_topic("t", 2));
  auto p = must(at.client.make_producer({}));
  client::message m{.body = std::string("zero\0byte", 9),
                    .key = "k",
                    .tag = "urgent",
                    .properties = {{"b", "2"}, {"a", "1"}, {"empty", ""}},
                    .born = unix_ms{1'700}};
  const auto receipt = must(p->send("t", m));
  CHECK(receipt.topic == "t");
  CHECK(receipt.offset == offset{0});
  CHECK(receipt.reached == durability::fsync);
  CHECK(receipt.replicas == 1);
  CHECK_FALSE(receipt.duplicate);
  auto c = must(at.client.make_consumer({.topics = {"t"}}));
  const auto d = next(*c);
  CHECK(d.body == m.body);
  CHECK(d.key == m.key);
  CHECK(d.tag == m.tag);
  CHECK(d.properties == m.properties);
  CHECK(d.born == m.born);
  CHECK(d.id == receipt.id);
  CHECK(d.queue == receipt.queue);
  CHECK(d.number == receipt.number);
  CHECK(d.broker_time == receipt.broker_time);
}

TEST_CASE("client: the receipt tells the durability of the topic") {
  running_node at;
  auto p = must(at.client.make_producer({}));
  for (const auto mode : {durability::fsync, durability::interval, durability::memory}) {
    const auto topic = "t" + std::to_string(static_cast<int>(mode));
    must(at.client.create_topic(topic, 1, {.mode = mode}));
    CHECK(must(p->send(topic, {.body = "x"})).reached == mode);
  }
}

TEST_CASE("client: 4 MiB pass, more is refused with a clear error, and the producer goes on") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  const std::string large(4 * mib, 'x');
  CHECK(must(p->send("t", {.body = large})).offset == offset{0});
  const auto larger = p->send("t", {.body = large + "y"});
  CHECK(larger.code() == errc::message_too_large);
  CHECK_THAT(larger.error().message(), Catch::Contains("message-bytes-max"));
  CHECK(must(p->send("t", {.body = "small"})).offset == offset{1});
  auto c = must(at.client.make_consumer({.topics = {"t"}}));
  CHECK(next(*c).body == large);
  CHECK(next(*c).body == "small");
}

TEST_CASE("client: many messages in flight arrive in order, compressed or not") {
  running_node at;
  must(at.client.create_topic("t", 1));
  const auto compression = GENERATE(codec::none, codec::lz4, codec::zstd);
  auto p = must(at.client.make_producer({.compression = compression}));
  constexpr std::uint64_t count = 20'000;
  std::vector<std::future<result<client::receipt>>> answers;
  for (std::uint64_t n = 1; n <= count; ++n)
    answers.push_back(p->send_async("t", {.body = body_of({1, n}, 100)}));
  must(p->flush());
  for (std::uint64_t n = 0; n < count; ++n) REQUIRE(must(answers[n].get()).offset == offset{n});
  const auto bodies = bodies_in(at.node.address(), "t", queue_number{0});
  REQUIRE(bodies.size() == count);
  for (std::uint64_t n = 1; n <= count; ++n) REQUIRE(bodies[n - 1] == body_of({1, n}, 100));
}

TEST_CASE("client: a consumer begins at an offset, a time, or where the queue ends") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  unix_ms time;
  for (int i = 0; i < 10; ++i) {
    const auto receipt = must(p->send("t", {.body = std::to_string(i)}));
    if (i == 6) time = receipt.broker_time;
    // The next one is to be later by the clock.
    std::this_thread::sleep_for(2ms);
  }
  using kind = start_position::kind;
  const auto first = [&](start_position start) {
    auto c = must(at.client.make_consumer({.topics = {"t"}, .start = start}));
    return next(*c).body;
  };
  CHECK(first({}) == "0");
  CHECK(first({.at = kind::at_offset, .from = offset{4}}) == "4");
  CHECK(first({.at = kind::at_time, .time = time}) == "6");
  auto c = must(at.client.make_consumer({.topics = {"t"}, .start = {.at = kind::latest}}));
  REQUIRE(must(c->poll(1, 50ms)).empty());
  must(p->send("t", {.body = "new"}));
  CHECK(next(*c).body == "new");
  must(c->seek("t", queue_number{0}, {.at = kind::at_offset, .from = offset{9}}));
  CHECK(next(*c).body == "9");
  CHECK(next(*c).body == "new");
}

TEST_CASE("client: the time from a commit to a waiting consumer") {
  running_node at;
  must(at.client.create_topic("t", 1, {.mode = durability::memory}));
  auto p = must(at.client.make_producer({}));
  auto c = must(connect_to(at.node.address()).make_consumer({.topics = {"t"}}));
  must(p->send("t", {.body = "warm"}));
  next(*c);
  constexpr int rounds = 500;
  std::vector<double> sent_to_got;
  using clock = std::chrono::steady_clock;
  for (int i = 0; i < rounds; ++i) {
    const auto begun = clock::now();
    auto answer = p->send_async("t", {.body = "x"});
    REQUIRE(must(c->poll(1, 5s)).size() == 1);
    const std::chrono::duration<double, std::micro> took = clock::now() - begun;
    sent_to_got.push_back(took.count());
    must(answer.get());
  }
  std::sort(sent_to_got.begin(), sent_to_got.end());
  std::cout << "memory mode, from send to the waiting consumer: median " << sent_to_got[rounds / 2]
            << " us, 99 % within " << sent_to_got[rounds * 99 / 100] << " us\n";
}

TEST_CASE("client: every message of a topic with many queues comes, with a group and without") {
  running_node at;
  constexpr std::uint32_t queues = 40;
  must(at.client.create_topic("t", queues));
  std::set<std::string> sent;
  {
    auto p = must(at.client.make_producer({}));
    for (std::uint32_t i = 0; i < 25 * queues; ++i) {
      const auto text = std::to_string(i);
      must(p->send("t", {.body = text, .key = text}));
      sent.insert(text);
    }
  }
  client::consumer_options options{.topics = {"t"}};
  if (GENERATE(true, false)) {
    options.group = "g";
    options.start = {.at = start_position::kind::earliest};
  }
  auto c = must(at.client.make_consumer(options));
  std::set<std::string> got;
  while (got.size() < sent.size()) {
    const auto some = must(c->poll(1'000, 5s));
    REQUIRE_FALSE(some.empty());
    for (const auto& each : some) got.insert(each.body);
  }
  CHECK(got == sent);
}

} // namespace carafe::test
