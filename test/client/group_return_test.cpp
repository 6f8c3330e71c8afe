#include "test/client/members.hpp"

#include <atomic>
#include <future>
#include <set>

using namespace carafe;
using namespace carafe::test;

TEST_CASE("after a lost connection the member joins again and goes on where it had committed") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 8);
  for (auto i = 0u; i < 5; ++i) REQUIRE(consumer->ack(got[i]).ok());
  REQUIRE(eventually([&] { return node.committed("t", 0) == offset{5}; }));
  node.cut();
  // Until it notices, it hands out what it has got.
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  auto rest = take(*consumer, 15);
  CHECK(bodies_of(rest) == numbers(5, 20));
  ack_all(*consumer, rest);
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{20});
  CHECK(node.count<frames::join>() == 2);
}

TEST_CASE("what was acknowledged but not committed does not come twice to the same consumer") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  auto got = take(*consumer, 8);
  for (auto i : {0u, 1u, 4u}) REQUIRE(consumer->ack(got[i]).ok());
  node.listen(false);
  std::this_thread::sleep_for(20ms);
  REQUIRE(consumer->ack(got[2]).ok()); // Still counts if the queue comes back.
  node.listen(true);
  auto again = take(*consumer, 6);
  CHECK(bodies_of(again) == texts{"3", "5", "6", "7", "8", "9"});
  CHECK(eventually([&] { return node.committed("t", 0) == offset{3}; }));
}

TEST_CASE("a group that was reset meanwhile gets its messages again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto consumer = make(c, member_of("g"));
  ack_all(*consumer, take(*consumer, 10));
  REQUIRE(consumer->commit().ok());
  node.listen(false);
  node.set_committed("t", 0, offset{2});
  node.listen(true);
  CHECK(bodies_of(take(*consumer, 8)) == numbers(2, 10));
}

TEST_CASE("a member that the node forgot joins again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 4);
  auto refused = std::atomic<int>{0};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::commit>(f.body) && refused++ == 0)
      return frames::body{frames::error{errc::member_unknown, 0}};
    return fake_node::handle{};
  });
  ack_all(*consumer, got);
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  CHECK(bodies_of(take(*consumer, 6)) == numbers(4, 10));
  CHECK(eventually([&] { return node.committed("t", 0) == offset{4}; }));
}

TEST_CASE("a group that refuses a member says why, one that is busy is asked again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto tries = std::atomic<int>{0};
  auto code = std::atomic<errc>{errc::subscription_mismatch};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::join>(f.body) && tries++ == 0)
      return frames::body{frames::error{code.load(), 0}};
    return fake_node::handle{};
  });
  CHECK(c.make_consumer(member_of("g")).code() == errc::subscription_mismatch);
  tries = 0;
  code = errc::shard_unavailable;
  CHECK(c.make_consumer(member_of("g")).ok());
}

TEST_CASE("a group that refuses the member later ends the consumer") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto consumer = make(c, member_of("g"));
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::join>(f.body))
      return frames::body{frames::error{errc::too_many_members, 0}};
    return fake_node::handle{};
  });
  node.cut();
  auto got = consumer->poll(1, 5s);
  CHECK(got.code() == errc::too_many_members);
  CHECK(consumer->poll(1, 5s).code() == errc::too_many_members);
  CHECK(consumer->close().ok());
}

TEST_CASE("a queue that cannot be read says why") {
  auto node = fake_node{by_hand()};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto consumer = make(c, member_of("g"));
  auto owner = node.assign(node.member(), "t", 0);
  auto id = subscription_id{(std::uint64_t{1} << 63) | owner.value};
  node.send(0, frames::subscription_ended{id, errc::offset_out_of_range});
  CHECK(consumer->poll(1, 5s).code() == errc::offset_out_of_range);
}

TEST_CASE("a member's subscription that ends for now goes on under a number of its own") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 7);
  auto id = subscription_id{(std::uint64_t{1} << 63) | 1};
  node.send(0, frames::subscription_ended{id, errc::shard_unavailable});
  REQUIRE(eventually([&] { return node.count<frames::subscribe>() == 1; }));
  auto rest = take(*consumer, 3);
  CHECK(bodies_of(rest) == numbers(7, 10));
  ack_all(*consumer, got);
  ack_all(*consumer, rest);
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{10});
  CHECK(node.seen<frames::subscribe>().at(0).subscription.value >> 63 == 0);
}

TEST_CASE("a member may seek, with the number of its assignment") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 30);
  auto consumer = make(c, member_of("g"));
  auto got = take(*consumer, 20);
  ack_all(*consumer, got);
  REQUIRE(consumer->commit().ok());
  auto to = start_position{start_position::kind::at_offset, offset{3}, {}};
  REQUIRE(consumer->seek("t", queue_number{0}, to).ok());
  CHECK(node.seen<frames::subscribe>().at(0).subscription.value >> 63 == 1);
  auto again = take(*consumer, 4);
  CHECK(bodies_of(again) == numbers(3, 7));
  ack_all(*consumer, again);
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{7});
  to.from = offset{100};
  CHECK(consumer->seek("t", queue_number{0}, to).code() == errc::offset_out_of_range);
  CHECK(bodies_of(take(*consumer, 5)) == numbers(7, 12));
  CHECK(consumer->seek("t", queue_number{5}, to).code() == errc::not_owner);
}

