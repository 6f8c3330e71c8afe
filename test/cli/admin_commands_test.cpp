#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

namespace {

/// Names of an object's members, in the order in which they are written.
std::vector<std::string> names_in(const nlohmann::ordered_json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

using names = std::vector<std::string>;

client::group_info billing() {
  client::group_info g;
  g.name = "billing";
  g.group = group_id{3};
  g.mode = "ordered";
  g.topics = {"orders"};
  g.members = {{member_id{77}, "desk-1", "host-4711", "127.0.0.1:5000", 1, unix_ms{5'000}}};
  client::group_queue_info q;
  q.topic = "orders";
  q.number = queue_number{0};
  q.queue = queue_id{10};
  q.committed = offset{70};
  q.end = offset{100};
  q.owner = member_id{77};
  q.lag = 30;
  g.queues = {q, {}};
  g.queues[1].topic = "orders";
  return g;
}

} // namespace

TEST_CASE("topic create passes its options on and answers with the topic") {
  auto state = std::make_shared<fake_state>();
  auto ran =
    run_line(state, "topic create orders --queues 8 --durability memory --retention 12h --ttl 90s");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "topic orders: 8 queues, memory\n");
  const auto& created = state->topics.at("orders");
  CHECK(created.settings.mode == durability::memory);
  CHECK(created.settings.retention_ms == 43'200'000);
  CHECK(created.settings.default_ttl_ms == 90'000);
  CHECK(run_line(state, "topic create orders").code == exit_code::failed);
  CHECK(run_line(state, "topic create orders --if-missing").code == exit_code::ok);
  CHECK(run_line(state, "topic create four").out == "topic four: 4 queues, fsync\n");
}

TEST_CASE("topic JSON has the documented fields") {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"] = fake_topic("orders", 2, 50);
  auto topic = nlohmann::ordered_json::parse(run_line(state, "topic describe orders --json").out);
  CHECK(names_in(topic) == names{"topic", "topic_id", "durability", "retention_ms", "ttl_ms",
                                 "dedup_window_ms", "compacted", "produce_quota_bytes",
                                 "consume_quota_bytes", "produce_refused", "consume_paused_ms",
                                 "created", "messages", "queues"});
  CHECK(names_in(topic["queues"][1]) == names{"queue", "queue_id", "shard", "durability",
                                              "earliest", "end", "messages", "last_time"});
  CHECK(topic["messages"] == 100);
  CHECK(topic["created"] == "2026-11-22T10:00:00.123Z");
  CHECK(topic["queues"][0]["last_time"].is_null());
  auto line = nlohmann::ordered_json::parse(run_line(state, "topic list --json").out);
  CHECK(names_in(line) == names{"topic", "topic_id", "queues", "messages"});
}

TEST_CASE("lists are an object a line, or a table") {
  auto state = std::make_shared<fake_state>();
  state->topics["a"] = fake_topic("a", 1);
  state->topics["b"] = fake_topic("b", 16);
  auto ran = run_line(state, "topic list --json");
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 2);
  CHECK(run_line(state, "topic list").out == "topic  queues   messages\n"
                                             "a           1  1,234,567\n"
                                             "b          16  1,234,567\n");
  state->topics.clear();
  ran = run_line(state, "topic list");
  CHECK(ran.out.empty());
  CHECK(ran.err == "no topics; 'topic create NAME' makes one\n");
  CHECK(ran.code == exit_code::ok);
}

TEST_CASE("topic alter changes only what is given") {
  auto state = std::make_shared<fake_state>();
  state->topics["o"] = fake_topic("o", 2);
  CHECK(run_line(state, "topic alter o --queues 3").code == exit_code::ok);
  CHECK(run_line(state, "topic alter o --retention 1d").code == exit_code::ok);
  CHECK(state->topics["o"].queues.size() == 3);
  CHECK(state->topics["o"].settings.retention_ms == 86'400'000);
  CHECK(run_line(state, "topic alter o --ttl 5s").code == exit_code::ok);
  CHECK(state->topics["o"].settings.default_ttl_ms == 5'000);
  CHECK(run_line(state, "topic alter o --produce-quota 10MiB").code == exit_code::ok);
  CHECK(run_line(state, "topic alter o --consume-quota 20000").code == exit_code::ok);
  CHECK(state->topics["o"].settings.produce_bytes_per_second == 10u << 20);
  CHECK(state->topics["o"].settings.consume_bytes_per_second == 20'000);
  CHECK(run_line(state, "topic alter o --produce-quota 0").code == exit_code::ok);
  CHECK(state->topics["o"].settings.produce_bytes_per_second == 0);
  CHECK(state->topics["o"].settings.consume_bytes_per_second == 20'000);
  CHECK(run_line(state, "topic alter o --consume-quota 17GiB").code == exit_code::usage);
  CHECK(run_line(state, "topic describe o").out.find("19.5 KiB/s") != std::string::npos);
  CHECK(state->topics["o"].settings.retention_ms == 86'400'000);
}

TEST_CASE("without a terminal deleting does not ask") {
  auto state = std::make_shared<fake_state>();
  state->topics["o"] = fake_topic("o", 2);
  state->groups["g"] = billing();
  CHECK(run_line(state, "topic delete o --yes").out == "topic o deleted\n");
  CHECK(run_line(state, "group delete g --yes --json").out ==
        "{\"group\":\"g\",\"deleted\":true}\n");
  CHECK(run_line(state, "topic delete o --yes").code == exit_code::failed);
  CHECK(run_line(state, "group delete g --yes").code == exit_code::failed);
  // Nobody is there to be asked.
  CHECK(run_line(state, "topic delete o").code == exit_code::usage);
  CHECK(run_line(state, "group delete g --json").code == exit_code::usage);
}

TEST_CASE("group JSON has the documented fields") {
  auto state = std::make_shared<fake_state>();
  state->groups["billing"] = billing();
  auto group = nlohmann::ordered_json::parse(run_line(state, "group describe billing --json").out);
  CHECK(names_in(group) == names{"group", "group_id", "mode", "topics", "version", "lag",
                                 "filtered_messages", "expired_messages", "queues", "members"});
  CHECK(names_in(group["queues"][0]) == names{"topic", "queue", "queue_id", "committed", "earliest",
                                              "end", "lag", "member", "member_id"});
  CHECK(names_in(group["members"][0]) ==
        names{"member", "member_id", "id", "kept_until", "client", "address", "queues", "joined"});
  CHECK(group["lag"] == 30);
  CHECK(group["queues"][0]["member"] == "desk-1");
  CHECK(group["queues"][1]["committed"].is_null());
  CHECK(group["queues"][1]["member"].is_null());
  auto line = nlohmann::ordered_json::parse(run_line(state, "group list --json").out);
  CHECK(names_in(line) == names{"group", "group_id", "mode", "topics", "members", "lag"});
}

TEST_CASE("group reset passes place, topic and queue on") {
  auto state = std::make_shared<fake_state>();
  state->groups["billing"] = billing();
  CHECK(run_line(state, "group reset billing --to 12 --topic orders --queue 0").code ==
        exit_code::ok);
  CHECK(state->reset_to ==
        start_position{.at = start_position::kind::at_offset, .from = offset{12}});
  CHECK(state->reset_topic == "orders");
  CHECK(state->reset_queue == queue_number{0});
  CHECK(run_line(state, "group reset billing --to -1h").code == exit_code::ok);
  CHECK(state->reset_to.at == start_position::kind::at_time);
  CHECK(state->reset_queue == std::nullopt);
}

TEST_CASE("node JSON has the documented fields") {
  auto state = std::make_shared<fake_state>();
  state->status.node = "0123";
  state->status.shards.resize(2);
  state->status.shards[0].log_bytes = 4096;
  state->status.shards[0].commits = {10, 850, 1'500, 9'000};
  auto node = nlohmann::ordered_json::parse(run_line(state, "node status --json").out);
  CHECK(names_in(node) == names{"node",
                                "software",
                                "data_dir",
                                "uptime_ms",
                                "connections",
                                "topics",
                                "queues",
                                "groups",
                                "messages_in",
                                "messages_in_per_second",
                                "bytes_in",
                                "bytes_in_per_second",
                                "messages_out",
                                "messages_out_per_second",
                                "bytes_out",
                                "bytes_out_per_second",
                                "produce_refused",
                                "consume_paused_ms",
                                "log_bytes",
                                "disk_free_bytes",
                                "disk_written_bytes",
                                "fsyncs",
                                "memory_bytes",
                                "memory_peak_bytes",
                                "cpu_ms",
                                "shards"});
  CHECK(names_in(node["shards"][0]) ==
        names{"shard", "durability", "role", "term", "queues", "first_index", "commit_index",
              "synced_index", "checkpoint_index", "segments", "log_bytes", "producers",
              "commit_latency", "fsync_latency", "storage_full"});
  CHECK(node["shards"][0]["commit_latency"].dump() ==
        R"({"count":10,"p50_us":850,"p99_us":1500,"max_us":9000})");
  auto shown = run_line(state, "node status").out;
  CHECK(shown.find("850 us / 1.5 ms / 9.0 ms") != std::string::npos);
  auto actor = run_line(state, "node actors --json").out;
  CHECK(actor.substr(0, actor.find('\n')) ==
        R"({"actor":"carafe.shard.0","kind":"shard","mailbox":3})");
}

TEST_CASE("log backup makes the path absolute") {
  auto state = std::make_shared<fake_state>();
  auto ran = run_line(state, "log backup some/where --json");
  CHECK(ran.code == exit_code::ok);
  CHECK(state->backup_path == (std::filesystem::current_path() / "some/where").string());
  CHECK(state->connected_with.timeout == std::chrono::hours{1});
  CHECK(run_line(state, "log backup ''").code == exit_code::usage);
}

TEST_CASE("a script runs until the first command that fails") {
  auto state = std::make_shared<fake_state>();
  auto ran = run_lines(state, "# set up\n\ntopic create a\ntopic create a\ntopic create b\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.out == "topic a: 4 queues, fsync\n");
  CHECK(ran.err.ends_with("stopped at line 4 of the input\n"));
  CHECK_FALSE(state->topics.contains("b"));
  CHECK(run_lines(state, "topic create 'open\n").code == exit_code::usage);
  CHECK(run_lines(state, "topic create c\nexit\ntopic create d").code == exit_code::ok);
  CHECK_FALSE(state->topics.contains("d"));
  CHECK(run_lines(state, "").code == exit_code::ok);
}

TEST_CASE("in a script produce does not eat the commands") {
  auto state = std::make_shared<fake_state>();
  auto ran = run_lines(state, "topic create a\nproduce a\nconsume a\n");
  CHECK(ran.code == exit_code::usage);
  CHECK(ran.err.find("stdin holds the commands") != std::string::npos);
  CHECK(run_lines(state, "produce a --body 'x y'\n").code == exit_code::ok);
  CHECK(state->sent.at(0).message.body == "x y");
}
