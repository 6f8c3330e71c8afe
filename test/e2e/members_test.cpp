#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

namespace carafe::test {
namespace {

/// A consumer in a connection of its own, which `kill` ends as the end of its process would.
struct desk {
  client::client client;
  std::unique_ptr<client::consumer> consumer;

  desk(const std::string& address, const std::string& id)
    : client(connect_to(address)),
      consumer(must(client.make_consumer({.topics = {"t"}, .group = "g", .member_id = id}))) {}

  /// Once it has as many as it is due.
  std::set<queue_number> queues(std::size_t count) {
    std::set<queue_number> out;
    CHECK(eventually([&] {
      must(consumer->poll(1, 10ms));
      out.clear();
      for (const auto& q : consumer->queues()) out.insert(q.number);
      return out.size() == count;
    }));
    return out;
  }
};

const client::member_info* find(const client::group_info& group, const std::string& id) {
  const auto at = std::find_if(group.members.begin(), group.members.end(),
                               [&](const auto& m) { return m.id == id; });
  return at == group.members.end() ? nullptr : &*at;
}

} // namespace

TEST_CASE(
  "member: restarted consumers and a killed node leave everybody's queues where they were") {
  running_node at;
  must(at.client.create_topic("t", 6));
  const auto address = at.node.address();
  auto a = std::make_unique<desk>(address, "a");
  a->queues(6);
  auto b = std::make_unique<desk>(address, "b");
  const auto of_b = b->queues(3);
  const auto of_a = a->queues(3);

  // In good order, and back.
  a.reset();
  CHECK(b->queues(3) == of_b);
  auto told = must(at.client.describe_group("g"));
  REQUIRE(find(told, "a") != nullptr);
  CHECK(find(told, "a")->kept_until);
  CHECK(find(told, "a")->queues == 3);
  a = std::make_unique<desk>(address, "a");
  CHECK(a->queues(3) == of_a);
  CHECK(b->queues(3) == of_b);
  CHECK_FALSE(find(must(at.client.describe_group("g")), "a")->kept_until);

  // The node dies under both; they come back by themselves.
  at.node.kill();
  at.node.start();
  CHECK(eventually([&] {
    const auto group = at.client.describe_group("g");
    if (!group || group->members.size() != 2) return false;
    return std::none_of(group->members.begin(), group->members.end(),
                        [](const auto& m) { return m.kept_until.has_value(); });
  }));
  CHECK(a->queues(3) == of_a);
  CHECK(b->queues(3) == of_b);

  // The node and both consumers die; the second consumer comes first.
  at.node.kill();
  a.reset();
  b.reset();
  at.node.start();
  b = std::make_unique<desk>(address, "b");
  CHECK(b->queues(3) == of_b);
  a = std::make_unique<desk>(address, "a");
  CHECK(a->queues(3) == of_a);
  CHECK(b->queues(3) == of_b);
}

TEST_CASE("member: the shell names members and lets go of their queues") {
  running_node at{{{"member-grace-ms", "600000"}}};
  REQUIRE(at.run({"topic", "create", "t", "--queues", "2"}).code == 0);
  REQUIRE(at.run({"produce", "t", "--body", "x"}).code == 0);
  REQUIRE(at.run({"consume", "t", "--group", "g", "--member-id", "desk-1", "--count", "1"}).code ==
          0);
  const auto group = at.run.json({"group", "describe", "g"}).object();
  REQUIRE(group.at("members").size() == 1);
  CHECK(group.at("members").at(0).at("id") == "desk-1");
  CHECK(group.at("members").at(0).at("kept_until").is_string());
  CHECK(group.at("members").at(0).at("member_id").is_null());
  CHECK(at.run.json({"group", "list"}).object().at("members") == 0);
  REQUIRE(at.run({"group", "forget", "g", "desk-1", "--yes"}).code == 0);
  CHECK(at.run.json({"group", "describe", "g"}).object().at("members").empty());
  CHECK(at.run.json({"consume", "t", "--group", "g", "--member-id", "-x", "--count", "1"}).code !=
        0);
}

} // namespace carafe::test
