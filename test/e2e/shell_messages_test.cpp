#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace carafe::test {

TEST_CASE("shell: topic tail follows a topic until Ctrl-C and moves nobody's offsets") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"consume", "t", "--group", "g", "--idle-exit", "50"}).code == 0);
  REQUIRE(at.run({"produce", "t", "--body", "before", "--queue", "1"}).code == 0);
  auto tail = at.run.launch({"topic", "tail", "t", "--key", "k", "--json"});
  // It shows what comes once it reads: something must come until it does.
  REQUIRE(eventually([&] {
    REQUIRE(at.run({"produce", "t", "--body", "other"}).code == 0);
    REQUIRE(at.run({"produce", "t", "--body", "wanted", "--key", "k"}).code == 0);
    return !tail->out().empty();
  }));
  tail->signal(SIGINT);
  CHECK(tail->wait(5s) == exited(0));
  const shell_answer shown{.code = 0, .out = tail->out(), .err = {}};
  for (const auto& m : shown.objects()) {
    CHECK(m.at("body") == "wanted");
    CHECK(m.at("queue") == shown.objects()[0].at("queue"));
  }
  const auto group = must(at.client.describe_group("g"));
  for (const auto& queue : group.queues) CHECK(queue.committed.value_or(offset{0}) == offset{0});
  const auto lines = at.run({"topic", "tail", "t", "--from", "earliest", "--count", "1"}).lines();
  CHECK_THAT(lines.at(0), Catch::Contains("Z  -  -  "));
  CHECK(at.run.json({"topic", "tail", "nowhere"}).error_code() == "topic_unknown");
}

TEST_CASE("shell: one message is shown by its place or its id") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"produce", "t", "--queue", "1"}, "a\nb\nc\n").code == 0);
  const auto receipt =
    at.run
      .json({"produce", "t", "--body", "wanted", "--queue", "1", "--property", "p=v", "--receipts"})
      .object();
  const auto by_place = at.run.json({"message", "get", "t/1/3"});
  REQUIRE(by_place.code == 0);
  CHECK(by_place.object().at("body") == "wanted");
  CHECK(by_place.object().at("id") == receipt.at("id"));
  const std::string id = receipt.at("id");
  CHECK(at.run.json({"message", "get", id, "--topic", "t"}).out == by_place.out);
  CHECK(at.run({"message", "get", id, "--topic", "t", "--body"}).out == "wanted");
  CHECK_THAT(at.run({"message", "get", "t/1/3"}).out, Catch::EndsWith("\nwanted\n"));
  const auto beyond = at.run.json({"message", "get", "t/1/4"});
  CHECK(beyond.error_code() == "offset_out_of_range");
  CHECK_THAT(beyond.err, Catch::Contains("ends at 4"));
  CHECK(at.run.json({"message", "get", "t/2/0"}).error_code() == "queue_unknown");
  CHECK(at.run.json({"message", "get", id, "--topic", "t", "--until", "-1h"}).error_code() ==
        "not_found");
  CHECK(at.run({"message", "get", id}).code == 2);
}

TEST_CASE("shell: messages are found by key, tag and property, between two times") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "4"}).code == 0);
  std::string lines;
  for (int i = 0; i < 2'000; ++i)
    lines += "k" + std::to_string(i % 100) + "\tv" + std::to_string(i) + "\n";
  REQUIRE(at.run({"produce", "t", "--key-separator", "\\t", "--tag", "first"}, lines).code == 0);
  REQUIRE(at.run({"produce", "t", "--key-separator", "\\t", "--property", "p=v"}, lines).code == 0);
  const auto of_key = at.run.json({"message", "find", "--topic", "t", "--key", "k7"}).objects();
  CHECK(of_key.size() == 40);
  for (const auto& m : of_key) CHECK(m.at("key") == "k7");
  const auto found = [&](std::vector<std::string> how) {
    how.insert(how.begin(), {"message", "find", "--topic", "t"});
    const auto ran = at.run(how);
    CHECK(ran.code == 0);
    return ran.lines().size();
  };
  CHECK(found({"--key", "k7", "--tag", "first"}) == 20);
  CHECK(found({"--key", "k7", "--property", "p=v", "--all-queues"}) == 20);
  CHECK(found({"--tag", "first", "--property", "p=v"}) == 0);
  CHECK(found({"--tag", "first"}) == 2'000);
  CHECK(found({"--tag", "first", "--limit", "3"}) == 3);
  CHECK(found({"--key", "k7", "--until", "-1h"}) == 0);
  const std::string border = of_key[20].at("broker_time"); // The first of the second run.
  const auto before = found({"--key", "k7", "--until", border});
  CHECK(before <= 20);
  CHECK(before + found({"--key", "k7", "--since", border}) == 40);
}

} // namespace carafe::test
