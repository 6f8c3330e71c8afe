#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace carafe::test {

TEST_CASE("shell: group lag is watched until Ctrl-C") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"produce", "t", "--queue", "0"}, "a\nb\nc\n").code == 0);
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "1"}).code == 0);
  const auto once = at.run.json({"group", "lag", "g"}).object();
  CHECK(once.at("lag") == 2);
  CHECK(once.at("queues").at(0).at("committed") == 1);
  auto watch = at.run.launch({"group", "lag", "g", "--watch", "--interval", "100ms", "--json"});
  REQUIRE(eventually([&] { return !watch->out().empty(); }));
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "2"}).code == 0);
  CHECK(eventually([&] {
    return watch->out().find(R"("lag":0,)") != std::string::npos &&
           watch->out().find(R"("drain_ms":0,"queues")") != std::string::npos;
  }));
  watch->signal(SIGINT);
  CHECK(watch->wait(5s) == exited(0));
  CHECK(at.run.json({"group", "lag", "nobody"}).error_code() == "group_unknown");
}

TEST_CASE("shell: a group's offsets are exported, and imported again or into another group") {
  running_node at;
  const auto file = (at.dir / "offsets.json").string();
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"produce", "t", "--queue", "0"}, "a\nb\nc\n").code == 0);
  REQUIRE(at.run({"produce", "t", "--queue", "1"}, "d\ne\n").code == 0);
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "5"}).code == 0);
  REQUIRE(at.run({"group", "reset", "g", "--to", "1"}).code == 0);
  REQUIRE(at.run({"group", "export", "g", file}).code == 0);
  CHECK(at.run.json({"group", "export", "g", file}).error_code() == "output_failed");
  REQUIRE(at.run({"group", "reset", "g", "--to", "latest"}).code == 0);

  const auto committed = [&](const std::string& group) {
    std::vector<std::uint64_t> all;
    for (const auto& q : must(at.client.describe_group(group)).queues)
      all.push_back(q.committed.value_or(offset{99}).value);
    return all;
  };
  using offsets = std::vector<std::uint64_t>;
  REQUIRE(at.run({"group", "import", file, "--dry-run"}).code == 0);
  CHECK(committed("g") == offsets{3, 2});
  const auto rows = at.run.json({"group", "import", file}).objects();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == nlohmann::json{{"topic", "t"},
                                  {"queue", 0},
                                  {"was", 3},
                                  {"committed", 1},
                                  {"outcome", "set"},
                                  {"detail", ""}});
  CHECK(committed("g") == offsets{1, 1});
  CHECK(at.run({"consume", "t", "--group", "g", "--count", "3"}).lines().size() == 3);

  REQUIRE(at.run({"group", "create", "h", "--topics", "t", "--mode", "shared"}).code == 0);
  CHECK(at.run({"group", "import", file, "--group", "h"}).code == 0);
  CHECK(committed("h") == offsets{1, 1});
  CHECK(at.run({"consume", "t", "--group", "h", "--count", "3"}).lines().size() == 3);
  CHECK(at.run.json({"group", "import", file, "--group", "nobody"}).error_code() ==
        "group_unknown");
}

TEST_CASE(
  "shell: an import that does not fit its queues sets nothing, and one moves consumers that run") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"produce", "t", "--queue", "0"}, "a\nb\nc\n").code == 0);
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "3"}).code == 0);
  REQUIRE(at.run({"group", "reset", "g", "--to", "earliest"}).code == 0);
  auto text = at.run({"group", "export", "g", "-"}).out;
  const auto edited = [&](const std::string& from, const std::string& to) {
    REQUIRE(text.find(from) != std::string::npos);
    return std::string{text}.replace(text.find(from), from.size(), to);
  };
  const auto beyond = edited(R"("queue":0,"committed":0)", R"("queue":0,"committed":4)");
  const auto refused = at.run.json({"group", "import", "-"}, beyond);
  CHECK(refused.code == 1);
  CHECK(refused.objects().at(0).at("outcome") == "refused");
  CHECK(must(at.client.describe_group("g")).queues.at(0).committed == offset{0});
  CHECK(at.run({"group", "import", "-", "--clamp"}, beyond).code == 0);
  CHECK(must(at.client.describe_group("g")).queues.at(0).committed == offset{3});

  auto consumer = at.run.launch({"consume", "t", "--group", "g"});
  REQUIRE(eventually([&] {
    const auto group = must(at.client.describe_group("g"));
    return std::ranges::all_of(group.queues, [](const auto& q) { return q.owner.value != 0; });
  }));
  const auto moved = at.run.json({"group", "import", "-"}, text);
  CHECK(moved.code == 0);
  CHECK(moved.objects().at(0).at("outcome") == "set");
  CHECK(eventually([&] {
    return must(at.client.describe_group("g")).queues.at(0).committed == offset{3};
  })); // It reads them again.
  consumer->signal(SIGTERM);
  CHECK(consumer->wait(5s) == exited(0));
}

} // namespace carafe::test
