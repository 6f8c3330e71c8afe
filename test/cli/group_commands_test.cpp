#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

/// Names of an object's members, in the order in which they are written.
std::vector<std::string> names_in(const nlohmann::ordered_json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

using names = std::vector<std::string>;

client::group_info mailers() {
  client::group_info g;
  g.name = "mailers";
  g.mode = "shared";
  g.topics = {"orders"};
  g.version = 4;
  g.members.resize(1);
  g.members[0].member = member_id{7};
  g.members[0].name = "desk-1";
  g.members[0].in_flight = 12;
  g.members[0].idle_ms = 95'000;
  g.queues.resize(2);
  for (auto& q : g.queues) q.topic = "orders";
  g.queues[0].in_flight = 12;
  g.queues[1].waiting = 3;
  g.queues[1].lag = 3;
  return g;
}

} // namespace

TEST_CASE("group create passes its options on") {
  auto state = std::make_shared<fake_state>();
  auto ran = run_line(state, "group create mailers --topics orders,refunds --mode keyed --lease 1m "
                             "--attempts 5 --backoff exponential:1s,2,3s --jitter 20% "
                             "--member-in-flight 10 --in-flight 100 --waiting-max 1000");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "group mailers: keyed, 2 topics\n");
  const auto& put = state->put_groups.at(0);
  CHECK(put.name == "mailers");
  CHECK(put.mode == "keyed");
  CHECK(put.topics == names{"orders", "refunds"});
  CHECK(put.delivery ==
        client::delivery_settings{60'000, 5, {1'000, 2'000, 3'000}, 20, 10, 100, 1'000});
  CHECK(put.version == 0);
  CHECK_FALSE(put.if_missing);
  CHECK(run_line(state, "group create mailers --topics a --mode shared").code == exit_code::failed);
  CHECK(run_line(state, "group create mailers --topics a --mode shared --if-missing").code ==
        exit_code::ok);
  CHECK(state->put_groups.back().delivery == client::delivery_settings{});
}

TEST_CASE("an ordered group has no delivery settings") {
  auto state = std::make_shared<fake_state>();
  CHECK(run_line(state, "group create g --topics a --mode ordered --lease 1m").code ==
        exit_code::usage);
  CHECK(run_line(state, "group create g --topics a --mode ordered").code == exit_code::ok);
  CHECK(run_line(state, "group alter g --attempts 3").code == exit_code::usage);
  CHECK(run_line(state, "group create g --mode shared").code == exit_code::usage);
}

TEST_CASE("group alter changes what is given, in the version it saw") {
  auto state = std::make_shared<fake_state>();
  state->groups["mailers"] = mailers();
  CHECK(run_line(state, "group alter mailers --attempts 3 --backoff 1s,2s").code == exit_code::ok);
  auto put = state->put_groups.at(0);
  auto expected = client::delivery_settings{};
  expected.attempts_max = 3;
  expected.backoff_ms = {1'000, 2'000};
  CHECK(put.delivery == expected);
  CHECK(put.mode == "shared");
  CHECK(put.topics == names{"orders"});
  CHECK(put.version == 4);
  REQUIRE(run_line(state, "group alter mailers --topics a,b --mode keyed").code == exit_code::ok);
  put = state->put_groups.at(1);
  CHECK(put.topics == names{"a", "b"});
  CHECK(put.mode == "keyed");
  CHECK(put.delivery == expected);
  CHECK(put.version == 5);
  CHECK(run_line(state, "group alter mailers").code == exit_code::usage);
  CHECK(run_line(state, "group alter other --attempts 3").code == exit_code::failed);
}

