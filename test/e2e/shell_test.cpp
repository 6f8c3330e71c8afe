#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace carafe::test {
namespace {

/// The names of an object's members, in order.
std::vector<std::string> names_in(const nlohmann::json& object) {
  std::vector<std::string> names;
  for (const auto& [name, member] : object.items()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("shell: produced lines are consumed in order") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "orders", "--queues", "1"}).code == 0);
  REQUIRE(at.run({"produce", "orders"}, "first\nsecond\nthird\n").code == 0);
  const auto got = at.run({"consume", "orders", "--count", "3"});
  CHECK(got.code == 0);
  CHECK(got.lines() == names{"first", "second", "third"});
  const auto idle = at.run({"consume", "orders", "--from", "1", "--idle-exit", "300"});
  CHECK(idle.code == 0);
  CHECK(idle.lines() == names{"second", "third"});
}

TEST_CASE("shell: a message keeps key, tag, properties and its whole body") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "papers", "--queues", "2"}).code == 0);
  const auto sent = at.run.json({"produce", "papers", "--whole", "--key", "k1", "--tag", "draft",
                                 "--property", "author=ann", "--property", "pages=2", "--receipts"},
                                "two\nlines\n");
  REQUIRE(sent.code == 0);
  CHECK(names_in(sent.object()) == names{"batch_count", "batch_first_offset", "broker_time",
                                         "duplicate", "durability", "id", "line", "offset", "queue",
                                         "queue_id", "replicas", "topic"});
  const auto got = at.run({"consume", "papers", "--count", "1", "--format", "json"}).object();
  CHECK(got.at("key") == "k1");
  CHECK(got.at("tag") == "draft");
  CHECK(got.at("properties") == nlohmann::json{{"author", "ann"}, {"pages", "2"}});
  CHECK(got.at("body") == "two\nlines\n");
  CHECK(got.at("queue") == sent.object().at("queue"));
  CHECK(got.at("offset") == sent.object().at("offset"));
  CHECK(got.at("id") == sent.object().at("id"));
  CHECK(sent.object().at("durability") == "fsync");
}

TEST_CASE("shell: lines with a key go to the queue of the key") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "4"}).code == 0);
  std::string lines;
  for (int i = 0; i < 400; ++i)
    lines += "k" + std::to_string(i % 7) + "\tv" + std::to_string(i) + "\n";
  const auto sent = at.run.json({"produce", "t", "--key-separator", "\\t"}, lines);
  REQUIRE(sent.code == 0);
  CHECK(sent.object().at("messages") == 400);
  CHECK(sent.object().at("failed") == 0);
  std::map<std::string, int> queue_of, last_of;
  for (const auto& m : at.run.json({"consume", "t", "--count", "400"}).objects()) {
    const std::string key = m.at("key");
    const auto number = std::stoi(m.at("body").get<std::string>().substr(1));
    const int queue = m.at("queue");
    CHECK(queue_of.emplace(key, queue).first->second == queue);
    const auto at_key = last_of.emplace(key, -1).first;
    CHECK(number > at_key->second);
    at_key->second = number;
  }
  CHECK(queue_of.size() == 7);
}

TEST_CASE("shell: topics are created, listed, described, altered and deleted") {
  running_node at;
  const names topic_names{"compacted",
                          "consume_paused_ms",
                          "consume_quota_bytes",
                          "created",
                          "dedup_window_ms",
                          "durability",
                          "messages",
                          "produce_quota_bytes",
                          "produce_refused",
                          "queues",
                          "retention_ms",
                          "topic",
                          "topic_id",
                          "ttl_ms"};
  const auto made = at.run.json({"topic", "create", "orders", "--retention", "7d"});
  REQUIRE(made.code == 0);
  CHECK(names_in(made.object()) == topic_names);
  CHECK(made.object().at("queues").size() == 4);
  CHECK(made.object().at("retention_ms") == 604'800'000);
  CHECK(at.run.json({"topic", "create", "orders"}).error_code() == "topic_exists");
  CHECK(at.run({"topic", "create", "orders", "--if-missing"}).code == 0);
  REQUIRE(at.run({"topic", "create", "clicks", "--queues", "1", "--durability", "memory"}).code ==
          0);
  REQUIRE(at.run({"produce", "clicks", "--body", "x"}).code == 0);

  const auto list = at.run.json({"topic", "list"}).objects();
  REQUIRE(list.size() == 2);
  CHECK(list[0].at("topic") == "clicks");
  CHECK(list[0].at("messages") == 1);
  CHECK(list[1].at("topic") == "orders");
  CHECK(list[1].at("queues") == 4);

  const auto clicks = at.run.json({"topic", "describe", "clicks"}).object();
  CHECK(clicks.at("durability") == "memory");
  CHECK(clicks.at("queues").at(0).at("end") == 1);
  CHECK(at.run.json({"topic", "alter", "orders", "--queues", "6"}).object().at("queues").size() ==
        6);
  CHECK(at.run.json({"topic", "alter", "orders", "--queues", "2"}).error_code() ==
        "queues_cannot_shrink");
  CHECK(at.run.json({"topic", "delete", "orders", "--yes"}).object().at("deleted") == true);
  CHECK(at.run.json({"topic", "describe", "orders"}).error_code() == "topic_unknown");
  CHECK(at.run.json({"topic", "list"}).objects().size() == 1);
}

