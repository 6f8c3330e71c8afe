#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace carafe::test {
namespace {

constexpr reader checking{reader::kind::alone, 1};

std::set<queue_number> queues_of(const group_member& m) {
  std::set<queue_number> numbers;
  for (const auto& q : m.queues()) numbers.insert(q.number);
  return numbers;
}

/// Whether the members share out these many queues, each within one of its fair part.
bool is_shared(const std::vector<const group_member*>& members, std::size_t queues) {
  std::set<queue_number> all;
  std::size_t sum = 0, least = queues, most = 0;
  for (const auto* m : members) {
    const auto mine = queues_of(*m);
    all.insert(mine.begin(), mine.end());
    sum += mine.size();
    least = std::min(least, mine.size());
    most = std::max(most, mine.size());
  }
  return all.size() == queues && sum == queues && most - least <= 1;
}

} // namespace

TEST_CASE("group: joining and leaving move queues; nothing is lost, order is kept") {
  const std::string shards = GENERATE(as<std::string>{}, "1", "3");
  running_node at{{{"shards", shards}}};
  must(at.client.create_topic("load", 6));
  recorder record;
  load traffic{{.address = at.node.address(), .queues = 6, .rate = 2'000}, record};
  const auto address = at.node.address();
  auto a = std::make_unique<group_member>(group_member::options{.address = address}, record);
  REQUIRE(eventually([&] { return is_shared({a.get()}, 6); }));
  auto b = std::make_unique<group_member>(group_member::options{.address = address}, record);
  REQUIRE(eventually([&] { return is_shared({a.get(), b.get()}, 6); }));
  auto c = std::make_unique<group_member>(group_member::options{.address = address}, record);
  REQUIRE(eventually([&] { return is_shared({a.get(), b.get(), c.get()}, 6); }));
  for (const auto* m : {a.get(), b.get(), c.get()}) {
    const auto before = m->received();
    CHECK(eventually([&] { return m->received() > before + 100; }));
  }
  a->stop();
  CHECK(a->failure() == "");
  CHECK(eventually([&] { return is_shared({b.get(), c.get()}, 6); }));
  c->stop();
  CHECK(c->failure() == "");
  CHECK(eventually([&] { return is_shared({b.get()}, 6); }));
  traffic.stop();
  CHECK(traffic.failed() == 0);
  CHECK(eventually([&] { return is_up_to_date(at.client, "workers"); }));
  b->stop();
  CHECK(b->failure() == "");
  read_everything(address, "load", record, checking);
  CHECK(fault_in(record) == "");
}

TEST_CASE("group: only the queues that move pause when a member joins") {
  running_node at{{{"revoke-timeout-ms", "1500"}}};
  must(at.client.create_topic("t", 4));
  auto p = must(at.client.make_producer({}));
  auto owner_client = connect_to(at.node.address());
  auto owner = must(owner_client.make_consumer({.topics = {"t"}, .group = "g"}));
  const auto send_to_all = [&] {
    for (std::uint32_t q = 0; q < 4; ++q)
      must(p->send_async("t", {.body = "x"}, queue_number{q}).get());
  };
  const auto take = [&](std::size_t count) {
    std::vector<client::delivery> got;
    eventually([&] {
      for (auto& d : must(owner->poll(16, 20ms))) got.push_back(std::move(d));
      return got.size() >= count;
    });
    return got;
  };
  send_to_all();
  // Held and not acknowledged, so that the queues which move have to wait for their deadline.
  const auto held = take(4);
  REQUIRE(held.size() == 4);
  auto late_client = connect_to(at.node.address());
  auto late = must(late_client.make_consumer({.topics = {"t"}, .group = "g"}));
  REQUIRE(eventually([&] { return must(at.client.describe_group("g")).members.size() == 2; }));
  for (const auto& member : must(at.client.describe_group("g")).members) {
    REQUIRE(member.address.starts_with("127.0.0.1:"));
    CHECK(std::stoi(member.address.substr(10)) > 0);
  }
  // What stays keeps coming at once, before the deadline of what moves.
  const auto begun = std::chrono::steady_clock::now();
  send_to_all();
  const auto stayed = take(2);
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  REQUIRE(stayed.size() == 2);
  // What moves comes again to its new owner, from the first message that was not acknowledged.
  std::vector<client::delivery> moved;
  CHECK(eventually([&] {
    for (auto& d : must(late->poll(16, 20ms))) moved.push_back(std::move(d));
    return moved.size() >= 4;
  }));
  std::set<queue_number> of_stayed, of_moved;
  for (const auto& d : stayed) of_stayed.insert(d.number);
  for (const auto& d : moved) of_moved.insert(d.number);
  CHECK(of_stayed.size() == 2);
  CHECK(of_moved.size() == 2);
  for (const auto q : of_moved) CHECK_FALSE(of_stayed.contains(q));
  CHECK(std::count_if(moved.begin(), moved.end(), [](auto& d) { return d.offset == offset{0}; }) ==
        2);
  const auto lost =
    std::find_if(held.begin(), held.end(), [&](auto& d) { return of_moved.contains(d.number); });
  REQUIRE(lost != held.end());
  CHECK(owner->ack(*lost).code() == errc::not_owner);
}

TEST_CASE("group: a member that is killed loses its queues to the others, and no message") {
  running_node at;
  must(at.client.create_topic("load", 4));
  recorder record;
  load traffic{{.address = at.node.address(), .rate = 1'000}, record};
  auto victim = at.run.launch({"consume", "load", "--group", "workers", "--member", "victim"});
  REQUIRE(eventually([&] { return victim->out().size() > 10'000; }));
  group_member heir{{.address = at.node.address()}, record};
  REQUIRE(eventually([&] { return heir.queues().size() == 2 && heir.received() > 100; }));
  CHECK(victim->kill() == killed_by(SIGKILL));
  CHECK(eventually([&] { return heir.queues().size() == 4; }));
  traffic.stop();
  CHECK(traffic.failed() == 0);
  CHECK(eventually([&] { return is_up_to_date(at.client, "workers"); }));
  heir.stop();
  CHECK(heir.failure() == "");
  // Between them they got everything: the victim's output tells what it had.
  std::set<message_name> got;
  std::string line;
  std::istringstream lines{victim->out()};
  while (std::getline(lines, line) && !lines.eof()) got.insert(name_of(line));
  for (const auto& e : record.history())
    if (const auto* d = std::get_if<events::delivered>(&e)) got.insert(d->what);
  CHECK(got.size() == traffic.acknowledged());
}

TEST_CASE("group: committed offsets survive kill -9 and an orderly restart of the node") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 10; ++i) must(p->send("t", {.body = std::to_string(i)}));
  const auto next_of_group = [&](std::size_t count) {
    const auto got = at.run({"consume", "t", "--group", "g", "--count", std::to_string(count)});
    CHECK(got.code == 0);
    return got.lines();
  };
  using bodies = std::vector<std::string>;
  CHECK(next_of_group(3) == bodies{"0", "1", "2"});
  at.node.kill();
  at.node.start();
  CHECK(next_of_group(3) == bodies{"3", "4", "5"});
  CHECK(at.node.stop() == exited(0));
  at.node.start();
  CHECK(next_of_group(4) == bodies{"6", "7", "8", "9"});
}

TEST_CASE("group: a consumer that waits is not disturbed by a restart of the node") {
  running_node at;
  must(at.client.create_topic("t", 2));
  auto c = must(at.client.make_consumer({.topics = {"t"}, .group = "g"}));
  auto p = must(at.client.make_producer({}));
  for (int round = 0; round < 3; ++round) {
    must(p->send("t", {.body = std::to_string(round)}));
    std::vector<client::delivery> got;
    REQUIRE(eventually([&] { return !(got = must(c->poll(8, 50ms))).empty(); }));
    CHECK(got.front().body == std::to_string(round));
    must(c->ack(got.front()));
    must(c->commit());
    at.node.kill();
    at.node.start();
  }
  CHECK(eventually([&] { return is_up_to_date(at.client, "g"); }));
  CHECK(must(c->poll(8, 200ms)).empty());
}

TEST_CASE("group: members of one group must ask for the same topics") {
  running_node at;
  must(at.client.create_topic("a", 1));
  must(at.client.create_topic("b", 1));
  auto first = must(at.client.make_consumer({.topics = {"a"}, .group = "g"}));
  auto other = connect_to(at.node.address());
  const auto second = other.make_consumer({.topics = {"b"}, .group = "g"});
  CHECK(second.code() == errc::subscription_mismatch);
  CHECK(at.client.delete_group("g").code() == errc::group_in_use);
  must(first->close());
  must(at.client.delete_group("g"));
}

TEST_CASE("group: a reset moves consumers that run, and they go on from there") {
  using client::group_mode;
  const auto mode = GENERATE(group_mode::ordered, group_mode::broadcast, group_mode::shared);
  running_node at;
  must(at.client.create_topic("t", 2));
  auto producer = must(at.client.make_producer({}));
  for (int i = 0; i < 20; ++i)
    must(
      producer->send_async("t", {.body = std::to_string(i)}, queue_number{i < 10 ? 0u : 1u}).get());
  client::consumer_options options{.topics = {"t"}, .group = "g", .mode = mode};
  if (mode == group_mode::broadcast) options.durable_name = "desk";
  auto consumer = must(at.client.make_consumer(options));
  std::map<std::string, int> seen;
  const auto all_seen = [&](int times) {
    return eventually([&] {
      for (const auto& d : must(consumer->poll(100, 50ms))) {
        ++seen[d.body];
        must(consumer->ack(d));
      }
      return seen.size() == 20 &&
             std::ranges::all_of(seen, [&](const auto& each) { return each.second >= times; });
    });
  };
  REQUIRE(all_seen(1));
  must(consumer->commit());
  std::thread operators{[&] {
    const auto now = must(at.client.reset_group("g", "", {}, {start_position::kind::earliest}));
    CHECK(now.queues.at(0).committed == offset{0});
  }};
  CHECK(all_seen(2));
  operators.join();
  for (const auto& [body, times] : seen) CHECK(times <= 2);
}

TEST_CASE("group: it may be reset as soon as its last member has left") {
  running_node at;
  auto producer = must(at.client.make_producer({}));
  for (int i = 0; i < 20; ++i) {
    const auto topic = "t" + std::to_string(i);
    must(at.client.create_topic(topic, 2));
    must(producer->send_async(topic, {.body = "x"}, queue_number{0}).get());
    // It leaves while the node still finds where it begins.
    must(at.client.make_consumer({.topics = {topic}, .group = topic}));
    const auto now = must(
      at.client.reset_group(topic, topic, queue_number{0}, {start_position::kind::latest, {}, {}}));
    CHECK(now.queues.at(0).committed == offset{1});
  }
}

} // namespace carafe::test
