#include "test/core/dice.hpp"
#include "test/e2e/node_process.hpp"
#include "test/e2e/running_node.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace carafe::test {
namespace {

constexpr std::uint64_t keys = 40;
constexpr std::size_t mib = 1u << 20;

/// What consumers saw, by key: messages of a key are numbered from 1.
class ledger {
public:
  /// A message of a key may come again, but none before those in front of it were acknowledged.
  void delivered(const std::string& key, std::uint64_t number) {
    auto guard = std::lock_guard{mutex_};
    if (number > acknowledged_[key] + 1)
      wrong_ = "message " + std::to_string(number) + " of " + key + " came when " +
               std::to_string(acknowledged_[key]) + " were acknowledged";
  }
  void acknowledging(const std::string& key, std::uint64_t number) {
    auto guard = std::lock_guard{mutex_};
    auto& last = acknowledged_[key];
    last = std::max(last, number);
  }
  [[nodiscard]] std::uint64_t acknowledged(const std::string& key) {
    auto guard = std::lock_guard{mutex_};
    return acknowledged_[key];
  }
  [[nodiscard]] std::string wrong() {
    auto guard = std::lock_guard{mutex_};
    return wrong_;
  }

private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> acknowledged_;
  std::string wrong_;
};

/// A consumer of a keyed group; now and then a message fails.
class keyed_worker {
public:
  keyed_worker(const std::string& address, std::uint64_t seed, ledger& book)
    : client_(connect_to(address)),
      consumer_(must(client_.make_consumer(
        {.topics = {"load"}, .group = "workers", .mode = client::group_mode::keyed}))),
      thread_([this, seed, &book] { work(dice{seed}, book); }) {}
  ~keyed_worker() { stop(); }

  void stop() {
    if (stopping_.exchange(true)) return;
    thread_.join();
    const auto closed = consumer_->close();
    if (!closed && failure_.empty()) failure_ = closed.error().message();
  }
  [[nodiscard]] const std::string& failure() const { return failure_; }

private:
  void work(dice random, ledger& book) {
    while (!stopping_) {
      auto messages = consumer_->poll(100, std::chrono::milliseconds{50});
      if (!messages) {
        failure_ = messages.error().message();
        return;
      }
      for (const auto& d : *messages) {
        const auto number = std::stoull(d.body);
        book.delivered(d.key, number);
        if (random.percent(5)) {
          (void)consumer_->nack(d, {.delay = std::chrono::milliseconds{10}, .error = "dice"});
          continue;
        }
        book.acknowledging(d.key, number);
        (void)consumer_->ack(d);
      }
    }
  }

  client::client client_;
  std::unique_ptr<client::consumer> consumer_;
  std::string failure_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

} // namespace

TEST_CASE("keyed: killed nodes and failing messages lose nothing, and keep each key's order") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  temp_dir dir;
  node_process node{dir.path(),
                    {{"client-port", std::to_string(free_port())},
                     {"checkpoint-entries", "300"},
                     {"checkpoint-interval-ms", "200"}}};
  node.start();
  const auto admin = connect_to(node.address());
  must(admin.create_topic("load", 4));
  client::group_definition group{.name = "workers", .mode = "keyed", .topics = {"load"}};
  group.delivery.lease_ms = 1'000;
  group.delivery.backoff_ms = {20};
  group.delivery.attempts_max = 1'000;
  must(admin.put_group(group));

  ledger book;
  std::map<std::string, std::uint64_t> sent;
  {
    keyed_worker a{node.address(), seed + 1, book}, b{node.address(), seed + 2, book},
      c{node.address(), seed + 3, book};
    auto producer = must(admin.make_producer({}));
    for (int kill = 0; kill < 6; ++kill) {
      std::vector<std::future<result<client::receipt>>> receipts;
      for (int i = 0; i < 1'500; ++i) {
        const auto key = "k" + std::to_string(random.below(keys));
        receipts.push_back(
          producer->send_async("load", {.body = std::to_string(++sent[key]), .key = key}));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{random.between(20, 200)});
      node.kill();
      node.start();
      for (auto& receipt : receipts) must(receipt.get());
    }
    const auto all_done = [&] {
      for (const auto& [key, count] : sent)
        if (book.acknowledged(key) < count) return false;
      const auto now = admin.describe_group("workers");
      if (!now) return false;
      std::uint64_t lag = 0;
      for (const auto& queue : now->queues) lag += queue.lag;
      return lag == 0;
    };
    CHECK(eventually(all_done, 60s));
    for (auto* worker : {&a, &b, &c}) {
      worker->stop();
      CHECK(worker->failure() == "");
    }
  }
  CHECK(book.wrong() == "");
  CHECK(must(admin.dead_letters("workers")).empty());
  CHECK(node.stop() == exited(0));
}

