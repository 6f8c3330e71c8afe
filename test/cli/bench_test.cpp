#include "cli/bench/ceiling.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

TEST_CASE("bench produce sends what was asked for to a topic of its own, and deletes it") {
  auto state = std::make_shared<fake_state>();
  const auto ran = run_line(state, "bench produce --count 300 --body-bytes 64B --key-bytes 16 "
                                   "--batch-bytes 8192 --linger-ms 3 --json");
  INFO(ran.err);
  REQUIRE(ran.code == exit_code::ok);
  const auto row = json::parse(ran.out);
  CHECK(row.at("workload") == "produce");
  CHECK(row.at("messages") == 300);
  CHECK(row.at("messages_per_second") > 0);
  REQUIRE(state->sent.size() == 300);
  for (const auto& sent : state->sent) {
    CHECK(sent.message.body.size() == 64);
    CHECK(sent.message.key.size() == 16);
  }
  CHECK(state->producer_options.batch_bytes == 8'192);
  CHECK(state->producer_options.linger == std::chrono::milliseconds{3});
  CHECK(state->topics.empty());
}

TEST_CASE("bench keeps a topic that was there, and one that it is told to keep") {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"] = fake_topic("orders", 4);
  REQUIRE(run_line(state, "bench produce --count 10 --topic orders").code == exit_code::ok);
  CHECK(state->topics.contains("orders"));
  REQUIRE(run_line(state, "bench produce --count 10 --queues 2 --keep").code == exit_code::ok);
  CHECK(state->topics.size() == 2);
}

TEST_CASE("bench measures each message of a stream at a rate, and of those sent one by one") {
  auto state = std::make_shared<fake_state>();
  const auto* line = GENERATE("bench produce --count 50 --rate 5000 --json",
                              "bench one-by-one --count 90 --one-by-one-count 50 --json");
  const auto ran = run_line(state, line);
  REQUIRE(ran.code == exit_code::ok);
  const auto row = json::parse(ran.out);
  CHECK(row.at("messages") == 50);
  CHECK(row.at("p50_us").is_number());
  CHECK(row.at("p99_9_us") <= row.at("max_us"));
}

TEST_CASE("bench says why nothing was measured") {
  auto state = std::make_shared<fake_state>();
  CHECK(run_line(state, "bench consume").code == exit_code::usage);
  CHECK(run_line(state, "bench one-by-one --rate 10").code == exit_code::usage);
  CHECK(run_line(state, "bench something").code == exit_code::usage);
  CHECK(run_line(state, "bench --count 0").code == exit_code::usage);
  state->fails_from = 5;
  const auto ran = run_line(state, "bench produce --count 10 --json");
  CHECK(ran.code == exit_code::failed);
  CHECK(json::parse(ran.err).at("error").at("code") == "outcome_unknown");
  CHECK(state->topics.empty());
}

TEST_CASE("bench shows the most memory that the node had while the workload ran") {
  auto state = std::make_shared<fake_state>();
  auto asked = std::make_shared<std::atomic<int>>(0);
  state->status_now = [asked] {
    client::node_info now;
    now.memory_bytes = ++*asked == 2 ? 900 : 100;
    now.memory_peak_bytes = 5'000; // Of another workload, before.
    return now;
  };
  const auto ran = run_line(state, "bench produce --count 40 --rate 100 --json");
  REQUIRE(ran.code == exit_code::ok);
  CHECK(json::parse(ran.out).at("node_memory_peak_bytes") == 900);
  CHECK(*asked >= 3);
}

TEST_CASE("the ceiling's groups are as many and as large as those of the node") {
  const auto groups = bench::groups_of({{100, 10}, {1'000, 5}, {10'000, 1}}, 1'600);
  REQUIRE(groups.size() == 16);
  CHECK(std::accumulate(groups.begin(), groups.end(), std::uint64_t{0}) == 1'600);
  CHECK(std::count(groups.begin(), groups.end(), 10u) == 10);
  CHECK(std::count(groups.begin(), groups.end(), 100u) == 5);
  CHECK(std::count(groups.begin(), groups.end(), 1'000u) == 1);
  CHECK_FALSE(std::is_sorted(groups.begin(), groups.end()));
  // Each has an entry, however small it was.
  CHECK(bench::groups_of({{1, 3}, {1'000'000, 1}}, 4) == std::vector<std::uint64_t>(4, 1));
  CHECK(bench::groups_of({}, 10).empty());
}

TEST_CASE("each ceiling is measured, and leaves no file behind") {
  auto name = (std::filesystem::temp_directory_path() / "carafe-ceiling-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const std::filesystem::path folder = name;
  for (const auto mode : {durability::fsync, durability::memory}) {
    const auto took =
      bench::append_to_lmdb(folder, {.groups = {1, 5, 3}, .entry_bytes = 10'000, .mode = mode});
    REQUIRE(took.ok());
    CHECK(*took > 0);
  }
  const auto commits = bench::commit_in_groups(folder, 10'000, 100, 1'024);
  REQUIRE(commits.ok());
  CHECK(commits->count() == 100);
  const auto moved = bench::move_over_tcp(500, 3'000, 64);
  REQUIRE(moved.ok());
  CHECK(*moved > 0);
  CHECK(std::filesystem::is_empty(folder));
  CHECK(bench::append_to_lmdb(folder / "missing", {.groups = {1}, .entry_bytes = 1}).code() !=
        errc::none);
  std::filesystem::remove_all(folder);
}
