#include "test/client/members.hpp"

using namespace carafe;
using namespace carafe::test;

namespace {

using kind = client::message_filter::kind;

/// Nothing of these `count` messages is for the subscription.
frames::deliver passed(subscription_id to, std::uint64_t base, std::uint32_t count) {
  auto d = frames::deliver{};
  d.subscription = to;
  d.base = offset{base};
  d.count = count;
  d.sparse = true;
  return d;
}

/// As the fake node numbers what it assigns.
subscription_id first_assigned() { return subscription_id{(std::uint64_t{1} << 63) | 1}; }

offset next_of(const client::consumer& of) { return of.queues().at(0).next; }

} // namespace

TEST_CASE("a reader without a group says what it wants, again when it seeks, and knows its place") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = client::consumer_options{};
  options.topics = {"t"};
  options.filter = {kind::sql, "a = 1"};
  options.expired = true;
  auto consumer = make(c, options);
  fill(c, 10);
  CHECK(bodies_of(take(*consumer, 10)) == numbers(0, 10));
  REQUIRE(consumer->seek("t", queue_number{0}, {start_position::kind::latest, {}, {}}).ok());
  const auto asked = node.seen<frames::subscribe>();
  REQUIRE(asked.size() == 2);
  for (const auto& each : asked) {
    CHECK(each.filter == carafe::message_filter{carafe::message_filter::kind::sql, "a = 1"});
    CHECK(each.expired);
  }
  node.send(0, passed(asked[1].subscription, 10, 500));
  CHECK(eventually([&] { return next_of(*consumer) == offset{510}; }));
  CHECK(consumer->poll(1, 0ms)->empty());
}

TEST_CASE("a filter without a group needs a node that knows it; old messages do not") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  node.on_frame([](const frames::frame& f) -> fake_node::reaction {
    if (!std::holds_alternative<frames::hello>(f.body)) return fake_node::handle{};
    auto old = frames::welcome{};
    old.version = 1;
    old.frame_bytes_max = 9u << 20;
    old.message_bytes_max = 4u << 20;
    old.batch_count_max = 100;
    old.in_flight_max = 64;
    return frames::body{old};
  });
  auto c = connected(node);
  auto options = client::consumer_options{};
  options.topics = {"t"};
  options.expired = true;
  CHECK(c.make_consumer(options).ok());
  options.filter = {kind::tags, "a"};
  CHECK(c.make_consumer(options).code() == errc::unsupported);
  options.filter = {};
  options.group = "g";
  CHECK(c.make_consumer(options).code() == errc::invalid_argument);
}

TEST_CASE("a member commits what it was not sent, though it acknowledges nothing") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = member_of("g");
  options.filter = {kind::tags, "a"};
  auto consumer = make(c, options);
  CHECK(node.seen<frames::join>().at(0).filter.text == "a");
  REQUIRE(eventually([&] { return consumer->queues().size() == 1; }));
  node.send(0, passed(first_assigned(), 0, 100));
  CHECK(eventually([&] { return node.committed("t", 0) == offset{100}; }));
  node.send(0, passed(first_assigned(), 100, 50));
  CHECK(eventually([&] { return node.committed("t", 0) == offset{150}; }));
  CHECK(consumer->close().ok());
}

TEST_CASE("what a member was not sent waits for what came before it") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 5);
  auto consumer = make(c, member_of("g"));
  REQUIRE(eventually([&] { return consumer->queues().size() == 1; }));
  node.send(0, passed(first_assigned(), 5, 45));
  auto got = take(*consumer, 5);
  CHECK(bodies_of(got) == numbers(0, 5));
  CHECK(consumer->poll(1, 0ms)->empty());
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{1});
  ack_all(*consumer, got);
  CHECK(eventually([&] { return node.committed("t", 0) == offset{50}; }));
}

TEST_CASE("a broadcast consumer without a name commits nothing of what it was not sent") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = member_of("g");
  options.mode = client::group_mode::broadcast;
  auto consumer = make(c, options);
  REQUIRE(eventually([&] { return consumer->queues().size() == 1; }));
  node.send(0, passed(first_assigned(), 0, 100));
  CHECK(eventually([&] { return next_of(*consumer) == offset{100}; }));
  CHECK(consumer->close().ok());
  CHECK(node.count<frames::commit>() == 0);
}
