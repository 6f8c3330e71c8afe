#include "test/e2e/running_node.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace carafe::test {
namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The names of what happened, in order.
std::vector<std::string> events_of(const nlohmann::json& of) {
  std::vector<std::string> out;
  for (const auto& event : of.at("events")) out.push_back(event.at("event"));
  return out;
}

nlohmann::json why(running_node& at, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"message", "why"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const auto told = at.run.json(words);
  INFO(told.err);
  REQUIRE(told.code == 0);
  return told.object();
}

/// A consumer of group `billing`, which gets a message within a while.
struct billing {
  explicit billing(running_node& at)
    : consumer(must(at.client.make_consumer({.topics = {"orders"},
                                             .group = "billing",
                                             .mode = client::group_mode::shared,
                                             .member = "worker-7"}))) {}

  client::delivery next() {
    std::vector<client::delivery> got;
    REQUIRE(eventually([&] {
      auto some = must(consumer->poll(1, std::chrono::milliseconds{50}));
      got.insert(got.end(), some.begin(), some.end());
      return !got.empty();
    }));
    return got.front();
  }

  std::unique_ptr<client::consumer> consumer;
};

} // namespace

TEST_CASE("why: a half message, its commit in another shard, and what a schedule sent") {
  running_node at;
  must(at.client.create_topic("orders", 1));
  client::topic_settings fast;
  fast.mode = durability::memory;
  must(at.client.create_topic("views", 1, fast));
  auto shop = must(at.client.make_transaction_producer({.group = "tills"}));
  auto deal = shop->begin();
  must(deal->send("orders", {.body = "one"}));
  must(deal->send("views", {.body = "two"}));
  must(deal->prepare());
  const auto name = *deal->name();
  const auto id = [&](std::uint64_t n) {
    return client::to_string(client::message_id{name.producer, sequence{n}});
  };
  std::string views;
  for (const std::uint64_t n : {1u, 2u, 3u})
    if (const auto half = why(at, {id(n), "--topic", "views"}); half.at("state") == "prepared") {
      views = id(n);
      CHECK(events_of(half) == std::vector<std::string>{"prepared"});
      CHECK(half.at("events").at(0).at("transaction") == client::to_string(name));
      CHECK(half.at("events").at(0).at("consumer") == "tills");
    }
  REQUIRE_FALSE(views.empty());
  must(deal->commit());
  nlohmann::json after;
  REQUIRE(eventually([&] {
    after = why(at, {views, "--topic", "views"});
    return after.at("state") == "stored";
  }));
  CHECK(events_of(after) == std::vector<std::string>{"prepared", "committed", "stored"});
  CHECK(after.at("events").at(2).at("transaction") == client::to_string(name));
  // From its place, which shard kept the transaction is in its own log.
  CHECK(events_of(why(at, {"views/0/0"})) == events_of(after));
  CHECK(events_of(why(at, {"orders/0/0"})) == std::vector<std::string>{"prepared", "stored"});

  auto other = shop->begin();
  must(other->send("orders", {.body = "never"}));
  must(other->prepare());
  must(other->rollback());
  bool told = false;
  for (std::uint64_t n = 1; n < 10 && !told; ++n)
    told = why(at, {client::to_string(client::message_id{other->name()->producer, sequence{n}}),
                    "--topic", "orders"})
             .at("state") == "rolled_back";
  CHECK(told);

  REQUIRE(at.run({"schedule", "create", "pulse", "--topic", "orders", "--every", "1s", "--count",
                  "1", "--body", "tick"})
            .code == 0);
  REQUIRE(eventually(
    [&] { return must(at.client.describe_topic("orders")).queues.at(0).end == offset{2}; }));
  const auto sent = why(at, {"orders/0/1"}).at("events").at(0);
  CHECK(sent.at("event") == "stored");
  CHECK(sent.at("schedule") == "pulse");
  CHECK(sent.at("due").is_string());
}

