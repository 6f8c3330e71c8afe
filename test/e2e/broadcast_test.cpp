#include "test/core/dice.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>

namespace carafe::test {
namespace {

constexpr auto broadcast = client::group_mode::broadcast;
constexpr reader checking{reader::kind::alone, 1};
constexpr reader of_desk{reader::kind::group, 1};
constexpr reader of_till{reader::kind::group, 2};
constexpr reader of_nobody{reader::kind::alone, 2};

/// Whether both names have committed everything that the topic holds.
bool are_up_to_date(const client::client& c) {
  const auto info = must(c.describe_group("caches"));
  return info.consumers.size() == 2 &&
         std::all_of(info.consumers.begin(), info.consumers.end(), [](const auto& consumer) {
           return std::all_of(consumer.places.begin(), consumer.places.end(),
                              [](const auto& p) { return p.committed.has_value() && p.lag == 0; });
         });
}

} // namespace

TEST_CASE("broadcast: over kill -9 of the node named consumers lose nothing, and each gets "
          "everything in order") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  running_node at{
    {{"shards", "3"}, {"checkpoint-entries", "200"}, {"checkpoint-interval-ms", "200"}}};
  must(at.client.create_topic("load", 4));
  const auto reading = [&](reader as, std::string name) {
    return group_member::options{.address = at.node.address(),
                                 .group = "caches",
                                 .as = as,
                                 .mode = broadcast,
                                 .durable_name = std::move(name)};
  };
  recorder record;
  group_member desk{reading(of_desk, "desk"), record};
  auto till = std::make_unique<group_member>(reading(of_till, "till"), record);
  group_member nobody{reading(of_nobody, ""), record};
  {
    load traffic{{.address = at.node.address(), .rate = 2'000}, record};
    for (int kill = 0; kill < 4; ++kill) {
      const auto before = traffic.acknowledged();
      REQUIRE(eventually([&] { return traffic.acknowledged() > before + 200; }, 20s));
      std::this_thread::sleep_for(std::chrono::milliseconds{random.between(5, 150)});
      at.node.kill();
      at.node.start();
      if (kill != 1) continue;
      // This one is made anew, and goes on where it has committed. On its way back it could not
      // commit what it has acknowledged.
      REQUIRE(eventually(
        [&] { return must(at.client.describe_group("caches")).members.size() == 3; }, 20s));
      till->stop();
      CHECK(till->failure() == "");
      till = std::make_unique<group_member>(reading(of_till, "till"), record);
    }
    const auto before = traffic.acknowledged();
    REQUIRE(eventually([&] { return traffic.acknowledged() > before + 200; }, 20s));
    traffic.stop();
    CHECK(traffic.failed() == 0);
  }
  CHECK(eventually([&] { return are_up_to_date(at.client); }, 20s));
  const auto messages = read_everything(at.node.address(), "load", record, checking);
  CHECK(eventually([&] { return nobody.received() == messages; }));
  CHECK(desk.received() >= messages);
  for (auto* member : {&desk, till.get(), &nobody}) {
    member->stop();
    CHECK(member->failure() == "");
  }
  CHECK(fault_in(record) == "");
}

TEST_CASE("broadcast: the shell consumes under a name, tells how far it is, moves and forgets it") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 6; ++i) must(p->send("t", {.body = std::to_string(i)}));
  using bodies = std::vector<std::string>;
  const auto take = [&](std::vector<std::string> options, int count) {
    std::vector<std::string> words{"consume", "t",       "--group",
                                   "g",       "--count", std::to_string(count)};
    words.insert(words.end(), options.begin(), options.end());
    const auto got = at.run(words);
    CHECK(got.code == 0);
    return got.lines();
  };
  CHECK(take({"--name", "a"}, 2) == bodies{"0", "1"});
  CHECK(take({"--name", "b"}, 3) == bodies{"0", "1", "2"});
  CHECK(take({}, 1) == bodies{"0"});
  at.node.kill();
  at.node.start();
  CHECK(take({"--name", "a"}, 2) == bodies{"2", "3"});
  CHECK(take({}, 1) == bodies{"0"});

  auto live = at.run.launch({"consume", "t", "--group", "g", "--name", "a"});
  REQUIRE(eventually([&] { return live->out() == "4\n5\n"; }));
  const auto refused = at.run.json({"consume", "t", "--group", "g", "--name", "a"});
  CHECK(refused.code == 1);
  CHECK(refused.error_code() == "name_in_use");
  CHECK(at.run.json({"group", "forget", "g", "a", "--yes"}).error_code() == "name_in_use");
  CHECK(eventually([&] {
    const auto group = at.run.json({"group", "describe", "g"}).object();
    const auto& rows = group.at("consumers");
    return rows.size() == 2 && rows[0].at("name") == "a" && !rows[0].at("member_id").is_null() &&
           rows[0].at("committed") == 6 && rows[1].at("member_id").is_null() &&
           rows[1].at("committed") == 3 && rows[1].at("lag") == 3 && group.at("lag") == 3;
  }));
  CHECK(live->kill() == killed_by(SIGKILL));
  // The node hears of it a moment later.
  CHECK(eventually([&] {
    return at.run({"group", "reset", "g", "--to", "5", "--name", "a"}).code == 0;
  }));
  CHECK(take({"--name", "a"}, 1) == bodies{"5"});
  CHECK(at.run({"group", "forget", "g", "b", "--yes"}).code == 0);
  CHECK(at.run({"group", "list"}).out.find("broadcast") != std::string::npos);
  CHECK(take({"--name", "b"}, 1) == bodies{"0"});
}

TEST_CASE("broadcast: a name is another's once its consumer is gone, and nobody's before") {
  running_node at;
  must(at.client.create_topic("t", 1));
  const auto wish = client::consumer_options{
    .topics = {"t"}, .group = "g", .mode = broadcast, .durable_name = "desk"};
  auto first = must(at.client.make_consumer(wish));
  const auto other = connect_to(at.node.address());
  const auto refused = other.make_consumer(wish);
  REQUIRE(refused.code() == errc::name_in_use);
  CHECK(refused.error().detail.find("127.0.0.1:") != std::string::npos);
  must(first->close());
  CHECK(other.make_consumer(wish).ok());
}

} // namespace carafe::test