TEST_CASE(
  "shared: of what can be delivered, higher priorities come first, and nothing is forgotten") {
  running_node at{{}};
  must(at.client.create_topic("t", 1));
  auto producer = must(at.client.make_producer({}));
  constexpr std::size_t usual = 400;
  constexpr std::size_t urgent = 20;
  for (std::size_t i = 0; i < usual; ++i) must(producer->send("t", {.body = "usual"}));
  for (std::size_t i = 0; i < urgent; ++i) {
    client::message m{.body = "urgent"};
    m.priority = 9;
    must(producer->send("t", m));
  }
  auto consumer = must(at.client.make_consumer(
    {.topics = {"t"}, .group = "g", .mode = client::group_mode::shared, .in_flight_max = 5}));
  std::vector<std::string> order;
  REQUIRE(eventually([&] {
    for (const auto& d : must(consumer->poll(5, 50ms))) {
      order.push_back(d.body);
      CHECK(d.priority == (d.body == "urgent" ? 9 : 4));
      must(consumer->ack(d));
    }
    return order.size() == usual + urgent;
  }));
  const auto last = std::find(order.rbegin(), order.rend(), "urgent");
  CHECK(order.rend() - last < static_cast<std::ptrdiff_t>(usual / 2));
}

TEST_CASE("shared: what is older than its time to live is not delivered") {
  running_node at{{}};
  must(at.client.create_topic("t", 1));
  auto producer = must(at.client.make_producer({}));
  client::message m{.body = "stale"};
  m.ttl = 1ms;
  const auto stored = must(producer->send("t", m));
  m.body = "kept";
  m.ttl = 1h;
  must(producer->send("t", m));
  // Its age is told by the node's clock.
  REQUIRE(eventually([&] {
    return must(producer->send("t", {.body = "later"})).broker_time.value >
           stored.broker_time.value + 1;
  }));
  auto consumer = must(
    at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared}));
  std::vector<std::string> got;
  REQUIRE(eventually([&] {
    for (const auto& d : must(consumer->poll(10, 50ms))) {
      got.push_back(d.body);
      must(consumer->ack(d));
    }
    return !got.empty() && got.back() == "later";
  }));
  CHECK(got.front() == "kept");
  REQUIRE(eventually([&] { return must(at.client.describe_group("g")).queues[0].lag == 0; }));
}

TEST_CASE("shared: rejected messages become dead letters, and come back when they are redriven") {
  running_node at{{}};
  must(at.client.create_topic("t", 2));
  auto producer = must(at.client.make_producer({}));
  for (int i = 0; i < 50; ++i)
    must(producer->send_async("t", {.body = std::to_string(i), .key = std::to_string(i)}).get());
  auto consumer = must(
    at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared}));
  std::set<std::string> bad;
  std::size_t seen = 0;
  REQUIRE(eventually([&] {
    for (const auto& d : must(consumer->poll(100, 50ms))) {
      ++seen;
      if (std::stoi(d.body) % 10 == 3) {
        bad.insert(d.body);
        CHECK(consumer->reject(d, "ends in 3").ok());
      } else {
        CHECK(consumer->ack(d).ok());
      }
    }
    return seen == 50;
  }));
  CHECK(consumer->commit().ok());
  const auto count = [&] {
    std::uint64_t sum = 0;
    for (const auto& range : must(at.client.dead_letters("g"))) sum += range.count;
    return sum;
  };
  REQUIRE(eventually([&] { return count() == bad.size(); }));
  for (const auto& letter : must(at.client.redrive("g", must(at.client.dead_letters("g")))))
    CHECK(letter.why.code == errc::none);
  CHECK(count() == 0);
  std::set<std::string> back;
  CHECK(eventually([&] {
    for (const auto& d : must(consumer->poll(100, 50ms))) {
      back.insert(d.body);
      CHECK(d.topic == "t");
      CHECK(consumer->ack(d).ok());
    }
    return back == bad;
  }));
  CHECK(consumer->close().ok());
}

