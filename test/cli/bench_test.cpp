#include "cli/bench/ceiling.hpp"
#include "cli/bench/rounds.hpp"
#include "cli/bench/waiting.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <sstream>
#include <thread>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

namespace {

/// A status that, once more than `messages` are stored, sends a SIGTERM as somebody else would.
std::function<client::node_info()> end_asked_after(const fake_state& state,
                                                   std::uint64_t messages) {
  auto sent = std::make_shared<std::atomic<bool>>(false);
  return [&state, messages, sent] {
    if (state.stored > messages && !sent->exchange(true)) ::raise(SIGTERM);
    return client::node_info{};
  };
}

} // namespace

TEST_CASE("bench produce sends what was asked for to a topic of its own, and deletes it") {
  auto state = std::make_shared<fake_state>();
  const auto ran = run_line(state, "bench produce --count 300 --body-bytes 64B --key-bytes 16 "
                                   "--batch-bytes 8KiB --linger-ms 3 --json");
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
  for (const char* line :
       {"bench --rate 1e-300", "bench --rate 1e20", "bench produce --body-bytes 16GiB",
        "bench --key-bytes 1MiB", "bench --batch-bytes 16MiB", "bench ceiling --body-bytes 0"}) {
    INFO(line);
    CHECK(run_line(state, line).code == exit_code::usage);
  }
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

TEST_CASE("bench refuses what the node does not take before it makes a topic for it") {
  auto state = std::make_shared<fake_state>();
  state->message_bytes_max = 1'000;
  const auto* line = GENERATE("bench produce --body-bytes 900 --key-bytes 101 --keep --json",
                              "bench ceiling --body-bytes 1001 --keep --json");
  const auto ran = run_line(state, line);
  CHECK(ran.code == exit_code::failed);
  CHECK(json::parse(ran.err).at("error").at("code") == "message_too_large");
  CHECK(state->topics.empty());
}

TEST_CASE("bench consume wants its topic to be there, the others create it") {
  auto state = std::make_shared<fake_state>();
  const auto ran = run_line(state, "bench consume --topic typo --count 1 --json");
  CHECK(ran.code == exit_code::failed);
  CHECK(json::parse(ran.err).at("error").at("code") == "topic_unknown");
  CHECK(state->topics.empty());
  CHECK(run_line(state, "bench produce --topic typo --count 1 --keep").code == exit_code::ok);
  CHECK(state->topics.contains("typo"));
}

TEST_CASE("bench that is interrupted says so, after what was done before") {
  auto state = std::make_shared<fake_state>();
  for (std::uint64_t i = 0; i < 20; ++i) state->deliveries.push_back(fake_delivery(i, "x"));
  // The 21st message is the first of those that are sent one by one.
  state->status_now = end_asked_after(*state, 20);
  const auto ran = run_line(state, "bench all --count 20 --json");
  CHECK(ran.code == exit_code::failed);
  CHECK(json::parse(ran.err).at("error").at("code") == "interrupted");
  std::istringstream lines{ran.out};
  std::string line;
  for (const char* workload : {"produce", "consume"}) {
    REQUIRE(std::getline(lines, line));
    CHECK(json::parse(line).at("workload") == workload);
  }
  CHECK_FALSE(std::getline(lines, line));
  CHECK(state->topics.empty());
}

TEST_CASE("bench at a slow rate is interrupted between two messages") {
  auto state = std::make_shared<fake_state>();
  state->status_now = end_asked_after(*state, 0);
  const auto ran = run_line(state, "bench produce --count 2 --rate 0.001 --json");
  CHECK(ran.code == exit_code::failed);
  CHECK(json::parse(ran.err).at("error").at("code") == "interrupted");
  CHECK(state->stored == 1);
}

TEST_CASE("a wait ends when it is over or when an end is asked for, and never overflows") {
  using namespace std::chrono_literals;
  interruption stop;
  const auto begun = std::chrono::steady_clock::now();
  CHECK(bench::wait_until(bench::due_at(begun, 30, 1'000), stop));
  CHECK(std::chrono::steady_clock::now() - begun > 29ms);
  const auto far = bench::due_at(begun, std::uint64_t{1} << 40, 1e-300);
  CHECK(far > begun + std::chrono::hours{24 * 365});
  std::thread other{[&] { stop.request(); }};
  CHECK_FALSE(bench::wait_until(far, stop));
  other.join();
}

TEST_CASE("bench ceiling measures each round's parts in the opposite order of the one before") {
  using bench::part;
  CHECK(bench::order_of(0, false) == std::vector{part::broker, part::tcp, part::lmdb});
  CHECK(bench::order_of(1, false) == std::vector{part::lmdb, part::tcp, part::broker});
  CHECK(bench::order_of(2, false) == bench::order_of(0, false));
  CHECK(bench::order_of(1, true) == std::vector{part::commits, part::broker});
  CHECK(bench::median({3, 1, 2}) == 2);
  CHECK(bench::median({4, 1, 2, 3}) == 2.5);
}

TEST_CASE("bench ceiling shows the broker and what it is compared with") {
  auto state = std::make_shared<fake_state>();
  state->keeps_sent = false;
  state->status_now = [state = state.get()] {
    client::node_info now;
    now.shards.resize(1);
    now.shards.front().committed = entry_index{state->stored};
    now.shards.front().syncs.count = state->stored / 10;
    now.shards.front().group_sizes = {{1'000, state->stored / 10}};
    return now;
  };
  const auto folder = std::filesystem::temp_directory_path().string();
  const bool paced = GENERATE(false, true);
  std::vector<std::string> words{"bench", "ceiling",  "--count", "500",   "--rounds",
                                 "2",     "--folder", folder,    "--json"};
  if (paced) words.insert(words.end(), {"--rate", "10000"});
  const auto ran = run_words(state, words);
  INFO(ran.err);
  REQUIRE(ran.code == exit_code::ok);
  std::istringstream lines{ran.out};
  std::vector<json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(json::parse(line));
  REQUIRE(rows.size() == (paced ? 2 : 3));
  CHECK(rows[0].at("measured") == "the broker");
  CHECK(rows[0].at("p99_us").is_number());
  CHECK(rows[1].at("p99_us").is_number() == paced);
  CHECK(rows[1].at("messages_per_second") > 0);
  CHECK(rows[1].at("broker_share").is_number() == !paced);
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
  interruption stop;
  for (const auto mode : {durability::fsync, durability::memory}) {
    const auto took = bench::append_to_lmdb(
      folder, {.groups = {1, 5, 3}, .entry_bytes = 10'000, .mode = mode}, stop);
    REQUIRE(took.ok());
    CHECK(*took > 0);
  }
  const auto commits = bench::commit_in_groups(folder, 10'000, 100, 1'024, stop);
  REQUIRE(commits.ok());
  CHECK(commits->count() == 100);
  const auto moved = bench::move_over_tcp(500, 3'000, 64, stop);
  REQUIRE(moved.ok());
  CHECK(*moved > 0);
  CHECK(std::filesystem::is_empty(folder));
  CHECK(bench::append_to_lmdb(folder / "missing", {.groups = {1}, .entry_bytes = 1}, stop).code() !=
        errc::none);
  CHECK(bench::settle(folder, stop).ok());
  CHECK(bench::settle(folder / "missing", stop).code() == errc::storage_failed);
  // Asked to end, none of them begins.
  stop.request();
  CHECK_FALSE(bench::settle(folder, stop).ok());
  CHECK_FALSE(bench::append_to_lmdb(folder, {.groups = {1}, .entry_bytes = 1}, stop).ok());
  CHECK_FALSE(bench::commit_in_groups(folder, 0.001, 2, 1, stop).ok());
  CHECK_FALSE(bench::move_over_tcp(1, 1, 1, stop).ok());
  CHECK(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}