TEST_CASE("shell: groups are listed, described, reset and deleted") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "1"}).code == 0);
  REQUIRE(at.run({"produce", "t"}, "a\nb\nc\n").code == 0);
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "2"}).lines() == names{"a", "b"});

  const auto list = at.run.json({"group", "list"}).objects();
  REQUIRE(list.size() == 1);
  CHECK(list[0].at("group") == "g");
  CHECK(list[0].at("mode") == "ordered");
  CHECK(list[0].at("topics") == nlohmann::json{"t"});
  CHECK(list[0].at("members") == 0);
  CHECK(list[0].at("lag") == 1);
  const auto group = at.run.json({"group", "describe", "g"}).object();
  CHECK(names_in(group) == names{"expired_messages", "filtered_messages", "group", "group_id",
                                 "lag", "members", "mode", "queues", "topics", "version"});
  CHECK(group.at("queues").at(0).at("committed") == 2);
  CHECK(group.at("queues").at(0).at("lag") == 1);
  CHECK(group.at("members").empty());

  CHECK(at.run({"consume", "t", "--group", "g", "--count", "1"}).lines() == names{"c"});
  CHECK(at.run.json({"group", "reset", "g", "--to", "1"}).object().at("lag") == 2);
  CHECK(at.run({"consume", "t", "--group", "g", "--count", "2"}).lines() == names{"b", "c"});
  CHECK(at.run.json({"group", "reset", "g", "--to", "9"}).error_code() == "offset_out_of_range");
  CHECK(at.run.json({"group", "delete", "g", "--yes"}).object().at("deleted") == true);
  CHECK(at.run.json({"group", "describe", "g"}).error_code() == "group_unknown");
}

TEST_CASE("shell: the node shows its status and its actors") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"produce", "t"}, "a\nb\n").code == 0);
  const auto status = at.run.json({"node", "status"}).object();
  CHECK(status.at("topics") == 1);
  CHECK(status.at("queues") == 2);
  CHECK(status.at("messages_in") == 2);
  CHECK(status.at("data_dir") == at.node.data_dir().string());
  const auto& shard = status.at("shards").at(0);
  CHECK(shard.at("role") == "leader");
  CHECK(shard.at("durability") == "fsync");
  CHECK(shard.at("commit_latency").at("count") > 0);
  CHECK(shard.at("fsync_latency").at("p99_us") > 0);
  CHECK(shard.at("storage_full") == false);
  const auto actors = at.run.json({"node", "actors"}).objects();
  REQUIRE(actors.size() > 4);
  for (const auto& actor : actors) CHECK(names_in(actor) == names{"actor", "kind", "mailbox"});
}

