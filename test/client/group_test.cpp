#include "test/client/members.hpp"

#include <atomic>
#include <future>
#include <set>

using namespace carafe;
using namespace carafe::test;

TEST_CASE(
  "a member joins with its wishes, reads what it is given, and commits what it acknowledged") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto options = member_of("g");
  options.start.at = start_position::kind::latest;
  options.out_of_range = range_policy::earliest;
  options.credit_bytes = 12'345;
  auto consumer = make(c, options);
  auto join = node.seen<frames::join>().at(0);
  CHECK(join.group == "g");
  CHECK(join.topics == texts{"t"});
  CHECK(join.member == "tester");
  CHECK(join.start == options.start);
  CHECK(join.out_of_range == range_policy::earliest);
  CHECK(join.credit_bytes == 12'345);
  auto got = take(*consumer, 10);
  CHECK(bodies_of(got) == numbers(0, 10));
  REQUIRE(consumer->ack(got[1]).ok());
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->ack(got[3]).ok());
  CHECK(eventually([&] { return node.committed("t", 0) == offset{2}; }));
  REQUIRE(consumer->ack(got[2]).ok());
  CHECK(eventually([&] { return node.committed("t", 0) == offset{4}; }));
}

TEST_CASE("acknowledgements are committed together, at most once an interval") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, 50, 0);
  fill(c, 50, 1);
  auto options = member_of("g");
  options.commit_interval = 60ms;
  auto consumer = make(c, options);
  ack_all(*consumer, take(*consumer, 100));
  CHECK(node.count<frames::commit>() == 0);
  REQUIRE(eventually([&] { return node.committed("t", 1) == offset{50}; }));
  CHECK(node.committed("t", 0) == offset{50});
  CHECK(node.count<frames::commit>() <= 2);
}

TEST_CASE("commit waits until all that is acknowledged is durable") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  REQUIRE(consumer->commit().ok()); // Nothing to do.
  auto got = take(*consumer, 20);
  ack_all(*consumer, got);
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{20});
}

TEST_CASE("a commit that the node cannot take just now is repeated") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 5);
  auto consumer = make(c, member_of("g"));
  auto refused = std::atomic<int>{0};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::commit>(f.body) && refused++ < 2)
      return frames::body{frames::error{errc::storage_full, 5}};
    return fake_node::handle{};
  });
  ack_all(*consumer, take(*consumer, 5));
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{5});
}

TEST_CASE("only what was handed out may be acknowledged") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 5);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 2);
  auto other = got[1];
  other.offset = offset{3};
  CHECK(consumer->ack(other).code() == errc::invalid_argument);
  other.queue = queue_id{999};
  CHECK(consumer->ack(other).code() == errc::not_owner);
}

TEST_CASE("a revoked queue is released once what was handed out is acknowledged and committed") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, 20, 0);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 7);
  node.revoke(node.member(), "t", 0, 4'000);
  REQUIRE(eventually([&] { return consumer->queues().size() == 1; }));
  CHECK(consumer->poll(10, 10ms)->empty()); // The rest goes to the new owner.
  CHECK(node.count<frames::release>() == 0);
  ack_all(*consumer, got);
  REQUIRE(eventually([&] { return node.count<frames::release>() == 1; }));
  CHECK(node.committed("t", 0) == offset{7});
  CHECK(consumer->ack(got[0]).code() == errc::not_owner);
}

TEST_CASE("a revoked queue with nothing open is released at once") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto consumer = make(c, member_of("g"));
  REQUIRE(eventually([&] { return consumer->queues().size() == 1; }));
  auto began = std::chrono::steady_clock::now();
  node.revoke(node.member(), "t", 0, 60'000);
  REQUIRE(eventually([&] { return node.count<frames::release>() == 1; }));
  CHECK(std::chrono::steady_clock::now() - began < 2s);
}

TEST_CASE("a revoked queue is released after half of the time even if messages are open") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  auto got = take(*consumer, 7);
  REQUIRE(consumer->ack(got[0]).ok());
  auto began = std::chrono::steady_clock::now();
  node.revoke(node.member(), "t", 0, 100);
  REQUIRE(eventually([&] { return node.count<frames::release>() == 1; }));
  CHECK(std::chrono::steady_clock::now() - began >= 50ms);
  CHECK(node.committed("t", 0) == offset{1});
  CHECK(consumer->ack(got[1]).code() == errc::not_owner);
}

TEST_CASE("a queue that was taken is gone") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  auto got = take(*consumer, 3);
  REQUIRE(consumer->ack(got[0]).ok());
  SECTION("the node says so") {
    node.revoke(node.member(), "t", 0, 0);
    REQUIRE(eventually([&] { return consumer->queues().empty(); }));
    CHECK(node.count<frames::release>() == 0);
  }
  SECTION("a commit finds it out") {
    node.on_frame([](const frames::frame& f) -> fake_node::reaction {
      if (std::holds_alternative<frames::commit>(f.body))
        return frames::body{frames::error{errc::not_owner, 0}};
      return fake_node::handle{};
    });
    CHECK(consumer->commit().code() == errc::not_owner);
  }
  CHECK(consumer->ack(got[1]).code() == errc::not_owner);
}

TEST_CASE("one lost queue does not hold up the commits of the others") {
  auto node = fake_node{by_hand()};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, 5, 0);
  fill(c, 5, 1);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  node.assign(node.member(), "t", 0);
  node.assign(node.member(), "t", 1);
  ack_all(*consumer, take(*consumer, 10));
  auto lost = node.queue("t", 0);
  node.on_frame([lost](const frames::frame& f) -> fake_node::reaction {
    if (auto commit = std::get_if<frames::commit>(&f.body)) {
      for (auto& each : commit->positions) {
        if (each.queue == lost) return frames::body{frames::error{errc::not_owner, 0}};
      }
    }
    return fake_node::handle{};
  });
  CHECK(consumer->commit().code() == errc::not_owner);
  CHECK(eventually([&] { return node.committed("t", 1) == offset{5}; }));
  auto left = consumer->queues();
  REQUIRE(left.size() == 1);
  CHECK(left[0].number == queue_number{1});
}

TEST_CASE("an ordered group has no way to try a single message again, and says so") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 1);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 1);
  CHECK(consumer->nack(got[0]).code() == errc::unsupported);
  CHECK(consumer->reject(got[0], "no").code() == errc::unsupported);
  CHECK(node.seen<frames::join>().at(0).mode.empty());
  auto options = consumer_options{};
  options.topics = {"t"};
  CHECK(make(c, options)->nack(got[0]).code() == errc::unsupported);
  options.mode = client::group_mode::shared;
  CHECK(c.make_consumer(options).code() == errc::invalid_argument);
  options.mode = client::group_mode::ordered;
  options.group = "g";
  options.in_flight_max = 5;
  CHECK(c.make_consumer(options).code() == errc::invalid_argument);
}