TEST_CASE("a paused queue stays paused when it comes back") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto consumer = make(c, member_of("g"));
  REQUIRE(eventually([&] { return consumer->queues().size() == 1; }));
  REQUIRE(consumer->pause("t", queue_number{0}).ok());
  node.cut();
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  CHECK(consumer->poll(1, 30ms)->empty());
  REQUIRE(consumer->resume("t", queue_number{0}).ok());
  CHECK(take(*consumer, 10).size() == 10);
}

TEST_CASE("closing commits and leaves") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  ack_all(*consumer, take(*consumer, 6));
  SECTION("when asked to") { REQUIRE(consumer->close().ok()); }
  SECTION("when destroyed") { consumer.reset(); }
  CHECK(node.committed("t", 0) == offset{6});
  CHECK(node.count<frames::leave>() == 1);
}

TEST_CASE("closing without a connection does not wait for one") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 1);
  auto options = member_of("g");
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  auto got = take(*consumer, 1);
  auto outcome = errc::none;
  SECTION("what is not committed is told") {
    ack_all(*consumer, got);
    outcome = errc::disconnected;
  }
  SECTION("if there is nothing to commit, nothing is lost") {}
  node.listen(false);
  std::this_thread::sleep_for(20ms);
  auto began = std::chrono::steady_clock::now();
  CHECK(consumer->close().code() == outcome);
  CHECK(std::chrono::steady_clock::now() - began < 1s);
}

TEST_CASE("run acknowledges what the handler takes, and goes on when a queue has moved") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, 10, 0);
  fill(c, 10, 1);
  auto consumer = make(c, member_of("g"));
  auto seen = std::set<std::pair<std::uint32_t, std::uint64_t>>{};
  auto first = true;
  REQUIRE(consumer
            ->run([&](const delivery& d) {
              if (std::exchange(first, false)) {
                node.revoke(node.member(), "t", d.number.value, 0);
                auto gone = [&] { return consumer->queues().size() == 1; };
                REQUIRE(eventually(gone));
                return true;
              }
              seen.emplace(d.number.value, d.offset.value);
              return seen.size() < 10;
            })
            .ok());
  REQUIRE(seen.size() == 10);
  CHECK(seen.begin()->first == seen.rbegin()->first);
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", seen.begin()->first) == offset{9}); // Not the one it ended with.
}

TEST_CASE("nothing acknowledged comes again and nothing is left out, whatever breaks") {
  auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto random = std::mt19937{seed};
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, 300, 0);
  fill(c, 300, 1);
  auto consumer = make(c, member_of("g"));
  auto done = std::set<std::pair<queue_id, std::uint64_t>>{};
  auto until = std::chrono::steady_clock::now() + 20s;
  while (done.size() < 600 && std::chrono::steady_clock::now() < until) {
    auto got = consumer->poll(1 + random() % 20, 50ms);
    REQUIRE(got.ok());
    for (auto& d : *got) {
      auto fresh = !done.contains({d.queue, d.offset.value});
      REQUIRE(fresh);
      if (consumer->ack(d).ok()) done.emplace(d.queue, d.offset.value);
    }
    if (random() % 12 == 0) node.cut();
  }
  CHECK(done.size() == 600);
  REQUIRE(consumer->commit().ok());
  CHECK(node.committed("t", 0) == offset{300});
  CHECK(node.committed("t", 1) == offset{300});
}

TEST_CASE("a member without queues that is sent away joins again, and says which group it was in") {
  auto node = fake_node{by_hand()};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 4);
  auto consumer = make(c, member_of("g"));
  auto was = node.member();
  CHECK(node.seen<frames::join>().at(0).rejoins == group_id{0});
  auto ended = frames::subscription_ended{{}, errc::member_unknown, member_id{was.value + 7}};
  node.send(0, ended); // Somebody else's.
  ended.member = was;
  node.send(0, ended);
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  CHECK(node.seen<frames::join>().at(1).rejoins == group_id{1});
  REQUIRE(eventually([&] { return node.member() != was; }));
  node.assign(node.member(), "t", 0);
  CHECK(bodies_of(take(*consumer, 4)) == numbers(0, 4));
  CHECK(node.count<frames::join>() == 2);
}

TEST_CASE("a queue whose topic was deleted leaves a member the others") {
  auto node = fake_node{by_hand()};
  node.add_topic("t", 1);
  node.add_topic("u", 1);
  auto c = connected(node);
  auto options = member_of("g");
  options.topics = {"t", "u"};
  auto consumer = make(c, options);
  auto owner = node.assign(node.member(), "t", 0);
  node.assign(node.member(), "u", 0);
  auto id = subscription_id{(std::uint64_t{1} << 63) | owner.value};
  node.send(0, frames::subscription_ended{id, errc::queue_unknown});
  auto p = c.make_producer({});
  REQUIRE((*p)->send("u", text("other")).ok());
  CHECK(bodies_of(take(*consumer, 1)) == texts{"other"});
  CHECK(consumer->queues().size() == 1);
}
