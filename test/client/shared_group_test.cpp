#include "test/client/shared_fixture.hpp"

using namespace carafe;
using namespace carafe::test;

TEST_CASE("a member says its mode and limit, gets messages and acknowledges them as ranges") {
  auto f = shared_fixture{20};
  auto options = sharing(group_mode::keyed);
  options.in_flight_max = 77;
  options.credit_bytes = 12'345;
  auto consumer = make(f.c, options);
  auto join = f.node.seen<frames::join>().at(0);
  CHECK(join.mode == "keyed");
  CHECK(join.in_flight_max == 77);
  CHECK(join.credit_bytes == 12'345);
  auto got = take(*consumer, 20);
  CHECK(bodies_of(got) == numbers(0, 20));
  CHECK(got[7].topic == "t");
  CHECK(got[7].offset == offset{7});
  CHECK(got[7].attempt == 1);
  CHECK(got[7].id.sequence == sequence{8});
  CHECK(got[7].broker_time == unix_ms{1'700'000'000'000});
  for (auto i : {3u, 2u, 9u, 4u, 19u}) REQUIRE(consumer->ack(got[i]).ok());
  REQUIRE(consumer->commit().ok());
  CHECK(f.node.finished("t", 0) == std::vector<std::uint64_t>{2, 3, 4, 9, 19});
  CHECK(consumer->queues().empty());
}

TEST_CASE("leases are renewed while messages are held") {
  auto s = fake_node::settings{};
  s.lease_ms = 30;
  auto f = shared_fixture{2, s};
  auto consumer = make(f.c, sharing());
  auto got = take(*consumer, 2);
  REQUIRE(eventually([&] { return f.node.count<frames::renew>() >= 3; }));
  CHECK(f.node.seen<frames::renew>().front().held.empty());
  CHECK(f.node.seen<frames::renew>().front().member == f.node.member());
  ack_all(*consumer, got);
  REQUIRE(consumer->commit().ok());
  std::this_thread::sleep_for(30ms);
  auto renewals = f.node.count<frames::renew>();
  std::this_thread::sleep_for(60ms);
  CHECK(f.node.count<frames::renew>() == renewals);
}

TEST_CASE("when leases could not be renewed in time the member asks which are left") {
  auto s = fake_node::settings{};
  s.lease_ms = 30;
  auto f = shared_fixture{4, s};
  auto consumer = make(f.c, sharing());
  auto got = take(*consumer, 2);
  await_lent(f.node, f.c, 4);
  f.node.on_frame([](const frames::frame& frame) -> fake_node::reaction {
    auto renew = std::get_if<frames::renew>(&frame.body);
    if (renew && renew->held.empty()) return fake_node::drop{};
    return fake_node::handle{};
  });
  f.node.take_away("t", 0, offset{2});
  auto asked = [&] {
    auto renewals = f.node.seen<frames::renew>();
    return !renewals.empty() && !renewals.back().held.empty();
  };
  REQUIRE(eventually(asked));
  std::this_thread::sleep_for(10ms);
  CHECK(bodies_of(take(*consumer, 1)) == texts{"3"});
}

TEST_CASE("credit comes back as messages are taken out, and bounds what is sent ahead") {
  auto f = shared_fixture{100};
  auto options = sharing();
  options.credit_bytes = 1;
  auto consumer = make(f.c, options);
  await_lent(f.node, f.c, 5);
  CHECK(f.node.lent() == 5); // One batch.
  CHECK(bodies_of(take(*consumer, 100)) == numbers(0, 100));
  CHECK(f.node.count<frames::credit>() >= 19);
}

TEST_CASE("a batch that cannot be read fails its messages and is told") {
  auto s = fake_node::settings{};
  s.lend_all = false;
  auto f = shared_fixture{5, s};
  auto consumer = make(f.c, sharing());
  auto broken = frames::leased{};
  broken.subscription = subscription_id{(std::uint64_t{1} << 63) | f.node.member().value};
  broken.topic = "t";
  broken.queue = f.node.queue("t", 0);
  broken.ranges = {{offset{0}, 2}};
  broken.checksum = 1;
  f.node.send(0, broken);
  CHECK(consumer->poll(1, 5s).code() == errc::checksum_mismatch);
  REQUIRE(eventually([&] { return failed_in(f.node).size() >= 2; }));
  CHECK(failed_in(f.node)[0].error.find("checksum_mismatch") == 0);
  broken.ranges = {{offset{4}, 1}, {offset{3}, 1}};
  f.node.send(0, broken);
  CHECK(consumer->poll(1, 5s).code() == errc::internal);
}

TEST_CASE("closing settles what is acknowledged, gives the rest back, and leaves") {
  auto f = shared_fixture{20};
  auto options = sharing();
  options.commit_interval = 1h;
  auto consumer = make(f.c, options);
  auto got = take(*consumer, 10); // And 10 more are here.
  await_lent(f.node, f.c, 20);
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->nack(got[1]).ok());
  SECTION("when asked to") {
    REQUIRE(consumer->close().ok());
    CHECK(consumer->ack(got[2]).code() == errc::disconnected);
    CHECK(consumer->poll(1, 1ms).code() == errc::disconnected);
  }
  SECTION("when destroyed") { consumer.reset(); }
  auto settle = f.node.seen<frames::settle>().at(0);
  CHECK(settle.done.at(0).ranges == ranges{{offset{0}, 1}});
  CHECK(settle.returned.at(0).ranges == ranges{{offset{2}, 18}});
  CHECK(settle.failed.size() == 1);
  CHECK(f.node.count<frames::settle>() == 1);
  CHECK(f.node.count<frames::leave>() == 1);
  CHECK(f.node.lent() == 0);
}

TEST_CASE("there is no queue to move in or to pause") {
  auto f = shared_fixture{1};
  auto consumer = make(f.c, sharing());
  CHECK(consumer->seek("t", queue_number{0}, {}).code() == errc::unsupported);
  CHECK(consumer->pause("t", queue_number{0}).code() == errc::unsupported);
  CHECK(consumer->resume("t", queue_number{0}).code() == errc::unsupported);
}

TEST_CASE("a node that knows ordered groups only is told apart") {
  auto f = shared_fixture{1};
  f.node.on_frame([](const frames::frame& frame) -> fake_node::reaction {
    if (std::holds_alternative<frames::join>(frame.body))
      return frames::body{frames::joined{member_id{5}, group_id{1}, {}, 0}};
    return fake_node::handle{};
  });
  CHECK(f.c.make_consumer(sharing()).code() == errc::unsupported);
  CHECK(eventually([&] { return f.node.count<frames::leave>() == 1; }));
}

TEST_CASE("run acknowledges each message that its handler takes") {
  auto f = shared_fixture{10};
  auto consumer = make(f.c, sharing());
  auto seen = 0;
  REQUIRE(consumer->run([&](const delivery&) { return ++seen < 10; }).ok());
  REQUIRE(consumer->close().ok());
  CHECK(f.node.finished("t", 0).size() == 9); // Not the one it ended with.
}
