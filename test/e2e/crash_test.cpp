#include "test/core/dice.hpp"
#include "test/e2e/node_process.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/e2e/traffic.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>

#include <iostream>

namespace carafe::test {
namespace {

constexpr reader checking{reader::kind::alone, 1};

struct crash_plan {
  durability mode = durability::fsync;
  std::string shards = "1";
  int kills = 0;
};

/// Kills the node again and again while producers write and a group reads, then compares what
/// came out with what was acknowledged.
void survive(const crash_plan& plan) {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  temp_dir dir;
  node_process node{dir.path(),
                    {{"client-port", std::to_string(free_port())},
                     {"shards", plan.shards},
                     {"checkpoint-entries", "200"},
                     {"checkpoint-interval-ms", "200"}}};
  node.start();
  must(connect_to(node.address()).create_topic("load", 4, {.mode = plan.mode}));
  recorder record;
  std::chrono::milliseconds recovery_max{0};
  std::uint64_t duplicates = 0;
  {
    load traffic{{.address = node.address()}, record};
    group_member first{{.address = node.address()}, record};
    group_member second{{.address = node.address()}, record};
    for (int kill = 0; kill < plan.kills; ++kill) {
      const auto before = traffic.acknowledged();
      REQUIRE(eventually([&] { return traffic.acknowledged() > before + 200; }, 20s));
      std::this_thread::sleep_for(
        std::chrono::milliseconds{random.between(5, 150)}); // Anywhere in its work.
      node.kill();
      node.start();
      recovery_max = std::max(recovery_max, node.start_took());
    }
    const auto before = traffic.acknowledged();
    REQUIRE(eventually([&] { return traffic.acknowledged() > before + 200; }, 20s));
    traffic.stop();
    duplicates = traffic.duplicates();
    const auto c = connect_to(node.address());
    // A member that is still on its way back could not commit any more.
    CHECK(eventually([&] { return must(c.describe_group("workers")).members.size() == 2; }, 20s));
    CHECK(
      eventually([&] { return first.queues().size() == 2 && second.queues().size() == 2; }, 20s));
    CHECK(eventually([&] { return is_up_to_date(c, "workers"); }, 20s));
    first.stop();
    second.stop();
    CHECK(first.failure() == "");
    CHECK(second.failure() == "");
    CHECK(traffic.failed() == 0);
  }
  const auto messages = read_everything(node.address(), "load", record, checking);
  CHECK(fault_in(record) == "");
  CHECK(node.stop() == exited(0));
  std::cout << "CARAFE_SEED=" << seed << ": " << plan.kills << " kills, " << messages
            << " messages, " << duplicates << " retries found stored, longest start "
            << recovery_max.count() << " ms\n";
}

} // namespace

TEST_CASE("a node killed under load loses nothing it acknowledged: fsync") {
  survive({.mode = durability::fsync, .kills = 20});
}

TEST_CASE("a node killed under load loses nothing it acknowledged: fsync, three shards") {
  survive({.mode = durability::fsync, .shards = "3", .kills = 20});
}

TEST_CASE("a node killed under load loses nothing it acknowledged: interval") {
  survive({.mode = durability::interval, .kills = 10});
}

TEST_CASE("a node killed under load loses nothing it acknowledged: memory, three shards") {
  survive({.mode = durability::memory, .shards = "3", .kills = 10});
}

} // namespace carafe::test
