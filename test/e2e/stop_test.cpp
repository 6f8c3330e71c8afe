#include "test/e2e/raw_connection.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <regex>

namespace carafe::test {
namespace {

/// Entries that the node says it replayed at its start, over all shards.
std::uint64_t replayed(const std::string& log) {
  static const std::regex line{R"((\d+) replayed in)"};
  std::uint64_t sum = 0;
  for (std::sregex_iterator at{log.begin(), log.end(), line}, end; at != end; ++at)
    sum += std::stoull((*at)[1]);
  return sum;
}

} // namespace

TEST_CASE("SIGTERM under load: exit 0 within 5 s, nothing acknowledged is lost, little to replay") {
  const auto mode = GENERATE(durability::fsync, durability::memory);
  temp_dir dir;
  node_process node{dir.path(), {{"client-port", std::to_string(free_port())}, {"shards", "2"}}};
  node.start();
  must(connect_to(node.address()).create_topic("load", 4, {.mode = mode}));
  recorder record;
  {
    load traffic{{.address = node.address()}, record};
    group_member member{{.address = node.address()}, record};
    REQUIRE(eventually([&] { return traffic.acknowledged() > 2'000; }, 20s));
    const auto begun = std::chrono::steady_clock::now();
    CHECK(node.stop() == exited(0));
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
    node.start();
    CHECK(replayed(node.log()) < 100);
    const auto before = traffic.acknowledged();
    const auto received = member.received();
    REQUIRE(eventually([&] { return traffic.acknowledged() > before + 1'000; }, 20s));
    REQUIRE(eventually([&] { return member.received() > received; }, 20s));
    traffic.stop();
    CHECK(traffic.failed() == 0);
    member.stop();
    CHECK(member.failure() == "");
  }
  read_everything(node.address(), "load", record, {reader::kind::alone, 1});
  CHECK(fault_in(record) == "");
  CHECK(node.stop() == exited(0));
}

TEST_CASE("SIGTERM with a client that does not take its messages: exit 0 within 5 s") {
  running_node at;
  const auto topic = must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 40; ++i) must(p->send("t", {.body = std::string(1u << 20, 'x')}));
  raw_connection full{at.node.port()};
  full.greet();
  full.send(2, frames::subscribe{subscription_id{1}, topic.queues.at(0).queue, {}, {}, 1u << 30});
  std::this_thread::sleep_for(300ms);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(at.node.stop() == exited(0));
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  at.node.start();
  CHECK(replayed(at.node.log()) < 100);
}

TEST_CASE("SIGINT stops an idle node as SIGTERM does") {
  temp_dir dir;
  node_process node{dir.path()};
  node.start();
  process_end end;
  SECTION("SIGTERM") { end = node.stop(5s); }
  SECTION("SIGINT") {
    node.signal(SIGINT);
    end = node.wait(5s).value();
  }
  CHECK(end == exited(0));
}

TEST_CASE("a node that is stopped while it starts ends orderly") {
  temp_dir dir;
  node_process node{dir.path()};
  node.launch();
  REQUIRE(eventually([&] { return std::filesystem::exists(node.data_dir()); }));
  CHECK(node.stop(5s) == exited(0));
  node.start();
  CHECK(node.stop() == exited(0));
}

} // namespace carafe::test