TEST_CASE("shared: a filter of the group lets through what it says, for any consumer") {
  running_node at{{}};
  must(at.client.create_topic("t", 2));
  auto producer = must(at.client.make_producer({}));
  for (int i = 0; i < 40; ++i)
    must(producer
           ->send_async("t", {.body = std::to_string(i),
                              .tag = i % 2 == 0 ? "even" : "odd",
                              .properties = {{"n", std::to_string(i)}}})
           .get());
  const client::message_filter filter{client::message_filter::kind::sql, "TAG = 'odd' AND n >= 30"};
  auto consumer = must(at.client.make_consumer(
    {.topics = {"t"}, .group = "g", .mode = client::group_mode::shared, .filter = filter}));
  std::set<int> got;
  CHECK(eventually([&] {
    for (const auto& d : must(consumer->poll(100, 50ms))) {
      got.insert(std::stoi(d.body));
      CHECK(consumer->ack(d).ok());
    }
    return got.size() >= 5;
  }));
  CHECK(consumer->commit().ok());
  CHECK(got == std::set<int>{31, 33, 35, 37, 39});
  const auto lag = [&] {
    std::uint64_t sum = 0;
    for (const auto& queue : must(at.client.describe_group("g")).queues) sum += queue.lag;
    return sum;
  };
  CHECK(eventually([&] { return lag() == 0; }));
  CHECK(at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared})
          .code() == errc::subscription_mismatch);
}

TEST_CASE("shared: a message that waits for its next attempt outlives retention and kill -9") {
  running_node at{{{"retention-ms", "300"}, {"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("t", 1));
  must(at.client.create_topic("fill", 1));
  must(at.client.put_group({.name = "g", .mode = "shared", .topics = {"t"}}));
  auto producer = must(at.client.make_producer({}));
  must(producer->send("t", {.body = "the one that waits", .key = "k"}));
  must(producer->send("t", {.body = "the one that is lent"}));
  {
    auto consumer = must(
      at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared}));
    std::size_t met = 0;
    REQUIRE(eventually([&] {
      for (const auto& d : must(consumer->poll(10, 100ms))) {
        ++met;
        if (!d.key.empty()) must(consumer->nack(d, {.delay = 4s, .error = "not now"}));
      }
      return met == 2;
    }));
    // Other messages push these two out of the log.
    REQUIRE(eventually([&] {
      for (int i = 0; i < 4; ++i) must(producer->send("fill", {.body = std::string(mib, 'x')}));
      return must(at.client.describe_topic("t")).queues.at(0).earliest == offset{2};
    }));
    must(consumer->close());
  }
  at.node.kill();
  at.node.start();
  auto consumer = must(
    at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared}));
  std::map<std::string, client::delivery> got;
  REQUIRE(eventually([&] {
    for (auto& d : must(consumer->poll(10, 100ms))) got.emplace(d.body, d);
    return got.size() == 2;
  }));
  const auto& waited = got.at("the one that waits");
  CHECK(waited.offset == offset{0});
  CHECK(waited.attempt == 2);
  // The other was given back when its consumer was closed, so it has not failed.
  const auto& lent = got.at("the one that is lent");
  CHECK(lent.offset == offset{1});
  CHECK(lent.attempt == 1);
  must(consumer->ack(waited));
  must(consumer->ack(lent));
  must(consumer->close());
  CHECK(at.node.stop() == exited(0));
  CHECK(at.run({"log", "verify", at.node.data_dir().string()}).code == 0);
}

