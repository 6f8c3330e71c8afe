#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using namespace std::chrono_literals;

TEST_CASE("schedule create gives the node a rule and a message") {
  const auto state = std::make_shared<fake_state>();
  const auto ran = run_words(state, {"schedule",
                                     "create",
                                     "nightly",
                                     "--topic",
                                     "reports",
                                     "--cron",
                                     "30 2 * * mon-fri",
                                     "--zone",
                                     "Europe/Berlin",
                                     "--missed",
                                     "all",
                                     "--body",
                                     "run",
                                     "--key",
                                     "k",
                                     "--tag",
                                     "t",
                                     "--property",
                                     "a=b",
                                     "--priority",
                                     "7",
                                     "--ttl",
                                     "1h",
                                     "--count",
                                     "5"});
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "schedule nightly: next at 2027-01-15T08:00:00.000Z\n");
  const auto& what = state->schedules.at("nightly").what;
  CHECK(what.topic == "reports");
  CHECK(std::get<client::cron_times>(what.when) ==
        client::cron_times{"30 2 * * mon-fri", "Europe/Berlin"});
  CHECK(what.missed == client::missed_times::all);
  CHECK(what.count_max == 5);
  CHECK(what.message.body == "run");
  CHECK(what.message.key == "k");
  CHECK(what.message.tag == "t");
  CHECK(what.message.priority == 7);
  CHECK(what.message.ttl == 1h);
  CHECK(what.message.properties == std::vector<std::pair<std::string, std::string>>{{"a", "b"}});
  CHECK(run_line(state, "schedule create beat --topic health --every 5m --from "
                        "2027-01-15T08:00:00Z --until 2027-02-15T08:00:00Z")
          .code == exit_code::ok);
  CHECK(std::get<client::interval_times>(state->schedules.at("beat").what.when) ==
        client::interval_times{5min, unix_ms{1'800'000'000'000}});
  CHECK(run_line(state, "schedule create beat --topic health --every 5m").code ==
        exit_code::failed);
  CHECK(run_line(state, "schedule create beat --topic health --every 5m --if-missing").code ==
        exit_code::ok);
}

TEST_CASE("schedule create wants one rule, and its own options") {
  const auto state = std::make_shared<fake_state>();
  for (const char* wrong :
       {"schedule create s --topic t", "schedule create s --topic t --cron @daily --every 5m",
        "schedule create s --topic t --every 5m --zone UTC",
        "schedule create s --topic t --cron @daily --from 2027-01-15T08:00:00Z",
        "schedule create s --every 5m", "schedule create --topic t --every 5m",
        "schedule create s --topic t --every 5m --missed sometimes",
        "schedule create s --topic t --every 5m --count 0"})
    CHECK(run_line(state, wrong).code == exit_code::usage);
  CHECK(state->schedules.empty());
}

TEST_CASE("schedule list, describe, pause, resume and delete") {
  const auto state = std::make_shared<fake_state>();
  CHECK(run_line(state, "schedule list").err == "no schedules\n");
  run_line(state, "schedule create beat --topic health --every 5m --body alive --property a=b");
  auto& beat = state->schedules.at("beat");
  beat.fired = 12;
  beat.problem = "storage_full";
  auto ran = run_line(state, "schedule list");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out.find("every 5m") != std::string::npos);
  CHECK(ran.out.find("blocked") != std::string::npos);
  ran = run_line(state, "schedule list --json");
  CHECK(ran.out.find("\"every_ms\":300000") != std::string::npos);
  CHECK(ran.out.find("\"problem\":\"storage_full\"") != std::string::npos);
  ran = run_line(state, "schedule describe beat");
  CHECK(ran.out.find("alive") != std::string::npos);
  CHECK(ran.out.find("a=b") != std::string::npos);
  CHECK(run_line(state, "schedule pause beat").out == "schedule beat is paused\n");
  CHECK(beat.paused);
  CHECK(run_line(state, "schedule resume beat").code == exit_code::ok);
  CHECK_FALSE(beat.paused);
  CHECK(run_line(state, "schedule delete beat").out == "schedule beat is deleted\n");
  for (const char* gone : {"schedule delete beat", "schedule describe beat", "schedule pause beat",
                           "schedule resume beat"}) {
    const auto late = run_line(state, gone);
    CHECK(late.code == exit_code::failed);
    CHECK(late.err.find("schedule_unknown") != std::string::npos);
  }
}
