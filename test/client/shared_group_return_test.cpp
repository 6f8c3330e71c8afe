#include "test/client/shared_fixture.hpp"

#include <atomic>
#include <set>

using namespace carafe;
using namespace carafe::test;

namespace {

/// A node that, once it is back, lets members go on with what they had.
fake_node::settings restarts() {
  auto s = fake_node::settings{};
  s.notices_loss = false;
  return s;
}

ranges presented(const fake_node& node) {
  for (auto& renew : node.seen<frames::renew>()) {
    if (!renew.held.empty()) return renew.held.at(0).ranges;
  }
  return {};
}

} // namespace

TEST_CASE("after a lost connection a member presents what it has and goes on with it") {
  auto node = fake_node{restarts()};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 20);
  auto consumer = make(c, sharing());
  auto got = take(*consumer, 8);
  await_lent(node, c, 20);
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->commit().ok());
  node.cut();
  REQUIRE(eventually([&] { return node.count<frames::renew>() == 1; }));
  CHECK(presented(node) == ranges{{offset{1}, 19}});
  for (auto i = 1u; i < 8; ++i) REQUIRE(consumer->ack(got[i]).ok());
  auto rest = take(*consumer, 12);
  CHECK(bodies_of(rest) == numbers(8, 20));
  CHECK(rest[0].attempt == 1);
  ack_all(*consumer, rest);
  REQUIRE(consumer->commit().ok());
  CHECK(node.finished("t", 0).size() == 20);
  CHECK(consumer->poll(1, 10ms)->empty());
}

TEST_CASE("a settle that was not answered is sent again after the return") {
  auto node = fake_node{restarts()};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto broken = std::atomic<int>{0};
  auto how = GENERATE(0, 1);
  auto consumer = make(c, sharing());
  auto got = take(*consumer, 10);
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (!std::holds_alternative<frames::settle>(f.body) || broken++ > 0) return fake_node::handle{};
    if (how == 0) return fake_node::close{};
    return fake_node::handle_and_close{};
  });
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->nack(got[1]).ok());
  REQUIRE(consumer->reject(got[2], "bad").ok());
  REQUIRE(consumer->commit().ok());
  CHECK(node.finished("t", 0) == std::vector<std::uint64_t>{0, 2});
  CHECK(node.count<frames::join>() == 2);
  auto again = take(*consumer, 1);
  REQUIRE(again.size() == 1);
  CHECK(again[0].body == "1");
  CHECK(again[0].attempt == 2);
}

TEST_CASE("what others got meanwhile is dropped unless it was handed out") {
  auto node = fake_node{restarts()};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto consumer = make(c, sharing());
  auto got = take(*consumer, 4);
  await_lent(node, c, 10);
  node.listen(false);
  for (auto at : {1u, 5u, 6u}) node.take_away("t", 0, offset{at});
  node.listen(true);
  REQUIRE(eventually([&] { return node.count<frames::renew>() == 1; }));
  std::this_thread::sleep_for(10ms);
  CHECK(consumer->nack(got[1]).code() == errc::not_owner);
  CHECK(bodies_of(take(*consumer, 4)) == texts{"4", "7", "8", "9"});
  REQUIRE(consumer->ack(got[1]).ok()); // It is done, whoever has it.
  REQUIRE(consumer->commit().ok());
  CHECK(node.finished("t", 0) == std::vector<std::uint64_t>{1});
}

TEST_CASE("a member that closes while it joins again gives back what it has") {
  auto node = fake_node{restarts()};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 6);
  auto consumer = make(c, sharing());
  auto got = take(*consumer, 2);
  await_lent(node, c, 6);
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->commit().ok());
  auto refusals = std::atomic<int>{3};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::join>(f.body) && refusals-- > 0)
      return frames::body{frames::error{errc::shard_unavailable, 0}};
    return fake_node::handle{};
  });
  auto id = subscription_id{(std::uint64_t{1} << 63) | node.member().value};
  SECTION("which it was told") {
    node.forget_members();
    node.send(0, frames::subscription_ended{id, errc::member_unknown});
    REQUIRE(eventually([&] { return refusals < 3; }));
  }
  SECTION("which it finds out") { node.forget_members(); }
  CHECK(consumer->close().ok());
  CHECK(node.count<frames::leave>() == 1);
  CHECK(node.lent() == 0);
  CHECK(node.finished("t", 0) == std::vector<std::uint64_t>{0});
  CHECK(consumer->close().ok());
}

