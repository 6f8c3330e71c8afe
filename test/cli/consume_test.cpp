#include "cli/shell/delivery_text.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

namespace {

std::shared_ptr<fake_state> with_messages(std::uint64_t count) {
  auto state = std::make_shared<fake_state>();
  for (std::uint64_t at = 0; at < count; ++at)
    state->deliveries.push_back(fake_delivery(at, "body-" + std::to_string(at)));
  return state;
}

/// Runs `consume` with stdout at `out`.
exit_code consume_to(const std::shared_ptr<fake_state>& state, int out) {
  console terminal{{.in = 0, .out = out, .err = ::open("/dev/null", O_WRONLY | O_CLOEXEC)}};
  surroundings around{.terminal = terminal,
                      .nodes = [&](const client::connect_options&) { return fake_node(state); }};
  return run_command({"consume", "orders", "--group", "g"}, around);
}

} // namespace

TEST_CASE("bodies are printed with a newline each") {
  auto ran = run_line(with_messages(3), "consume orders --count 3");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "body-0\nbody-1\nbody-2\n");
}

TEST_CASE("consume takes no more than --count") {
  auto state = with_messages(10'000);
  auto ran = run_line(state, "consume orders --group g --count 9000");
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 9'000);
  CHECK(state->acknowledged.size() == 9'000);
  CHECK(state->closed);
}

TEST_CASE("consume ends when nothing comes") {
  auto state = with_messages(2);
  auto ran = run_line(state, "consume orders --idle-exit 30");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "body-0\nbody-1\n");
  CHECK(state->closed);
  CHECK(state->acknowledged.empty());
}

TEST_CASE("delivery JSON has the documented fields") {
  auto state = with_messages(2);
  auto& d = state->deliveries;
  d[0].key = "k";
  d[0].tag = "t";
  d[0].properties = {{"a", "1"}, {"a", "2"}, {"raw", "\xff"}};
  d[1].body = "\xff\n";
  d[1].key = "\xfe";
  auto ran = run_line(state, "consume orders --format json --count 2");
  auto first = nlohmann::ordered_json::parse(ran.out.substr(0, ran.out.find('\n')));
  std::vector<std::string> names;
  for (const auto& [name, value] : first.items()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"topic", "queue", "offset", "attempt", "key", "tag",
                                          "properties", "properties_base64", "born", "broker_time",
                                          "id", "body"});
  CHECK(first["properties"].dump() == R"({"a":"2"})");
  CHECK(first["properties_base64"].dump() == R"({"raw":"/w=="})");
  CHECK(first["id"] == "000000000000002a-1");
  CHECK(first["broker_time"] == "2026-11-22T10:00:00.123Z");
  auto second = json::parse(ran.out.substr(ran.out.find('\n') + 1));
  CHECK(second["body_base64"] == "/wo=");
  CHECK(second["key_base64"] == "/g==");
  CHECK(second["tag"].is_null());
  CHECK_FALSE(second.contains("body"));
  CHECK(run_line(with_messages(1), "consume orders --json --count 1").out[0] == '{');
}

TEST_CASE("consumer options are passed on") {
  auto state = with_messages(0);
  REQUIRE(run_line(state, "consume a b --group g --member m --from 12 --out-of-range latest "
                          "--commit-interval-ms 7 --idle-exit 1")
            .code == exit_code::ok);
  const auto& o = state->consumer_options;
  CHECK(o.topics == std::vector<std::string>{"a", "b"});
  CHECK(o.group == "g");
  CHECK(o.member == "m");
  CHECK(o.start == start_position{.at = start_position::kind::at_offset, .from = offset{12}});
  CHECK(o.out_of_range == range_policy::latest);
  CHECK(o.commit_interval == std::chrono::milliseconds{7});
  REQUIRE(run_line(state, "consume a --queue 1 --queue 3 --idle-exit 1").code == exit_code::ok);
  CHECK(state->consumer_options.queues == std::vector{queue_number{1}, queue_number{3}});
  CHECK(state->consumer_options.start.at == start_position::kind::earliest);
}

TEST_CASE("the mode is the one given, or the group's own") {
  auto state = with_messages(0);
  REQUIRE(run_line(state, "consume a --group g --mode keyed --in-flight 10 --idle-exit 1").code ==
          exit_code::ok);
  CHECK(state->consumer_options.mode == client::group_mode::keyed);
  CHECK(state->consumer_options.in_flight_max == 10);
  CHECK_FALSE(state->consumer_options.commit_interval);
  REQUIRE(run_line(state, "consume a --group g --idle-exit 1").code == exit_code::ok);
  CHECK(state->consumer_options.mode == client::group_mode::ordered); // There is none.
  state->groups["g"].mode = "shared";
  REQUIRE(run_line(state, "consume a --group g --idle-exit 1").code == exit_code::ok);
  CHECK(state->consumer_options.mode == client::group_mode::shared);
  CHECK(run_line(state, "consume a --mode shared").code == exit_code::usage);
  CHECK(run_line(state, "consume a --group new --in-flight 3").code == exit_code::usage);
}

