#include "test/client/members.hpp"

#include <atomic>

using namespace carafe;
using namespace carafe::test;

namespace {

consumer_options broadcasting(const std::string& name = {}) {
  auto options = member_of("g");
  options.mode = client::group_mode::broadcast;
  options.durable_name = name;
  return options;
}

} // namespace

TEST_CASE("a broadcast consumer without a name goes on after a lost connection where it was") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto consumer = make(c, broadcasting());
  auto got = take(*consumer, 8);
  ack_all(*consumer, got);
  REQUIRE(consumer->commit().ok());
  node.cut(); // The node begins from the start again.
  // Until it notices, it hands out what it has got.
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  CHECK(bodies_of(take(*consumer, 12)) == numbers(8, 20));
  CHECK(consumer->poll(1, 50ms)->empty());
  REQUIRE(consumer->close().ok());
  CHECK(node.count<frames::commit>() == 0);
  for (const auto& join : node.seen<frames::join>()) CHECK(join.holder == 0);
}

TEST_CASE("a named broadcast consumer commits, and is known again after a lost connection") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto consumer = make(c, broadcasting("desk"));
  ack_all(*consumer, take(*consumer, 8));
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{8});
  node.cut();
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  CHECK(bodies_of(take(*consumer, 12)) == numbers(8, 20));
  const auto joins = node.seen<frames::join>();
  REQUIRE(joins.size() == 2);
  CHECK(joins[0].mode == "broadcast");
  CHECK(joins[0].name == "desk");
  CHECK(joins[0].holder != 0);
  CHECK(joins[1].holder == joins[0].holder);
  auto other = make(c, broadcasting("till"));
  CHECK(node.seen<frames::join>().back().holder != joins[0].holder);
}

TEST_CASE("a broadcast consumer whose name went to another one ends") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto consumer = make(c, broadcasting("desk"));
  node.on_frame([](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::join>(f.body))
      return frames::body{frames::error{{errc::name_in_use, "desk"}, 0}};
    return fake_node::handle{};
  });
  node.cut();
  CHECK(consumer->poll(1, 5s).code() == errc::name_in_use);
  CHECK(c.make_consumer(broadcasting("desk")).code() == errc::name_in_use);
}

TEST_CASE("options of broadcast consumers are checked") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto named = member_of("g");
  named.durable_name = "desk";
  CHECK(c.make_consumer(named).code() == errc::invalid_argument);
  auto limited = broadcasting();
  limited.in_flight_max = 3;
  CHECK(c.make_consumer(limited).code() == errc::invalid_argument);
  auto alone = broadcasting();
  alone.group.clear();
  CHECK(c.make_consumer(alone).code() == errc::invalid_argument);
}
