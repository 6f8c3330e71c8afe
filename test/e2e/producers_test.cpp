#include "test/core/dice.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <map>
#include <string>
#include <vector>

namespace carafe::test {
namespace {

constexpr std::uint32_t queues = 4;

/// What each queue of a topic holds, from its beginning.
std::vector<std::vector<std::string>> bodies_of(const client::client& c, const std::string& topic) {
  std::uint64_t total = 0;
  for (const auto& queue : must(c.describe_topic(topic)).queues) total += queue.end.value;
  std::vector<std::vector<std::string>> out(queues);
  auto consumer = must(c.make_consumer({.topics = {topic}}));
  for (std::uint64_t got = 0; got < total;)
    for (auto& d : must(consumer->poll(1'000, 1s))) {
      out.at(d.number.value).push_back(std::move(d.body));
      ++got;
    }
  return out;
}

client::message numbered(std::uint64_t number) {
  client::message m;
  m.body = std::to_string(number);
  m.sequence = sequence{number};
  return m;
}

/// What was told of messages.
struct sent_counts {
  std::uint64_t stored = 0, duplicates = 0, failed = 0;
};
sent_counts send_all(client::producer& to, std::uint64_t first, std::uint64_t last) {
  std::vector<std::future<result<client::receipt>>> answers;
  for (auto number = first; number <= last; ++number)
    answers.push_back(to.send_async("t", numbered(number)));
  sent_counts out;
  for (auto& answer : answers) {
    const auto told = answer.get();
    if (!told)
      ++out.failed;
    else
      ++(told->duplicate ? out.duplicates : out.stored);
  }
  return out;
}

} // namespace

TEST_CASE("producers: lines of a file are stored once, however often node and shell are killed") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  running_node at{
    {{"shards", "3"}, {"checkpoint-entries", "50"}, {"checkpoint-interval-ms", "200"}}};
  must(at.client.create_topic("t", queues));
  constexpr std::uint64_t lines = 20'000;
  std::string input;
  for (std::uint64_t i = 1; i <= lines; ++i) input += std::to_string(i) + '\n';
  const std::vector<std::string> again{"produce",       "t",   "--producer", "importer",
                                       "--batch-bytes", "2KiB"};
  for (int round = 0; round < 12; ++round) {
    auto some = again;
    some.insert(some.end(), {"--rate", "15000"});
    auto run = at.run.launch(some, input);
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(20, 400)});
    if (random.percent(50)) {
      at.node.kill();
      if (random.percent(50)) run->kill(); // Before it could send again.
      at.node.start();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(0, 200)});
    run->kill();
  }
  const auto whole = at.run.json(again, input);
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  CHECK(whole.object().at("messages") == lines);
  std::vector<std::vector<std::string>> wanted(queues);
  for (std::uint64_t i = 1; i <= lines; ++i) wanted[i % queues].push_back(std::to_string(i));
  CHECK(bodies_of(at.client, "t") == wanted);
  // Once more, and nothing of it is stored.
  const auto more = at.run.json(again, input);
  CHECK(more.code == 0);
  CHECK(more.object().at("duplicates") == lines);
  CHECK(
    at.run({"produce", "t", "--producer", "importer", "--sequence-from", "20001"}, "x\n").code ==
    0);
  CHECK(bodies_of(at.client, "t")[20'001 % queues].back() == "x");
}

TEST_CASE("producers: an application goes on from its checkpoint over restarts of the node") {
  running_node at{{{"shards", "2"}}};
  must(at.client.create_topic("t", queues));
  {
    auto first = must(at.client.make_producer({.name = "importer"}));
    CHECK(must(first->last_sequence("t")) == sequence{0});
    CHECK(send_all(*first, 1, 500).stored == 500);
    CHECK(must(first->last_sequence("t")) == sequence{500});
    // A sequence only rises.
    CHECK(first->send("t", numbered(500)).code() == errc::invalid_argument);
    CHECK(first->send("t", {.body = "no number"}).code() == errc::invalid_argument);
  }
  at.node.kill();
  at.node.start();
  auto second = must(at.client.make_producer({.name = "importer"}));
  CHECK(must(second->last_sequence("t")) == sequence{500});
  const auto counts = send_all(*second, 300, 700);
  CHECK(counts.duplicates == 201);
  CHECK(counts.stored == 200);
  // Queues that are added later are not used by the name: its messages find their queues again.
  must(at.client.alter_topic("t", {.queues = queues + 2}));
  auto third = must(at.client.make_producer({.name = "importer"}));
  CHECK(send_all(*third, 1, 800).duplicates == 700);
  std::uint64_t total = 0;
  const auto topic = must(at.client.describe_topic("t"));
  for (const auto& queue : topic.queues) total += queue.end.value;
  CHECK(total == 800);
  CHECK(topic.queues.back().end == offset{0});
}

TEST_CASE("producers: who opens a name fences whoever had it, and forgetting it fences all") {
  running_node at{{{"shards", "2"}}};
  must(at.client.create_topic("t", queues));
  auto first = must(at.client.make_producer({.name = "importer"}));
  must(first->send("t", numbered(1)));
  auto second = must(connect_to(at.node.address()).make_producer({.name = "importer"}));
  CHECK(first->send("t", numbered(2)).code() == errc::producer_fenced);
  CHECK(first->send("t", numbered(3)).code() == errc::producer_fenced);
  CHECK(first->last_sequence("t").code() == errc::producer_fenced);
  must(second->send("t", numbered(2)));
  const auto listed = at.run.json({"producer", "list"}).objects();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].at("name") == "importer");
  CHECK(listed[0].at("epoch") == 2);
  REQUIRE(at.run({"producer", "forget", "importer", "--yes"}).code == 0);
  CHECK(at.run.json({"producer", "forget", "importer", "--yes"}).error_code() == "not_found");
  CHECK(second->send("t", numbered(3)).code() == errc::producer_fenced);
  CHECK(must(at.client.list_producers()).empty());
  // It begins anew.
  auto third = must(at.client.make_producer({.name = "importer"}));
  CHECK_FALSE(must(third->send("t", numbered(1))).duplicate);
  CHECK(at.client.make_producer({.name = "%x"}).code() == errc::invalid_argument);
}