TEST_CASE("a name is a consumer's of a broadcast group") {
  auto state = with_messages(0);
  REQUIRE(run_line(state, "consume a --group g --name desk --idle-exit 1").code == exit_code::ok);
  CHECK(state->consumer_options.mode == client::group_mode::broadcast);
  CHECK(state->consumer_options.durable_name == "desk");
  state->groups["g"].mode = "broadcast";
  REQUIRE(run_line(state, "consume a --group g --idle-exit 1").code == exit_code::ok);
  CHECK(state->consumer_options.mode == client::group_mode::broadcast);
  CHECK(state->consumer_options.durable_name.empty());
  CHECK(run_line(state, "consume a --name desk").code == exit_code::usage);
  CHECK(run_line(state, "consume a --group g --name desk --mode ordered").code == exit_code::usage);
  CHECK(run_line(state, "consume a --group g --mode broadcast --in-flight 3").code ==
        exit_code::usage);
}

TEST_CASE("messages that were printed can be failed or given up instead") {
  auto state = with_messages(2);
  auto ran = run_line(state, "consume a --group g --mode shared --nack 'not now' --count 2");
  CHECK(ran.out == "body-0\nbody-1\n");
  using noted = std::vector<std::pair<offset, std::string>>;
  CHECK(state->nacked == noted{{offset{0}, "not now"}, {offset{1}, "not now"}});
  CHECK(state->acknowledged.empty());
  state = with_messages(1);
  REQUIRE(run_line(state, "consume a --group g --mode keyed --reject bad --count 1").code ==
          exit_code::ok);
  CHECK(state->rejected == noted{{offset{0}, "bad"}});
  for (auto line : {"consume a --nack x", "consume a --group g --nack x",
                    "consume a --group g --mode shared --nack x --reject y"})
    CHECK(run_line(state, line).code == exit_code::usage);
}

TEST_CASE("the attempt is shown to people from the second on") {
  auto d = fake_delivery(0, "x");
  auto shown = [&d] {
    std::string out;
    append_delivery(out, d, delivery_format::body_and_attempt);
    append_delivery(out, d, delivery_format::body);
    return out;
  };
  CHECK(shown() == "x\nx\n");
  d.attempt = 3;
  CHECK(shown() == "x  (attempt 3)\nx\n");
}

TEST_CASE("options that need or exclude a group are checked") {
  CHECK(run_line(with_messages(0), "consume a --queue 1 --group g").code == exit_code::usage);
  CHECK(run_line(with_messages(0), "consume a --member m").code == exit_code::usage);
  CHECK(run_line(with_messages(0), "consume a --from soon").code == exit_code::usage);
  CHECK(run_line(with_messages(0), "consume").code == exit_code::usage);
}

TEST_CASE("an error ends consume after what came before it was printed and the group was left") {
  auto state = with_messages(2);
  state->poll_failure = failure{errc::offset_out_of_range, "orders/2"};
  auto ran = run_line(state, "consume orders --group g");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.out == "body-0\nbody-1\n");
  CHECK(ran.err.find("carafe: offset_out_of_range: ") == 0);
  CHECK(state->closed);
}

TEST_CASE("a queue that moved on is no error") {
  auto state = with_messages(2);
  state->deliveries[0].number = queue_number{9};
  CHECK(run_line(state, "consume orders --group g --count 2").code == exit_code::ok);
  CHECK(state->acknowledged == std::vector{offset{1}});
}

TEST_CASE("what could not be written is not acknowledged") {
  auto state = with_messages(5);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  CHECK(consume_to(state, ends[1]) == exit_code::ok);
  ::close(ends[1]);
  CHECK(state->acknowledged.empty());
  CHECK(state->closed);
}

TEST_CASE("a reader that goes away ends an idle consume") {
  auto state = with_messages(1);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::thread reader{[&] {
    char c = 0;
    while (::read(ends[0], &c, 1) == 1 && c != '\n') {
    }
    ::close(ends[0]);
  }};
  CHECK(consume_to(state, ends[1]) == exit_code::ok);
  reader.join();
  ::close(ends[1]);
  CHECK(state->acknowledged.size() == 1);
  CHECK(state->closed);
}

TEST_CASE("a full disk is told") {
  auto state = with_messages(1);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  CHECK(consume_to(state, full) == exit_code::failed);
  ::close(full);
  CHECK(state->acknowledged.empty());
}

TEST_CASE("Ctrl-C leaves the group and exits with 0") {
  auto state = with_messages(1);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::thread user{[&] {
    char c = 0;
    // Only now is the signal caught for certain.
    while (::read(ends[0], &c, 1) == 1 && c != '\n') {
    }
    ::kill(::getpid(), SIGINT);
  }};
  CHECK(consume_to(state, ends[1]) == exit_code::ok);
  user.join();
  CHECK(state->closed);
  CHECK(state->acknowledged.size() == 1);
  ::close(ends[0]);
  ::close(ends[1]);
}
