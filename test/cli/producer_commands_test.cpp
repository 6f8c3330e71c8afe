#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

namespace {

std::shared_ptr<fake_state> with_producer() {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"] = fake_topic("orders", 4);
  state->producers = {{"importer", 3, unix_ms{1'800'000'000'000}, unix_ms{1'800'000'060'000}}};
  return state;
}

} // namespace

TEST_CASE("a named producer's lines are numbered as they stand in the input") {
  const auto state = with_producer();
  CHECK(run_line(state, "produce orders --producer importer", "a\nb\n").code == exit_code::ok);
  CHECK(state->producer_options.name == "importer");
  CHECK(state->sent.at(0).message.sequence == sequence{1});
  CHECK(state->sent.at(1).message.sequence == sequence{2});
  CHECK(run_line(state, "produce orders --producer importer --sequence-from 100 --body x").code ==
        exit_code::ok);
  CHECK(state->sent.at(2).message.sequence == sequence{100});
  CHECK(run_line(state, "produce orders --body x").code == exit_code::ok);
  CHECK(state->producer_options.name.empty());
  CHECK(state->sent.at(3).message.sequence == sequence{0});
  CHECK(run_line(state, "produce orders --sequence-from 100 --body x").code == exit_code::usage);
}

TEST_CASE("a dedup id is given, or is the key") {
  const auto state = with_producer();
  CHECK(run_line(state, "produce orders --body x --dedup-id payment-7").code == exit_code::ok);
  CHECK(state->sent.at(0).message.dedup_id == "payment-7");
  CHECK(run_line(state, "produce orders --key-separator : --dedup-keys", "a:1\nb:2\n").code ==
        exit_code::ok);
  CHECK(state->sent.at(1).message.dedup_id == "a");
  CHECK(state->sent.at(2).message.dedup_id == "b");
  for (const char* line : {"produce orders --dedup-id x", "produce orders --body x --dedup-keys",
                           "produce orders --body x --key k --dedup-keys --dedup-id y"})
    CHECK(run_line(state, line).code == exit_code::usage);
}

TEST_CASE("a failure of a named producer says that all may be sent again") {
  const auto state = with_producer();
  state->fails_from = 2;
  state->send_failure = {errc::outcome_unknown, "timeout"};
  const auto ran = run_line(state, "produce orders --producer importer", "a\nb\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err.find("is not stored twice") != std::string::npos);
}

TEST_CASE("producers are listed, and forgotten once it is sure") {
  const auto state = with_producer();
  const auto listed = run_line(state, "producer list --json");
  CHECK(listed.code == exit_code::ok);
  const auto row = json::parse(listed.out);
  CHECK(row["name"] == "importer");
  CHECK(row["epoch"] == 3);
  CHECK(run_line(state, "producer forget importer").code == exit_code::usage);
  CHECK(run_line(state, "producer forget other --yes").code == exit_code::failed);
  CHECK(run_line(state, "producer forget importer --yes").code == exit_code::ok);
  CHECK(state->producers.empty());
  CHECK(run_line(state, "producer list").err.find("no producer has a name") != std::string::npos);
}

TEST_CASE("a dedup window is set when a topic is made, and later") {
  const auto state = with_producer();
  CHECK(run_line(state, "topic create new --dedup-window 1h").code == exit_code::ok);
  CHECK(state->topics.at("new").settings.dedup_window_ms == 3'600'000);
  CHECK(run_line(state, "topic alter new --dedup-window 0").code == exit_code::ok);
  CHECK(state->topics.at("new").settings.dedup_window_ms == 0);
}
