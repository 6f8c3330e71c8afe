#include "cli/shell/lag_tracker.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

/// Group `g` with a queue for each pair of lag and end.
client::group_info group_with(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& queues) {
  client::group_info group;
  group.name = "g";
  group.mode = "ordered";
  for (const auto& [lag, end] : queues) {
    client::group_queue_info q;
    q.topic = "t";
    q.number = queue_number{static_cast<std::uint32_t>(group.queues.size())};
    q.lag = lag;
    q.end = offset{end};
    q.committed = offset{end - lag};
    group.queues.push_back(q);
  }
  return group;
}

} // namespace

TEST_CASE("rates of a lag are known from the second look on") {
  lag_tracker flows;
  CHECK_FALSE(flows.total());
  flows.observe(group_with({{100, 1'000}, {50, 50}}), mono_ms{0});
  CHECK_FALSE(flows.total());
  CHECK_FALSE(flows.of("t", queue_number{0}));
  flows.observe(group_with({{60, 1'020}, {60, 60}}), mono_ms{2'000});
  const auto total = flows.total();
  REQUIRE(total);
  CHECK(total->in_per_second == Approx(15));
  CHECK(total->change_per_second == Approx(-15));
  CHECK(total->done_per_second == Approx(30));
  CHECK(total->drain_ms == 8'000);
  const auto first = flows.of("t", queue_number{0});
  REQUIRE(first);
  CHECK(first->change_per_second == Approx(-20));
  CHECK(first->drain_ms == 3'000);
  CHECK(flows.of("t", queue_number{1})->drain_ms == std::nullopt); // It grows.
  CHECK_FALSE(flows.of("t", queue_number{2}));
}

TEST_CASE("nothing left is drained now, and a lag that stands still never") {
  lag_tracker flows;
  flows.observe(group_with({{0, 10}, {5, 10}}), mono_ms{10});
  flows.observe(group_with({{0, 20}, {5, 10}}), mono_ms{20});
  CHECK(flows.of("t", queue_number{0})->drain_ms == 0);
  CHECK(flows.of("t", queue_number{0})->done_per_second == Approx(1'000));
  CHECK_FALSE(flows.of("t", queue_number{1})->drain_ms);
}

TEST_CASE("only the last looks count, and a new queue counts from its second one") {
  lag_tracker flows;
  flows.observe(group_with({{1'000'000, 1'000'000}}), mono_ms{0});
  for (std::uint64_t at = 1; at <= lag_tracker::looks_max; ++at)
    flows.observe(group_with({{100 - at, 1'000}}), mono_ms{1'000 * at});
  CHECK(flows.total()->change_per_second == Approx(-1));
  flows.observe(group_with({{89, 1'000}, {500, 500}}), mono_ms{11'000});
  CHECK(flows.total()->change_per_second == Approx(-1));
  CHECK_FALSE(flows.of("t", queue_number{1}));
}

TEST_CASE("looks at one moment tell no rate") {
  lag_tracker flows;
  flows.observe(group_with({{1, 1}}), mono_ms{5});
  flows.observe(group_with({{0, 1}}), mono_ms{5});
  CHECK_FALSE(flows.total());
}

TEST_CASE("group lag shows the lag of each queue and in all") {
  auto state = std::make_shared<fake_state>();
  state->groups["g"] = group_with({{3, 10}, {0, 4}});
  auto told = nlohmann::json::parse(run_line(state, "group lag g --json").out);
  CHECK(told["lag"] == 3);
  CHECK(told["queues"][0]["committed"] == 7);
  CHECK_FALSE(told.contains("drain_ms"));
  auto looks = run_line(state, "group lag g --watch --interval 100ms --count 2 --json").out;
  auto second = nlohmann::json::parse(looks.substr(looks.find('\n') + 1));
  CHECK(second["lag_change_per_second"] == 0);
  CHECK(second["drain_ms"].is_null());
  CHECK(
    nlohmann::json::parse(looks.substr(0, looks.find('\n')))["lag_change_per_second"].is_null());
  CHECK(run_line(state, "group lag nowhere").code == exit_code::failed);
  CHECK(run_line(state, "group lag nowhere --watch").code == exit_code::failed);
  for (auto line : {"group lag", "group lag g --interval 2s", "group lag g --count 2",
                    "group lag g --watch --interval 99ms", "group lag g --watch --interval 2h"})
    CHECK(run_line(state, line).code == exit_code::usage);
}