TEST_CASE("JSON of a shared group tells its settings, what is in flight and what waits") {
  auto state = std::make_shared<fake_state>();
  state->groups["mailers"] = mailers();
  auto group = nlohmann::ordered_json::parse(run_line(state, "group describe mailers --json").out);
  CHECK(names_in(group) == names{"group",
                                 "group_id",
                                 "mode",
                                 "topics",
                                 "version",
                                 "lag",
                                 "filtered_messages",
                                 "expired_messages",
                                 "in_flight",
                                 "waiting",
                                 "held_up",
                                 "lease_ms",
                                 "attempts_max",
                                 "backoff_ms",
                                 "jitter_percent",
                                 "member_in_flight_max",
                                 "in_flight_max",
                                 "waiting_max",
                                 "expired",
                                 "queues",
                                 "members"});
  CHECK(names_in(group["queues"][0]) == names{"topic", "queue", "queue_id", "committed", "earliest",
                                              "end", "lag", "in_flight", "waiting", "member",
                                              "member_id"});
  CHECK(names_in(group["members"][0]) == names{"member", "member_id", "client", "address", "queues",
                                               "in_flight", "idle_ms", "joined"});
  state->groups["mailers"].topics = {"left", "orders"};
  group = nlohmann::ordered_json::parse(run_line(state, "group describe mailers --json").out);
  CHECK(group["deleted_topics"] == nlohmann::ordered_json{"left"});
  state->groups["mailers"].mode = "ordered";
  auto& member = state->groups["mailers"].members[0];
  member.id = "desk";
  member.member = member_id{0};
  member.kept_until = unix_ms{1'700'000'000'000};
  group = nlohmann::ordered_json::parse(run_line(state, "group describe mailers --json").out);
  CHECK(names_in(group["members"][0]) ==
        names{"member", "member_id", "id", "kept_until", "client", "address", "queues", "joined"});
  CHECK(group["members"][0]["id"] == "desk");
  CHECK(group["members"][0]["member_id"].is_null());
  CHECK(group["queues"][0]["member"].is_null());
  state->groups["mailers"] = mailers();
  group = nlohmann::ordered_json::parse(run_line(state, "group describe mailers --json").out);
  CHECK(group["in_flight"] == 12);
  CHECK(group["waiting"] == 3);
  CHECK(group["backoff_ms"][1] == 30'000);
  CHECK(group["members"][0]["idle_ms"] == 95'000);
  const auto shown = run_line(state, "group describe mailers").out;
  CHECK(shown.find("\nlease                 30.0 s\n") != std::string::npos);
  CHECK(shown.find("\nbackoff               10.0 s, 30.0 s, 1m 00s, ") != std::string::npos);
  CHECK(shown.find("1m 35s") != std::string::npos);
}

TEST_CASE("a broadcast group has no delivery settings, and shows its named consumers") {
  auto state = std::make_shared<fake_state>();
  CHECK(run_line(state, "group create g --topics a --mode broadcast --lease 1m").code ==
        exit_code::usage);
  CHECK(run_line(state, "group create g --topics a --mode broadcast").out ==
        "group g: broadcast, 1 topic\n");
  auto& group = state->groups["g"];
  group.queues.resize(1);
  group.queues[0] = {"a", queue_number{3}, queue_id{14}, offset{4}, offset{0}, offset{10}, {}, 6};
  group.consumers.resize(3);
  group.consumers[0] = {"desk", {}, member_id{7}, {{queue_id{14}, offset{9}, 1}}};
  group.consumers[1] = {"new", {}, {}, {{queue_id{14}, std::nullopt, 10}}};
  group.consumers[2] = {"old", {}, {}, {}};
  const auto told = nlohmann::ordered_json::parse(run_line(state, "group describe g --json").out);
  CHECK(names_in(told) == names{"group", "group_id", "mode", "topics", "version", "lag",
                                "filtered_messages", "expired_messages", "queues", "members",
                                "consumers"});
  const auto& rows = told["consumers"];
  REQUIRE(rows.size() == 3);
  CHECK(names_in(rows[0]) == names{"name", "member_id", "created", "topic", "queue", "queue_id",
                                   "committed", "end", "lag"});
  CHECK(rows[0]["member_id"] == 7);
  CHECK(rows[0]["committed"] == 9);
  CHECK(rows[0]["queue"] == 3);
  CHECK(rows[0]["end"] == 10);
  CHECK(rows[1]["member_id"].is_null());
  CHECK(rows[1]["committed"].is_null());
  CHECK(rows[1]["lag"] == 10);
  CHECK(rows[2]["topic"].is_null());
  CHECK(run_line(state, "group describe g").out.find("\nconsumers\n") != std::string::npos);
}

TEST_CASE("group reset moves one named consumer or all, group forget drops one") {
  auto state = std::make_shared<fake_state>();
  state->groups["g"].consumers.resize(1);
  state->groups["g"].consumers[0].name = "desk";
  CHECK(run_line(state, "group reset g --to latest").code == exit_code::ok);
  CHECK(state->reset_consumer.empty());
  CHECK(run_line(state, "group reset g --to latest --name desk").code == exit_code::ok);
  CHECK(state->reset_consumer == "desk");
  CHECK(run_line(state, "group forget g desk").code == exit_code::usage); // Nobody can be asked.
  CHECK(run_line(state, "group forget g other --yes").code == exit_code::failed);
  CHECK(run_line(state, "group forget g desk --yes").out == "consumer desk of group g forgotten\n");
  CHECK(state->groups["g"].consumers.empty());
}

TEST_CASE("group alter leaves the filter as it is unless told otherwise") {
  auto state = std::make_shared<fake_state>();
  state->groups["mailers"] = mailers();
  const client::message_filter filter{client::message_filter::kind::tags, "paid"};
  state->groups["mailers"].filter = filter;
  REQUIRE(run_line(state, "group alter mailers --attempts 3").code == exit_code::ok);
  CHECK(state->put_groups.at(0).filter == filter);
  REQUIRE(run_line(state, "group alter mailers --tags ''").code == exit_code::ok);
  CHECK(state->put_groups.at(1).filter == client::message_filter{});
}
