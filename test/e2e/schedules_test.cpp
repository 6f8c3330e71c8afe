#include "test/core/dice.hpp"
#include "test/e2e/node_process.hpp"
#include "test/e2e/running_node.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/e2e/traffic.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace carafe::test {
namespace {

client::schedule_definition every(std::chrono::milliseconds interval, client::missed_times missed) {
  client::schedule_definition out;
  out.name = "beat";
  out.topic = "health";
  out.when = client::interval_times{interval, unix_ms{0}};
  out.missed = missed;
  out.message.body = "alive";
  out.message.properties = {{"region", "north"}};
  return out;
}

std::string property(const client::delivery& d, const std::string& name) {
  for (const auto& [known, value] : d.properties)
    if (known == name) return value;
  return {};
}

/// What is in all queues of the topic.
std::vector<client::delivery> stored(const client::client& c) {
  std::vector<client::delivery> out;
  for (const auto& queue : must(c.describe_topic("health")).queues) {
    client::consumer_options options;
    options.topics = {"health"};
    options.queues = {queue.number};
    auto consumer = must(c.make_consumer(options));
    for (std::uint64_t seen = 0; seen < queue.end.value;) {
      const auto some = must(consumer->poll(1'000, 10s));
      if (some.empty()) throw std::runtime_error{"messages are missing"};
      for (const auto& d : some) {
        ++seen;
        out.push_back(d);
      }
    }
  }
  return out;
}

} // namespace

TEST_CASE("schedules: over kills and an outage each time is sent once, and none early") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  temp_dir dir;
  node_process node{dir.path(),
                    {{"client-port", std::to_string(free_port())},
                     {"shards", "3"},
                     {"checkpoint-entries", "3"},
                     {"checkpoint-interval-ms", "100"}}};
  node.start();
  auto c = connect_to(node.address());
  must(c.create_topic("health", 4));
  const auto made = must(c.create_schedule(every(1s, client::missed_times::all)));
  for (int round = 0; round < 6; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(50, 1'500)});
    node.kill();
    if (round == 2) std::this_thread::sleep_for(2'500ms);
    node.start();
  }
  const auto enough = must(c.describe_schedule("beat")).fired + 2;
  REQUIRE(eventually([&] { return must(c.describe_schedule("beat")).fired >= enough; }, 60s));
  const auto info = must(c.pause_schedule("beat"));
  CHECK(info.missed == 0);
  CHECK(info.failed == 0);
  std::map<std::int64_t, int> times;
  for (const auto& d : stored(c)) {
    const auto due = std::stoll(property(d, "carafe-schedule-due-ms"));
    CHECK(d.broker_time.value >= due);
    CHECK(d.body == "alive");
    CHECK(property(d, "carafe-schedule") == "beat");
    CHECK(property(d, "region") == "north");
    ++times[due];
  }
  CHECK(times.size() == info.fired);
  auto expected = made.created.value;
  for (const auto& [due, count] : times) {
    expected += 1'000;
    if (due != expected || count != 1)
      FAIL(due << " came " << count << " times; expected was " << expected);
  }
  CHECK(info.last_due.value == expected);
  must(c.delete_schedule("beat"));
  CHECK(c.delete_schedule("beat").code() == errc::schedule_unknown);
  CHECK(node.stop() == exited(0));
}

TEST_CASE("schedules: the shell creates, shows, pauses and deletes them") {
  running_node at{{{"create-on-use-queues", "2"}}};
  CHECK(at.run({"schedule", "list"}).err.find("no schedules") != std::string::npos);
  const auto made =
    at.run({"schedule", "create", "nightly", "--topic", "reports", "--cron", "30 2 * * mon-fri",
            "--zone", "Europe/Berlin", "--body", "run", "--property", "a=b", "--key", "k"});
  INFO(made.err);
  CHECK(made.code == 0);
  CHECK(made.out.find("next at ") != std::string::npos);
  const auto wrong =
    at.run({"schedule", "create", "x", "--topic", "reports", "--cron", "30 2 * 13 *"});
  CHECK(wrong.code == 1);
  CHECK(wrong.err.find("column 8: month: 13 is not within 1 to 12") != std::string::npos);
  CHECK(at.run({"schedule", "create", "often", "--topic", "reports", "--every", "1s"}).code == 0);
  REQUIRE(eventually([&] {
    return at.run({"schedule", "list", "--json"}).out.find("\"fired\":1") != std::string::npos;
  }));
  const auto listed = at.run({"schedule", "list"});
  CHECK(listed.out.find("30 2 * * mon-fri Europe/Berlin") != std::string::npos);
  CHECK(listed.out.find("every 1s") != std::string::npos);
  CHECK(at.run({"schedule", "describe", "nightly"}).out.find("run") != std::string::npos);
  CHECK(at.run({"schedule", "pause", "nightly"}).code == 0);
  CHECK(at.run({"schedule", "list"}).out.find("paused") != std::string::npos);
  CHECK(at.run({"schedule", "resume", "nightly"}).code == 0);
  CHECK(at.run({"schedule", "delete", "nightly"}).code == 0);
  const auto late = at.run({"schedule", "delete", "nightly"});
  CHECK(late.code == 1);
  CHECK(late.err.find("schedule_unknown") != std::string::npos);
  CHECK(at.node.stop() == exited(0));
  const auto dumped = at.run({"log", "dump", at.node.data_dir().string(), "--json"});
  INFO(dumped.err);
  CHECK(dumped.out.find("schedule_put") != std::string::npos);
  CHECK(dumped.out.find("schedule_fired") != std::string::npos);
}

} // namespace carafe::test
