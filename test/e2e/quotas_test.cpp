#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <future>
#include <string>
#include <vector>

namespace carafe::test {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t kib = 1024;

std::vector<std::future<result<client::receipt>>> send_kilobytes(client::producer& p,
                                                                 std::size_t count) {
  std::vector<std::future<result<client::receipt>>> out;
  for (std::size_t i = 0; i < count; ++i) {
    auto body = std::to_string(i) + ' ';
    body.resize(kib, 'x');
    out.push_back(p.send_async("t", {.body = std::move(body)}));
  }
  return out;
}

} // namespace

TEST_CASE(
  "quota: an application that sends too fast waits; over a kill -9 all is stored in order") {
  running_node at;
  must(at.client.create_topic("t", 1, {.produce_bytes_per_second = 200 * kib}));
  client::producer_options options;
  options.batch_bytes = 8 * kib;
  options.in_flight_bytes_max = 64 * kib;
  // Shorter than it takes: the time for which the node asks to wait does not count.
  options.delivery_timeout = 1'500ms;
  options.quota_wait = 1min;
  auto producer = must(at.client.make_producer(options));
  const auto began = clock::now();
  auto receipts = send_kilobytes(*producer, 900);
  must(producer->flush());
  // One second's worth at once, and the rest at its rate.
  CHECK(clock::now() - began >= 2'500ms);
  std::uint64_t next = 0;
  for (auto& each : receipts) CHECK(must(each.get()).offset == offset{next++});
  const auto refused = must(at.client.describe_topic("t")).throttled.produce_refused;
  CHECK(refused > 0);
  CHECK(must(at.client.node_status()).throttled.produce_refused == refused);
  CHECK(at.node.log().find("the produce quota of topic t: 204800 bytes a second is reached") !=
        std::string::npos);

  at.node.kill();
  at.node.start();
  CHECK(must(at.client.describe_topic("t")).settings.produce_bytes_per_second == 200 * kib);
  auto slow = must(at.client.make_producer({.batch_bytes = 8 * kib}));
  const auto again = clock::now();
  for (auto& each : send_kilobytes(*slow, 500)) CHECK(must(each.get()).offset == offset{next++});
  CHECK(clock::now() - again >= 1'000ms);
  const auto bodies = bodies_in(at.node.address(), "t", queue_number{0});
  REQUIRE(bodies.size() == 1'400);
  for (std::size_t i = 0; i < 900; ++i)
    REQUIRE(bodies[i].substr(0, bodies[i].find(' ')) == std::to_string(i));
}

TEST_CASE("quota: readers and groups get everything, no faster than the topic's consume quota") {
  running_node at;
  must(at.client.create_topic("t", 2));
  auto producer = must(at.client.make_producer({.batch_bytes = 8 * kib}));
  send_kilobytes(*producer, 600);
  must(producer->flush());
  must(at.client.alter_topic("t", {.consume_bytes_per_second = 200 * kib}));
  for (const auto mode : {client::group_mode::ordered, client::group_mode::shared}) {
    const auto began = clock::now();
    client::consumer_options options{.topics = {"t"}, .group = "g"};
    options.group += std::to_string(static_cast<int>(mode));
    options.mode = mode;
    auto consumer = must(at.client.make_consumer(options));
    std::size_t got = 0;
    while (got < 600) {
      const auto some = must(consumer->poll(1'000, 10s));
      REQUIRE_FALSE(some.empty());
      for (const auto& d : some) must(consumer->ack(d));
      got += some.size();
    }
    CHECK(got == 600);
    CHECK(clock::now() - began >= 1'500ms);
  }
  CHECK(must(at.client.describe_topic("t")).throttled.consume_paused_ms > 0);
}

TEST_CASE("quota: a client's quotas come from the node's settings and go by its name") {
  running_node at{
    {{"client-produce-bytes-per-second", "100KiB"}, {"client-consume-bytes-per-second", "100KiB"}}};
  must(at.client.create_topic("t", 1));
  const auto named = [&](const std::string& name) {
    return must(client::connect({.node = at.node.address(), .name = name}));
  };
  auto one = named("importer"), two = named("importer"), other = named("other");
  client::producer_options options;
  options.batch_bytes = 4 * kib;
  const auto began = clock::now();
  auto a = must(one.make_producer(options)), b = must(two.make_producer(options));
  auto first = send_kilobytes(*a, 150), second = send_kilobytes(*b, 150);
  must(a->flush());
  must(b->flush());
  CHECK(clock::now() - began >= 1'500ms);
  auto c = must(other.make_producer(options));
  const auto refused = must(at.client.node_status()).throttled.produce_refused;
  CHECK(refused > 0);
  send_kilobytes(*c, 50);
  must(c->flush());
  CHECK(must(at.client.node_status()).throttled.produce_refused == refused);
  const auto reading = clock::now();
  auto consumer = must(other.make_consumer({.topics = {"t"}}));
  std::size_t got = 0;
  while (got < 350) got += must(consumer->poll(1'000, 10s)).size();
  CHECK(clock::now() - reading >= 1'500ms);
}

TEST_CASE("quota: the shell sets and shows quotas, and refuses what cannot be one") {
  running_node at;
  const auto made =
    at.run.json({"topic", "create", "t", "--queues", "1", "--produce-quota", "10MiB"});
  REQUIRE(made.code == 0);
  CHECK(made.object().at("produce_quota_bytes") == 10u << 20);
  CHECK(made.object().at("consume_quota_bytes") == 0);
  const auto altered = at.run.json({"topic", "alter", "t", "--consume-quota", "50MiB"});
  CHECK(altered.object().at("produce_quota_bytes") == 10u << 20);
  CHECK(altered.object().at("consume_quota_bytes") == 50u << 20);
  CHECK(at.run.json({"topic", "alter", "t", "--produce-quota", "0"})
          .object()
          .at("produce_quota_bytes") == 0);
  CHECK(at.run({"topic", "alter", "t", "--produce-quota", "fast"}).code == 2);
  CHECK(at.client.alter_topic("t", {.produce_bytes_per_second = ~0ull}).code() ==
        errc::invalid_argument);
  // A small one: the command waits, and all of it is stored.
  REQUIRE(at.run({"topic", "alter", "t", "--produce-quota", "20KiB"}).code == 0);
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += std::string(400, 'x') + '\n';
  CHECK(at.run({"produce", "t"}, lines).code == 0);
  CHECK(at.run.json({"topic", "describe", "t"}).object().at("messages") == 100);
}

TEST_CASE("quota: produce says that one holds it up, and ends at its time-out or a signal") {
  running_node at;
  must(at.client.create_topic("t", 1, {.produce_bytes_per_second = 1}));
  REQUIRE(at.run({"produce", "t", "--body", "x"}).code == 0); // One frame passes.
  const auto late = at.run({"produce", "t", "--body", "x", "--timeout", "1000"});
  CHECK(late.code == 1);
  CHECK(late.err.find("held up: the produce quota of topic t") != std::string::npos);
  CHECK(late.err.find("too_many_requests") != std::string::npos);
  CHECK(late.err.find("it would take another") != std::string::npos);
  client::producer_options options;
  options.delivery_timeout = 500ms;
  auto producer = must(at.client.make_producer(options));
  CHECK(producer->send("t", {.body = "x"}).code() == errc::too_many_requests);

  const auto refused = must(at.client.describe_topic("t")).throttled.produce_refused;
  auto held = at.run.launch({"produce", "t", "--body", "x"});
  REQUIRE(eventually(
    [&] { return must(at.client.describe_topic("t")).throttled.produce_refused > refused; }));
  held->signal(SIGTERM);
  CHECK(held->wait(10s) == exited(1));
  CHECK(held->err().find("given up") != std::string::npos);
  CHECK(must(at.client.describe_topic("t")).queues[0].end == offset{1});
}

} // namespace carafe::test