TEST_CASE("shell: the exit code is 0, 1 when it failed and 2 when it was misused") {
  running_node at;
  CHECK(at.run({"version"}).code == 0);
  CHECK(at.run({"help"}).code == 0);
  CHECK(at.run({"topic", "create", "--help"}).code == 0);
  CHECK(at.run({"topic", "describe", "nowhere"}).code == 1);
  CHECK(at.run({"produce", "nowhere"}, "x\n").code == 1);
  CHECK(at.run({"consume", "nowhere"}).code == 1);
  CHECK(at.run({"log", "verify", (at.dir / "nowhere").string()}).code == 1);
  CHECK(at.run({"--node", "127.0.0.1:1", "--timeout", "500", "node", "status"}).code == 1);
  CHECK(at.run({"topic"}).code == 2);
  CHECK(at.run({"topic", "crate", "x"}).code == 2);
  CHECK(at.run({"topic", "create", "x", "--queues", "none"}).code == 2);
  CHECK(at.run({"topic", "create", "x", "--quues", "1"}).code == 2);
  CHECK(at.run({"consume", "t", "--from", "yesterday"}).code == 2);
  const auto wrong = at.run({"topic", "describe", "nowhere"});
  CHECK(wrong.out.empty());
  CHECK_THAT(wrong.err,
             Catch::StartsWith("carafe: topic_unknown: ") && Catch::Contains("(nowhere)"));
}

TEST_CASE("shell: a script from stdin stops at the first command that fails") {
  running_node at;
  const auto done = at.run({}, "topic create t --queues 1\nproduce t --body hello\n"
                               "consume t --count 1\ntopic describe nowhere\nnode status\n");
  CHECK(done.code == 1);
  CHECK_THAT(done.out, Catch::Contains("hello\n"));
  CHECK_THAT(done.err, Catch::Contains("stopped at line 4"));
}

TEST_CASE("shell: Ctrl-C leaves the group cleanly") {
  running_node at;
  REQUIRE(at.run({"topic", "create", "t", "--queues", "1"}).code == 0);
  REQUIRE(at.run({"produce", "t"}, "a\nb\n").code == 0);
  auto consumer = at.run.launch({"consume", "t", "--group", "g"});
  REQUIRE(eventually([&] { return consumer->out() == "a\nb\n"; }));
  REQUIRE(must(at.client.describe_group("g")).members.size() == 1);
  consumer->signal(SIGINT);
  CHECK(consumer->wait(5s) == exited(0));
  const auto group = must(at.client.describe_group("g"));
  CHECK(group.members.empty());
  CHECK(group.queues.at(0).committed == offset{2});
}

TEST_CASE("shell: bench measures a node and leaves nothing behind") {
  running_node at;
  const auto all = at.run.json({"bench", "--count", "3000", "--one-by-one-count", "20"});
  REQUIRE(all.code == 0);
  REQUIRE(all.objects().size() == 3);
  for (const auto& row : all.objects()) {
    CHECK(row.at("messages_per_second") > 0);
    CHECK(row.at("node_memory_peak_bytes") > 0);
  }
  CHECK(all.objects().at(0).at("groups") > 0);
  CHECK(all.objects().at(2).at("groups") == 20);
  const auto ceiling =
    at.run.json({"bench", "ceiling", "--count", "3000", "--rounds", "1", "--durability", "memory"});
  REQUIRE(ceiling.code == 0);
  REQUIRE(ceiling.objects().size() == 3);
  CHECK(ceiling.objects().at(1).at("broker_share") > 0);
  const auto paced = at.run.json({"bench", "ceiling", "--count", "500", "--rate", "5000"});
  REQUIRE(paced.code == 0);
  CHECK(paced.objects().at(1).at("p99_us") > 0);
  const auto poison = at.run.json({"bench", "poison", "--count", "20000", "--rounds", "2"});
  REQUIRE(poison.code == 0);
  REQUIRE(poison.objects().size() == 6);
  CHECK(poison.objects().at(1).at("messages") == 19'800);
  CHECK(poison.objects().at(3).at("messages") == 19'800);
  CHECK(poison.objects().at(5).at("share") > 0);
  const auto features = at.run.json({"bench", "features", "--count", "20000"});
  REQUIRE(features.code == 0);
  REQUIRE(features.objects().size() == 6);
  CHECK(features.objects().at(0).at("of_plain") == 1.0);
  CHECK(features.objects().at(2).at("workload") == "shared group");
  CHECK(features.objects().at(5).at("workload") == "transactions of 100");
  CHECK(features.objects().at(5).at("messages") == 2'000);
  CHECK(at.run({"bench", "transactions", "--count", "100", "--transaction-messages", "7"}).code ==
        0);
  CHECK(at.run.json({"topic", "list"}).objects().empty());
}

} // namespace carafe::test
