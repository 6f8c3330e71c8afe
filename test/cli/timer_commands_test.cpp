#include "cli/shell/timer_choice.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* id_text = "0123456789abcdef-42";

std::shared_ptr<fake_state> with_timers() {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"].name = "orders";
  client::pending_timer t;
  t.due = unix_ms{1'800'000'000'000};
  t.queue = queue_id{12};
  t.place = 4;
  t.id = *client::message_id_from(id_text);
  t.name = "close order 4711";
  t.key = "c-1";
  t.body_bytes = 24;
  state->timers.timers = {t};
  state->timers.total = 3;
  return state;
}

} // namespace

TEST_CASE("a message id is what its text says, and nothing else is one") {
  const auto id = client::message_id_from(id_text);
  REQUIRE(id);
  CHECK(client::to_string(*id) == id_text);
  for (const char* bad : {"", "42", "0123456789abcdef", "0123456789abcdef-", "123456789abcdef-42",
                          "0123456789abcdeg-42", "0123456789abcdef-4x", "0123456789abcdef--1",
                          "0123456789abcdef-0", "0123456789abcdef-99999999999999999999"})
    CHECK_FALSE(client::message_id_from(bad));
}

TEST_CASE("a delay is a duration or one of RocketMQ's levels") {
  CHECK(*parse_delay("90s") == 90s);
  CHECK(*parse_delay("level1") == 1s);
  CHECK(*parse_delay("level4") == 30s);
  CHECK(*parse_delay("level18") == 2h);
  for (const char* bad : {"level0", "level19", "level", "levelx", "soon"})
    CHECK(parse_delay(bad).code() == errc::invalid_argument);
}

TEST_CASE("timer list shows the soonest, and people how many there are") {
  const auto state = with_timers();
  const auto ran = run_line(state, "timer list orders --limit 1");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out.find(id_text) != std::string::npos);
  CHECK(ran.out.find("close order 4711") != std::string::npos);
  CHECK(ran.err == "1 of 3 messages; go on with --after 2027-01-15T08:00:00.000Z/12/4\n");
  CHECK(run_line(state, "timer list orders --after 2027-01-15T08:00:00.000Z/12/4").code ==
        exit_code::ok);
  CHECK(state->listed_behind.due == unix_ms{1'800'000'000'000});
  CHECK(state->listed_behind.queue == queue_id{12});
  CHECK(state->listed_behind.number == 4);
  CHECK(run_line(state, "timer list orders --after 2027-01-15T08:00:00Z").code == exit_code::ok);
  CHECK(state->listed_behind.queue == queue_id{0});
  for (const char* wrong : {"2027-01-15T08:00:00Z/12", "2027-01-15T08:00:00Z/0/4", "/12/4",
                            "2027-01-15T08:00:00Z/12/4/5", "2027-01-15T08:00:00Z/x/4"})
    CHECK(run_line(state, std::string{"timer list orders --after "} + wrong).code ==
          exit_code::usage);
  CHECK(run_line(state, "timer list nothing").code == exit_code::failed);
}

TEST_CASE("timer cancel and move choose by id or by name, one of them") {
  const auto state = with_timers();
  CHECK(run_line(state, "timer cancel orders --id 0123456789abcdef-42").out ==
        "1 message cancelled\n");
  REQUIRE(state->timers_chosen.size() == 1);
  CHECK(std::get<client::message_id>(state->timers_chosen[0].which) ==
        *client::message_id_from(id_text));
  CHECK(run_line(state, "timer move orders --name n --in level5").out == "1 message moved\n");
  CHECK(std::get<std::string>(state->timers_chosen[1].which) == "n");
  CHECK(std::get<std::chrono::milliseconds>(*state->moved_to) == 1min);
  CHECK(run_line(state, "timer move orders --name n --at 2027-01-15T08:00:00Z").code ==
        exit_code::ok);
  CHECK(std::get<unix_ms>(*state->moved_to) == unix_ms{1'800'000'000'000});
  for (const char* wrong : {"timer cancel orders", "timer cancel orders --id 7",
                            "timer cancel orders --name n --id 0123456789abcdef-42",
                            "timer move orders --name n", "timer move orders --name n --at -5m",
                            "timer move orders --name n --in 1s --at 2027-01-15T08:00:00Z"})
    CHECK(run_line(state, wrong).code == exit_code::usage);
  state->timers.timers.clear();
  const auto late = run_line(state, "timer cancel orders --name n");
  CHECK(late.code == exit_code::failed);
  CHECK(late.err.find("timer_unknown") != std::string::npos);
}

TEST_CASE("produce gives its messages a priority and a time to live") {
  const auto state = with_timers();
  CHECK(run_line(state, "produce orders --body x --priority 9 --ttl 90s").code == exit_code::ok);
  REQUIRE(state->sent.size() == 1);
  CHECK(state->sent[0].message.priority == 9);
  CHECK(state->sent[0].message.ttl == 90s);
  CHECK(run_line(state, "produce orders --body x --priority 10").code == exit_code::usage);
}

TEST_CASE("produce gives its messages a time and a name") {
  const auto state = with_timers();
  CHECK(run_line(state, "produce orders --body x --delay level3 --timer-name n").code ==
        exit_code::ok);
  REQUIRE(state->sent.size() == 1);
  CHECK(state->sent[0].message.delay == 10s);
  CHECK(state->sent[0].message.properties ==
        std::vector<std::pair<std::string, std::string>>{{"carafe-timer", "n"}});
  CHECK(run_line(state, "produce orders --body x --deliver-at 2027-01-15T08:00:00Z").code ==
        exit_code::ok);
  CHECK(state->sent[1].message.deliver_at == unix_ms{1'800'000'000'000});
  CHECK(run_line(state, "produce orders --body x --timer-name n").code == exit_code::usage);
  CHECK(
    run_line(state, "produce orders --body x --delay 1s --deliver-at 2027-01-15T08:00:00Z").code ==
    exit_code::usage);
}
