#include "test/e2e/running_node.hpp"

#include <carafe/request_reply.hpp>

#include <catch2/catch.hpp>

#include <csignal>

namespace carafe::test {

TEST_CASE("shell: requests are answered by a program") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "prices", "--queues", "2"}).code == 0);
  auto responder = at.run.launch({"respond", "prices", "--group", "pricers", "--exec",
                                  "read what; test \"$what\" = tea && echo 12.50 || exit 4"});
  const auto tea = at.run.json({"request", "prices", "tea"});
  CHECK(tea.code == 0);
  CHECK(tea.object().at("body") == "12.50\n");
  CHECK(tea.object().at("topic") == "carafe-replies");
  const auto coffee = at.run.json({"request", "prices", "coffee"});
  CHECK(coffee.code == 1);
  CHECK(coffee.error_code() == "request_failed");
  responder->signal(SIGINT);
  CHECK(responder->wait(5s) == exited(0));
  CHECK_THAT(responder->err(),
             Catch::Contains("2 messages handled, 2 answered, 1 of them with an error"));
  const auto group = must(at.client.describe_group("pricers"));
  CHECK(group.mode == "shared");
  for (const auto& queue : group.queues) CHECK(queue.lag == 0);
  const auto late = at.run.json({"request", "prices", "milk", "--timeout", "200"});
  CHECK(late.code == 1);
  CHECK(late.error_code() == "timeout");
  CHECK(at.run.json({"request", "nowhere", "x"}).error_code() == "topic_unknown");
}

TEST_CASE(
  "shell: Ctrl-C ends a responder whose program hangs, and the request is answered by another") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "1"}).code == 0);
  const auto mark = (at.dir / "begun").string();
  auto hanging = at.run.launch(
    {"respond", "t", "--group", "g", "--exec", "touch '" + mark + "'; exec sleep 1000"});
  auto asking = at.run.launch({"request", "t", "hello", "--timeout", "20000"});
  REQUIRE(eventually([&] { return std::filesystem::exists(mark); }));
  hanging->signal(SIGINT);
  CHECK(hanging->wait(5s) == exited(0));
  auto other = at.run.launch({"respond", "t", "--group", "g", "--echo", "--count", "1"});
  CHECK(asking->wait(15s) == exited(0));
  CHECK(asking->out() == "hello\n");
  CHECK(other->wait(5s) == exited(0));
}

TEST_CASE(
  "client: many requests are answered at a time, and a requester outlives the node's restart") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "4"}).code == 0);
  auto responder = at.run.launch({"respond", "t", "--group", "g", "--echo", "--in-flight", "100"});
  auto made = at.client.make_requester({});
  REQUIRE(made.ok());
  auto& requester = **made;
  const auto ask_all = [&](int count) {
    std::atomic<int> good = 0, told = 0;
    for (int i = 0; i < count; ++i) {
      const auto body = std::to_string(i);
      REQUIRE(requester
                .request_async("t", {.body = body, .key = body},
                               [&, body](const result<client::delivery>& answer) {
                                 good += answer.ok() && answer->body == body;
                                 ++told;
                               })
                .ok());
    }
    CHECK(eventually([&] { return told == count; }, 30s));
    return good.load();
  };
  CHECK(ask_all(500) == 500);
  CHECK(requester.in_flight() == 0);
  // Its reply topic is in memory mode: a kill of the node's process loses nothing of it.
  at.node.kill();
  at.node.start();
  CHECK(eventually([&] { return requester.request("t", {.body = "again"}, 2s).ok(); }, 30s));
  CHECK(ask_all(100) == 100);
  responder->signal(SIGTERM);
  CHECK(responder->wait(5s) == exited(0));
}

} // namespace carafe::test
