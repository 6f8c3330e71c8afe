#include "cli/shell/story_words.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <set>
#include <string>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

using kind = client::story_event::kind;
using group_state = client::group_story::state;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

client::story_event event(kind what, std::int64_t ms) {
  client::story_event out;
  out.what = what;
  out.time = unix_ms{1'795'341'600'000 + ms};
  return out;
}

/// orders/3/17, which is dead in group billing.
std::shared_ptr<fake_state> a_story() {
  auto state = std::make_shared<fake_state>();
  auto& s = state->story;
  s.topic = "orders";
  s.number = queue_number{3};
  s.queue = queue_id{13};
  s.has_place = true;
  s.offset = offset{17};
  s.id = {producer_id{0x2a}, sequence{18}};
  s.now = client::message_story::state::stored;
  s.told = unix_ms{1'795'341'700'000};
  auto stored = event(kind::stored, 0);
  stored.offset = offset{17};
  s.events = {stored};
  client::group_story group;
  group.group = "billing";
  group.mode = "shared";
  group.now = group_state::dead;
  group.attempts = 1;
  group.error = "no such account";
  group.letter_queue = queue_id{40};
  group.letter_number = queue_number{1};
  group.letter = offset{4};
  group.letter_is = client::group_story::letter_state::open;
  auto lent = event(kind::lent, 1);
  lent.member = "worker-7";
  lent.attempt = 1;
  auto dead = event(kind::dead, 2);
  dead.attempt = 1;
  dead.error = "no such account";
  dead.offset = offset{4};
  group.events = {lent, dead};
  s.groups = {group};
  return state;
}

} // namespace

TEST_CASE("a story is told in words, line by line") {
  auto state = a_story();
  const auto ran = run_line(state, "message why orders/3/17 --group billing");
  REQUIRE(ran.code == exit_code::ok);
  CHECK(ran.out ==
        "orders/3/17, id 000000000000002a-18\n"
        "  2026-11-22T10:00:00.000Z  stored at offset 17 of queue 3, as durable as 'fsync' says\n"
        "  now                       can be read\n"
        "\n"
        "group billing (shared)\n"
        "  2026-11-22T10:00:00.001Z  leased to worker-7, delivery 1\n"
        "  2026-11-22T10:00:00.002Z  dead after 1 failed delivery, with \"no such account\"; its "
        "dead letter is at offset 4\n"
        "  now                       dead; 1 delivery has failed, the last with \"no such "
        "account\"; its dead letter is %DLQ%billing/1/4\n");
  REQUIRE(state->questions.size() == 1);
  const auto& asked = state->questions[0];
  CHECK(asked.topic == "orders");
  CHECK(asked.group == "billing");
  CHECK(std::get<client::story_question::place>(asked.which).offset == offset{17});
}

TEST_CASE("a story is told in JSON with the same words") {
  auto state = a_story();
  state->story.known_from = unix_ms{1'795'341'600'000};
  state->story.groups_left_out = 3;
  const auto ran = run_line(state, "message why orders/3/17 --json");
  REQUIRE(ran.code == exit_code::ok);
  const auto told = nlohmann::json::parse(ran.out);
  CHECK(told.at("state") == "stored");
  CHECK(told.at("known_from") == "2026-11-22T10:00:00.000Z");
  CHECK(told.at("groups_left_out") == 3);
  const auto& group = told.at("groups").at(0);
  CHECK(group.at("state") == "dead");
  CHECK(group.at("letter") == "%DLQ%billing/1/4");
  CHECK(group.at("events").at(0).at("words") == "leased to worker-7, delivery 1");
  CHECK(group.at("until").is_null());
}

TEST_CASE("a story of nothing says of which place") {
  auto state = std::make_shared<fake_state>();
  state->story.topic = "orders";
  const auto ran = run_line(state, "message why orders/3/99");
  CHECK(ran.code == exit_code::ok);
  CHECK(holds(ran.out, "orders/3/99\n"));
}