TEST_CASE("a filter may be as long as its limit") {
  running_node at;
  must(at.client.create_topic("orders", 1));
  std::string sql = "a IN ('x'";
  while (sql.size() + 30 < 4'000) sql += ", 'a word of twenty letters'";
  sql += ")";
  REQUIRE(
    at.run({"group", "create", "long", "--mode", "shared", "--topics", "orders", "--where", sql})
      .code == 0);
  CHECK(at.run({"consume", "orders", "--where", sql, "--idle-exit", "100"}).code == 0);
  const auto refused = at.run({"consume", "orders", "--where", sql + std::string(4'096, ' ')});
  CHECK(refused.code != 0);
  CHECK(holds(refused.err, "filter_invalid"));
}

TEST_CASE("why: a message's way through retries, a kill, its dead letter and back") {
  running_node at{{{"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("orders", 1));
  REQUIRE(at.run({"group", "create", "billing", "--mode", "shared", "--topics", "orders",
                  "--attempts", "2", "--backoff", "1s"})
            .code == 0);
  auto producer = must(at.client.make_producer({}));
  const auto receipt = must(producer->send("orders", {.body = "the first", .key = "42"}));
  const auto id = client::to_string(receipt.id);

  auto before = why(at, {"orders/0/0"});
  CHECK(before.at("state") == "stored");
  CHECK(before.at("id") == id);
  CHECK(before.at("durability") == "fsync");
  CHECK(before.at("known_from").is_null());
  CHECK(events_of(before) == std::vector<std::string>{"stored"});
  CHECK(before.at("groups").at(0).at("state") == "unstarted");

  {
    billing worker{at};
    const auto first = worker.next();
    auto held = why(at, {"orders/0/0"}).at("groups").at(0);
    CHECK(held.at("state") == "lent");
    CHECK(held.at("consumer") == "worker-7");
    must(worker.consumer->nack(
      first, {.delay = std::chrono::milliseconds{1}, .error = "no such account"}));
    const auto second = worker.next();
    CHECK(second.attempt == 2);
    must(worker.consumer->reject(second, "it never will"));
    REQUIRE(
      eventually([&] { return why(at, {"orders/0/0"}).at("groups").at(0).at("state") == "dead"; }));
    at.node.kill();
    at.node.start();
  }

  const auto dead = why(at, {"orders/0/0", "--group", "billing"}).at("groups").at(0);
  CHECK(events_of(dead) == std::vector<std::string>{"began", "lent", "failed", "lent", "dead"});
  CHECK(dead.at("state") == "dead");
  CHECK(dead.at("attempts") == 2);
  CHECK(dead.at("error") == "it never will");
  CHECK(dead.at("letter") == "%DLQ%billing/0/0");
  CHECK(dead.at("letter_state") == "open");
  CHECK(dead.at("events").at(2).at("error") == "no such account");
  const auto told = at.run({"message", "why", "orders/0/0"});
  CHECK(told.code == 0);
  INFO(told.out);
  CHECK(holds(told.out, "stored at offset 0 of queue 0"));
  CHECK(holds(told.out, "group billing (shared)"));
  CHECK(holds(told.out, "leased to worker-7, delivery 1"));
  CHECK(holds(told.out, "delivery 1 failed with \"no such account\""));
  CHECK(holds(told.out, "dead after 2 failed deliveries, with \"it never will\""));
  CHECK(holds(told.out, "its dead letter is %DLQ%billing/0/0"));

  REQUIRE(at.run({"dlq", "redrive", "billing"}).code == 0);
  at.node.kill();
  at.node.start();
  CHECK(why(at, {"orders/0/0"}).at("groups").at(0).at("letter_state") == "redriven");
  {
    billing worker{at};
    const auto third = worker.next();
    CHECK(third.body == "the first");
    must(worker.consumer->ack(third));
    must(worker.consumer->close());
  }
  const auto end = why(at, {id, "--topic", "orders"});
  CHECK(end.at("offset") == 0);
  const auto group = end.at("groups").at(0);
  CHECK(group.at("state") == "acknowledged");
  CHECK(events_of(group) == std::vector<std::string>{"began", "lent", "failed", "lent", "dead",
                                                     "redriven", "lent", "acknowledged"});
}

TEST_CASE("why: a message for later, one that is not there, and what cannot be asked") {
  running_node at{{}};
  must(at.client.create_topic("orders", 1));
  auto producer = must(at.client.make_producer({}));
  const auto later = must(producer->send("orders", {.body = "x", .delay = std::chrono::hours{1}}));
  const auto id = client::to_string(later.id);
  const auto waits = why(at, {id, "--topic", "orders"});
  CHECK(waits.at("state") == "pending");
  CHECK(events_of(waits) == std::vector<std::string>{"stored_for_later"});
  REQUIRE(at.run({"timer", "move", "orders", "--id", id, "--in", "0s"}).code == 0);
  REQUIRE(eventually([&] { return why(at, {id, "--topic", "orders"}).at("state") == "stored"; }));
  const auto whole = std::vector<std::string>{"stored_for_later", "moved", "fired"};
  CHECK(events_of(why(at, {id, "--topic", "orders"})) == whole);
  CHECK(events_of(why(at, {"orders/0/0"})) == whole);
  CHECK(why(at, {"orders/0/0"}).at("id") == id);

  CHECK(why(at, {"orders/0/7"}).at("state") == "unknown");
  CHECK(why(at, {"0123456789abcdef-1", "--topic", "orders"}).at("state") == "unknown");
  CHECK(at.run.json({"message", "why", "orders/1/0"}).error_code() == "queue_unknown");
  CHECK(at.run.json({"message", "why", "nothing/0/0"}).error_code() == "topic_unknown");
  CHECK(at.run.json({"message", "why", "orders/0/0", "--group", "g"}).error_code() ==
        "group_unknown");
}

} // namespace carafe::test