TEST_CASE("a topic's time to live, set in the shell, ends messages before they are delivered") {
  running_node at;
  CHECK(at.run({"topic", "create", "t", "--queues", "1", "--ttl", "50ms"}).code == 0);
  CHECK(at.run({"group", "create", "g", "--topics", "t", "--mode", "shared", "--expired", "dead"})
          .code == 0);
  must(at.client.create_topic("clock", 1));
  auto producer = must(at.client.make_producer({}));
  must(producer->send("t", {.body = "too late"}));
  const auto sent = must(at.client.describe_topic("t")).queues.at(0).last_time;
  REQUIRE(eventually([&] {
    must(producer->send("clock", {.body = "x"}));
    return must(at.client.describe_topic("clock")).queues.at(0).last_time.value > sent.value + 50;
  }));
  auto consumer = must(
    at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared}));
  std::vector<client::delivery> got;
  REQUIRE(eventually([&] {
    for (auto& d : must(consumer->poll(10, 20ms))) got.push_back(d);
    return must(at.client.describe_group("g")).queues.at(0).lag == 0;
  }));
  CHECK(got.empty());
  must(consumer->close());
  const auto letters = at.run({"dlq", "list", "g", "--json"});
  CHECK(letters.code == 0);
  CHECK(letters.out.find("expired") != std::string::npos);
}

TEST_CASE("dead letters are listed, redriven and purged by what is in them") {
  running_node at;
  must(at.client.create_topic("t", 2));
  auto producer = must(at.client.make_producer({}));
  for (const auto* key : {"a", "b", "c", "d"}) must(producer->send("t", {.body = "x", .key = key}));
  auto consumer = must(
    at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::shared}));
  int rejected = 0;
  REQUIRE(eventually([&] {
    for (const auto& d : must(consumer->poll(10, 20ms))) {
      must(consumer->reject(d, d.key < "c" ? "timeout of the bank" : "no such account"));
      ++rejected;
    }
    return rejected == 4;
  }));
  must(consumer->close());
  const auto listed = [&](std::vector<std::string> how) {
    how.insert(how.begin(), {"dlq", "list", "g"});
    const auto out = at.run.json(how);
    REQUIRE(out.code == 0);
    return out.lines().size();
  };
  CHECK(listed({}) == 4);
  CHECK(listed({"--error", "timeout"}) == 2);
  CHECK(listed({"--error", "timeout", "--key", "b"}) == 1);
  CHECK(listed({"--property", "carafe-dead-error=no such account", "--count", "1"}) == 1);
  CHECK(at.run({"dlq", "show", "g", "--key", "none"}).code == 1);
  const auto done = at.run.json({"dlq", "redrive", "g", "--error", "timeout"});
  CHECK(done.code == 0);
  CHECK(done.lines().size() == 2);
  CHECK(listed({}) == 2);
  CHECK(at.run({"dlq", "purge", "g", "--key", "d", "--yes"}).code == 0);
  CHECK(listed({}) == 1);
}

TEST_CASE(
  "keyed: keys that always fail hold up nobody else, and end in the dead letters in order") {
  running_node at{{}};
  must(at.client.create_topic("t", 4));
  client::group_definition group{.name = "g", .mode = "keyed", .topics = {"t"}};
  group.delivery.backoff_ms = {0};
  group.delivery.attempts_max = 3;
  must(at.client.put_group(group));
  static constexpr int keys = 100, each = 20;
  auto producer = must(at.client.make_producer({}));
  for (int round = 0; round < each; ++round)
    for (int key = 0; key < keys; ++key)
      (void)producer->send_async("t",
                                 {.body = std::to_string(round), .key = "k" + std::to_string(key)});
  must(producer->flush());
  auto consumer = must(
    at.client.make_consumer({.topics = {"t"}, .group = "g", .mode = client::group_mode::keyed}));
  std::map<std::string, int> healthy;
  int poisoned = 0;
  REQUIRE(eventually(
    [&] {
      for (const auto& d : must(consumer->poll(500, 50ms))) {
        if (d.key == "k7") { // None of its later messages comes before this one is dead.
          CHECK(d.body == std::to_string(poisoned++ / 3));
          must(consumer->nack(d, {.error = "poison"}));
          continue;
        }
        CHECK(d.body == std::to_string(healthy[d.key]++));
        must(consumer->ack(d));
      }
      return poisoned == 3 * each && healthy.size() == keys - 1 &&
             std::ranges::all_of(healthy, [](const auto& key) { return key.second == each; });
    },
    60s));
  must(consumer->close());
  CHECK(eventually([&] {
    std::uint64_t letters = 0;
    for (const auto& range : must(at.client.dead_letters("g"))) letters += range.count;
    return letters == each;
  }));
}

} // namespace carafe::test