TEST_CASE("producers: a shard that is made later knows who holds a name") {
  running_node at{{{"shards", "2"}}};
  auto producer = must(at.client.make_producer({.name = "importer"}));
  must(at.client.create_topic("t", queues, {.mode = durability::memory}));
  CHECK(send_all(*producer, 1, 50).stored == 50);
  auto next = must(at.client.make_producer({.name = "importer"}));
  CHECK(producer->send("t", numbered(51)).code() == errc::producer_fenced);
  at.node.kill();
  at.node.start();
  CHECK(send_all(*next, 1, 60).duplicates == 50);
}

TEST_CASE("dedup: each id is stored once, whoever sends it and whoever is killed") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  running_node at{
    {{"shards", "2"}, {"checkpoint-entries", "100"}, {"checkpoint-interval-ms", "200"}}};
  must(at.client.create_topic("t", queues, {.dedup_window_ms = 3'600'000}));
  constexpr std::uint64_t ids = 1'500;
  std::uint64_t duplicates = 0;
  for (int round = 0; round < 6; ++round) {
    // Two producers at once, each with ids at random.
    const auto send = [&](std::uint64_t roll) {
      dice own{roll};
      auto c = connect_to(at.node.address());
      auto producer = must(c.make_producer({.batch_count = 20}));
      std::vector<std::future<result<client::receipt>>> answers;
      for (std::uint64_t i = 0; i < ids / 2; ++i) {
        client::message m;
        m.body = std::to_string(own.below(ids));
        m.dedup_id = m.body;
        answers.push_back(producer->send_async("t", std::move(m)));
      }
      std::uint64_t repeated = 0;
      for (auto& answer : answers) {
        const auto told = must(answer.get());
        // A retry that found its own message has the message's id.
        repeated += told.duplicate && told.id.producer == producer_id{0} ? 1 : 0;
      }
      return repeated;
    };
    auto one = std::async(std::launch::async, send, random.below(~0ull));
    auto two = std::async(std::launch::async, send, random.below(~0ull));
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(5, 60)});
    at.node.kill();
    at.node.start();
    duplicates += one.get() + two.get();
  }
  std::map<std::string, int> seen;
  std::uint64_t stored = 0;
  for (const auto& queue : bodies_of(at.client, "t"))
    for (const auto& body : queue) {
      ++stored;
      CHECK(++seen[body] == 1);
    }
  CHECK(stored + duplicates == 6 * 2 * (ids / 2));
}

TEST_CASE("dedup: the receipt of a duplicate tells where the first one is") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2", "--dedup-window", "1h"}).code == 0);
  const std::vector<std::string> send{"produce",    "t",         "--body",    "pay",
                                      "--dedup-id", "payment-7", "--receipts"};
  const auto first = at.run.json(send).object();
  CHECK(first.at("duplicate") == false);
  const auto second = at.run.json(send).object();
  CHECK(second.at("duplicate") == true);
  CHECK(second.at("queue") == first.at("queue"));
  CHECK(second.at("offset") == first.at("offset"));
  at.node.kill();
  at.node.start();
  CHECK(at.run.json(send).object().at("duplicate") == true);
  // Lines with keys: of two with the same, one is stored.
  const std::vector<std::string> keyed{"produce", "t", "--key-separator", ":", "--dedup-keys"};
  const auto lines = at.run.json(keyed, "a:1\nb:2\na:3\n").object();
  CHECK(lines.at("messages") == 3);
  CHECK(lines.at("duplicates") == 1);
  // Without a window ids do not matter.
  REQUIRE(at.run({"topic", "alter", "t", "--dedup-window", "0"}).code == 0);
  CHECK(at.run.json(send).object().at("duplicate") == false);
  // A message for later counts, too.
  REQUIRE(at.run({"topic", "alter", "t", "--dedup-window", "1h"}).code == 0);
  const std::vector<std::string> later{"produce",  "t",       "--body", "x",         "--dedup-id",
                                       "reminder", "--delay", "1h",     "--receipts"};
  CHECK(at.run.json(later).object().at("duplicate") == false);
  const auto again = at.run.json(later).object();
  CHECK(again.at("duplicate") == true);
  CHECK(again.at("number") == 0);
}

} // namespace carafe::test