TEST_CASE("of a dead letter it is told whose it is") {
  auto state = a_story();
  auto& s = state->story;
  s.topic = "%DLQ%billing";
  s.number = queue_number{1};
  s.offset = offset{4};
  s.groups.clear();
  state->topics[s.topic] = fake_topic(s.topic, 2, 5);
  auto letter = fake_delivery(4, "body");
  letter.topic = s.topic;
  letter.number = queue_number{1};
  // It died twice, redriven from its first letter.
  letter.properties = {{"carafe-dead-topic", "%DLQ%other"}, {"carafe-dead-queue", "0"},
                       {"carafe-dead-offset", "2"},         {"carafe-dead-topic", "orders"},
                       {"carafe-dead-queue", "3"},          {"carafe-dead-offset", "17"},
                       {"carafe-dead-queue-id", "13"}};
  state->topics["orders"] = fake_topic("orders", 4);
  state->topics["orders"].queues[3].queue = queue_id{13};
  state->deliveries = {letter};
  const auto ran = run_line(state, "message why %DLQ%billing/1/4");
  REQUIRE(ran.code == exit_code::ok);
  CHECK(holds(ran.out, "the dead letter of orders/3/17, whose life"));
  state->deliveries = {letter};
  const auto told =
    nlohmann::json::parse(run_line(state, "message why %DLQ%billing/1/4 --json").out);
  CHECK(told.at("dead_letter_of") == "orders/3/17");
  state->deliveries = {letter};
  state->topics["orders"].queues[3].queue = queue_id{99};
  CHECK(holds(run_line(state, "message why %DLQ%billing/1/4").out,
              "the dead letter of orders/3/17, in a topic that was deleted"));
  // Who cannot read it is told the rest.
  state->deliveries.clear();
  state->poll_failure = failure{errc::not_leader, "moved"};
  const auto unread = run_line(state, "message why %DLQ%billing/1/4 --json");
  REQUIRE(unread.code == exit_code::ok);
  CHECK(nlohmann::json::parse(unread.out).at("dead_letter_of").is_null());
}

TEST_CASE("an id is looked for in its topic, from a time on") {
  auto state = a_story();
  REQUIRE(run_line(state, "message why 2a-18 --topic orders").code == exit_code::usage);
  REQUIRE(run_line(state, "message why 000000000000002a-18 --topic orders --since "
                          "2026-11-22T10:00:00Z")
            .code == exit_code::ok);
  const auto& id = std::get<client::story_question::id>(state->questions.at(0).which);
  CHECK(id.of == client::message_id{producer_id{0x2a}, sequence{18}});
  CHECK(id.since == unix_ms{1'795'341'600'000});
  const auto alone = run_line(state, "message why 000000000000002a-18");
  CHECK(alone.code == exit_code::usage);
  CHECK(holds(alone.err, "give --topic"));
  CHECK(run_line(state, "message why orders/3/17 --topic orders").code == exit_code::usage);
}

TEST_CASE("every state and event has a name and words of its own") {
  std::set<std::string> names, words;
  const client::message_story story;
  for (std::uint16_t i = 0; i <= static_cast<std::uint16_t>(kind::gone); ++i) {
    const auto one = event(static_cast<kind>(i), 0);
    names.insert(std::string{name_of(one.what)});
    words.insert(words_of(one, story));
  }
  CHECK(names.size() == static_cast<std::size_t>(kind::gone) + 1);
  CHECK(words.size() == names.size());
  names.clear();
  for (std::uint16_t i = 0; i <= static_cast<std::uint16_t>(group_state::unstarted); ++i) {
    client::group_story group;
    group.now = static_cast<group_state>(i);
    names.insert(std::string{name_of(group.now)});
    CHECK_FALSE(words_of(group, story).empty());
  }
  CHECK(names.size() == static_cast<std::size_t>(group_state::unstarted) + 1);
}
