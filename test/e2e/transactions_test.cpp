#include "test/core/dice.hpp"
#include "test/e2e/node_process.hpp"
#include "test/e2e/running_node.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/e2e/traffic.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace carafe::test {
namespace {

using client::transaction_outcome;

/// The application's own data: what it has decided about each transaction.
class decisions {
public:
  void put(const client::transaction& t, transaction_outcome what) {
    if (const auto name = t.name()) {
      auto guard = std::lock_guard{mutex_};
      all_[to_string(*name)] = what;
    }
  }
  [[nodiscard]] transaction_outcome of(const client::transaction_check& check) {
    auto guard = std::lock_guard{mutex_};
    const auto at = all_.find(to_string(check.transaction));
    return at == all_.end() ? transaction_outcome::unknown : at->second;
  }

private:
  std::mutex mutex_;
  std::map<std::string, transaction_outcome> all_;
};

client::transaction_options quick(const std::shared_ptr<decisions>& known) {
  client::transaction_options out;
  out.group = "shop";
  out.check = [known](const client::transaction_check& check) { return known->of(check); };
  out.check_first = 300ms;
  out.check_every = 500ms;
  return out;
}

/// How often each body is in the topic.
std::map<std::string, int> times_seen(const client::client& c, const std::string& topic) {
  std::map<std::string, int> out;
  for (const auto& queue : must(c.describe_topic(topic)).queues) {
    client::consumer_options options;
    options.topics = {topic};
    options.queues = {queue.number};
    auto consumer = must(c.make_consumer(options));
    for (std::uint64_t seen = 0; seen < queue.end.value;) {
      const auto some = must(consumer->poll(1'000, 10s));
      REQUIRE_FALSE(some.empty());
      seen += some.size();
      for (const auto& d : some) ++out[d.body];
    }
  }
  return out;
}

/// A process that sends transactions of three messages, one a shard, and ends each as its seed
/// says; some it leaves to the check. What it has decided is the oracle.
class buyer {
public:
  buyer(const std::string& address, int number, std::uint64_t seed,
        std::shared_ptr<decisions> known)
    : thread_([this, address, number, seed, known] { run(address, number, seed, known); }) {}
  ~buyer() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  /// Of each transaction by its number's text: whether its messages are to be seen.
  std::map<std::string, bool> wanted;

private:
  void run(const std::string& address, int number, std::uint64_t seed,
           const std::shared_ptr<decisions>& known) {
    dice random{seed};
    auto c = connect_to(address);
    auto producer = must(c.make_transaction_producer(quick(known)));
    for (int i = 0; !stop_; ++i) {
      const auto name = std::to_string(number) + "." + std::to_string(i);
      auto t = producer->begin();
      for (std::uint32_t q = 0; q < 3; ++q)
        must(t->send("tx", {.body = name + "/" + std::to_string(q)}, queue_number{q}));
      const bool prepared = t->prepare().ok();
      const bool commit = prepared && random.percent(60);
      known->put(*t, commit ? transaction_outcome::commit : transaction_outcome::rollback);
      wanted[name] = commit;
      if (random.percent(25)) continue; // It dies here: the node asks.
      static_cast<void>(commit ? t->commit() : t->rollback());
    }
  }

  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

} // namespace

TEST_CASE("transactions: seen whole and once, or never, over kill -9 and three shards") {
  running_node at{{{"shards", "3"}}};
  must(at.client.create_topic("tx", 3));
  const auto seed = seed_of_run();
  dice random{seed};
  const auto known = std::make_shared<decisions>();
  std::map<std::string, bool> wanted;
  {
    std::vector<std::unique_ptr<buyer>> buyers;
    for (int i = 0; i < 3; ++i)
      buyers.push_back(std::make_unique<buyer>(at.node.address(), i, seed + 1 + i, known));
    for (int kill = 0; kill < 5; ++kill) {
      std::this_thread::sleep_for(std::chrono::milliseconds{random.between(200, 900)});
      at.node.kill();
      at.node.start();
    }
    std::this_thread::sleep_for(300ms);
    for (auto& each : buyers) {
      each->stop();
      wanted.merge(each->wanted);
    }
  }
  // A producer of the group that was not there before resolves what is open.
  const auto c = connect_to(at.node.address());
  auto resolver = must(c.make_transaction_producer(quick(known)));
  CHECK(eventually([&] { return must(c.list_transactions()).total == 0; }, 60s));
  const auto all = must(c.list_transactions());
  CHECK(all.pending == 0);
  CHECK(all.prepared == all.committed + all.rolled_back);
  const auto seen = times_seen(c, "tx");
  std::size_t commits = 0;
  for (const auto& [name, commit] : wanted) {
    commits += commit ? 1 : 0;
    for (int q = 0; q < 3; ++q) {
      const auto at_queue = seen.find(name + "/" + std::to_string(q));
      const int times = at_queue == seen.end() ? 0 : at_queue->second;
      if (times != (commit ? 1 : 0))
        FAIL(name << "/" << q << " was seen " << times << " times, commit: " << commit);
    }
  }
  CHECK(commits > 0);
  CHECK(commits < wanted.size());
  CHECK(seen.size() == 3 * commits);
  CHECK(all.committed == 3 * commits);
  CHECK(at.node.stop() == exited(0));
}

TEST_CASE("transactions: what is consumed and what is made of it are one, over kill -9") {
  running_node at{{{"shards", "3"}}};
  must(at.client.create_topic("in", 3));
  must(at.client.create_topic("out", 1));
  client::group_definition group;
  group.name = "transform";
  group.mode = "shared";
  group.topics = {"in"};
  group.delivery.lease_ms = 2'000;
  group.delivery.backoff_ms = {200};
  group.delivery.attempts_max = 1'000;
  must(at.client.put_group(group));
  constexpr int count = 300;
  {
    auto producer = must(at.client.make_producer({}));
    for (int i = 0; i < count; ++i) must(producer->send("in", {.body = std::to_string(i)}));
  }
  std::atomic<bool> stop = false;
  const auto work = [&](std::uint64_t seed) {
    dice random{seed};
    auto c = connect_to(at.node.address());
    client::consumer_options options;
    options.topics = {"in"};
    options.group = "transform";
    options.mode = client::group_mode::shared;
    options.in_flight_max = 8;
    auto consumer = must(c.make_consumer(options));
    auto producer = must(c.make_transaction_producer({.group = "transform"}));
    while (!stop) {
      const auto some = consumer->poll(4, 100ms);
      if (!some || some->empty()) continue;
      // One message a transaction: then its shard is the coordinator, which sees what comes too
      // late.
      for (const auto& d : *some) {
        auto t = producer->begin();
        must(t->send("out", {.body = d.body}));
        must(t->acknowledge(*consumer, d));
        if (random.percent(20)) static_cast<void>(t->rollback()); // It gives up: neither of both.
        if (!t->commit()) static_cast<void>(consumer->nack(d));
      }
    }
  };
  const auto seed = seed_of_run();
  dice random{seed};
  std::vector<std::thread> workers;
  for (std::uint64_t i = 0; i < 2; ++i) workers.emplace_back(work, seed + 1 + i);
  for (int kill = 0; kill < 4; ++kill) {
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(100, 500)});
    at.node.kill();
    at.node.start();
  }
  const auto c = connect_to(at.node.address());
  CHECK(eventually(
    [&] {
      const auto told = c.describe_group("transform");
      if (!told) return false;
      std::uint64_t lag = 0;
      for (const auto& queue : told->queues) lag += queue.lag;
      return lag == 0;
    },
    60s));
  stop = true;
  for (auto& each : workers) each.join();
  const auto seen = times_seen(c, "out");
  CHECK(seen.size() == count);
  for (const auto& [body, times] : seen)
    if (times != 1) FAIL(body << " is there " << times << " times");
  CHECK(at.node.stop() == exited(0));
}

TEST_CASE("transactions: an operator lists open ones and ends them") {
  running_node at{{}};
  must(at.client.create_topic("t", 1));
  const auto made =
    at.run.json({"tx", "produce", "t", "--group", "shop", "--leave-open"}, "one\ntwo\n");
  REQUIRE(made.code == 0);
  const std::string name = made.object()["transaction"];
  CHECK(at.run.json({"tx", "produce", "t", "--group", "shop", "--body", "x", "--rollback"}).code ==
        0);
  at.node.kill();
  at.node.start();
  const auto listed = at.run.json({"tx", "list"});
  REQUIRE(listed.code == 0);
  CHECK(listed.object()["transaction"] == name);
  CHECK(listed.object()["state"] == "open");
  CHECK(listed.object()["messages"] == 2);
  CHECK(times_seen(at.client, "t").empty());
  CHECK(at.run({"tx", "commit", name}).out == name + " is committed\n");
  CHECK(times_seen(at.client, "t") == std::map<std::string, int>{{"one", 1}, {"two", 1}});
  CHECK(at.run.json({"tx", "rollback", name}).error_code() == "tx_ended");
  const auto counts = at.run.json({"tx", "list", "--counts"}).object();
  CHECK(counts["prepared_messages"] == 3);
  CHECK(counts["committed_messages"] == 2);
  CHECK(counts["rolled_back_messages"] == 1);
  CHECK(counts["pending_messages"] == 0);
}

TEST_CASE("transactions: a shard has no more open ones than transactions-max") {
  running_node at{{{"transactions-max", "1"}}};
  must(at.client.create_topic("t", 1));
  auto producer = must(at.client.make_transaction_producer({.group = "shop"}));
  auto first = producer->begin();
  must(first->send("t", {.body = "a"}));
  must(first->prepare());
  auto second = producer->begin();
  must(second->send("t", {.body = "b"}));
  CHECK(second->commit().code() == errc::too_many_transactions);
  must(first->commit());
  must(second->commit()); // It is tried again.
  CHECK(times_seen(at.client, "t").size() == 2);
}

} // namespace carafe::test