TEST_CASE("a member that the node forgot joins again and gets its messages again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 10);
  auto consumer = make(c, sharing());
  auto got = take(*consumer, 4);
  await_lent(node, c, 10);
  SECTION("a settle finds it out") {
    node.forget_members();
    REQUIRE(consumer->ack(got[0]).ok());
    REQUIRE(consumer->commit().ok());
  }
  SECTION("the node says so") {
    auto id = subscription_id{(std::uint64_t{1} << 63) | node.member().value};
    node.forget_members();
    node.send(0, frames::subscription_ended{id, errc::member_unknown});
    REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
    REQUIRE(consumer->ack(got[0]).ok());
    REQUIRE(consumer->commit().ok());
  }
  CHECK(node.count<frames::join>() == 2);
  CHECK(node.finished("t", 0) == std::vector<std::uint64_t>{0});
  // Lent to the new member before it could present them: it still has them, and once only.
  CHECK(bodies_of(take(*consumer, 6)) == numbers(4, 10));
  CHECK(consumer->poll(1, 20ms)->empty());
  for (auto i = 1u; i < 4; ++i) REQUIRE(consumer->nack(got[i]).ok());
  auto again = take(*consumer, 3);
  CHECK(bodies_of(again) == numbers(1, 4));
  CHECK(again[0].attempt == 3);
}

TEST_CASE("a subscription that ends for good ends the consumer") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto consumer = make(c, sharing());
  auto id = subscription_id{(std::uint64_t{1} << 63) | node.member().value};
  node.send(0, frames::subscription_ended{id, errc::storage_corrupt});
  CHECK(consumer->poll(1, 5s).code() == errc::storage_corrupt);
}

TEST_CASE("credit for what is still here is not given twice") {
  auto node = fake_node{restarts()};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 100);
  auto options = sharing();
  options.credit_bytes = 1'000;
  auto consumer = make(c, options);
  await_lent(node, c, 5);
  node.cut();
  REQUIRE(eventually([&] { return node.count<frames::join>() == 2; }));
  CHECK(node.seen<frames::join>().at(1).credit_bytes < 500);
  auto got = take(*consumer, 100);
  CHECK(got.size() == 100);
}

TEST_CASE("closing without a connection tells whether something was not settled") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, 2);
  auto options = sharing();
  options.commit_interval = 1h;
  auto consumer = make(c, options);
  auto got = take(*consumer, 2);
  auto outcome = errc::none;
  SECTION("an acknowledgement") {
    REQUIRE(consumer->ack(got[0]).ok());
    outcome = errc::disconnected;
  }
  SECTION("nothing") {}
  node.listen(false);
  std::this_thread::sleep_for(20ms);
  auto began = std::chrono::steady_clock::now();
  CHECK(consumer->close().code() == outcome);
  CHECK(std::chrono::steady_clock::now() - began < 1s);
}

TEST_CASE("every message is finished, whatever breaks and whatever fails") {
  auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto random = std::mt19937{seed};
  auto s = fake_node::settings{};
  s.lease_ms = 20;
  s.notices_loss = random() % 2 == 0;
  auto node = fake_node{s};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, 300, 0);
  fill(c, 300, 1);
  auto options = sharing();
  options.credit_bytes = 2'000;
  auto consumer = make(c, options);
  auto done = std::set<std::pair<queue_id, std::uint64_t>>{};
  auto until = std::chrono::steady_clock::now() + 20s;
  while (done.size() < 600 && std::chrono::steady_clock::now() < until) {
    auto got = consumer->poll(1 + random() % 20, 50ms);
    REQUIRE(got.ok());
    std::shuffle(got->begin(), got->end(), random);
    for (auto& d : *got) {
      auto fresh = !done.contains({d.queue, d.offset.value});
      REQUIRE(fresh);
      if (random() % 10 == 0) {
        static_cast<void>(consumer->nack(d));
      } else {
        REQUIRE(consumer->ack(d).ok());
        done.emplace(d.queue, d.offset.value);
      }
    }
    if (random() % 12 == 0) node.cut();
    if (random() % 20 == 0) node.forget_members();
  }
  CHECK(done.size() == 600);
  REQUIRE(consumer->commit().ok());
  CHECK(node.finished("t", 0).size() == 300);
  CHECK(node.finished("t", 1).size() == 300);
}
