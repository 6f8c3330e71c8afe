#include "test/client/members.hpp"

#include <atomic>
#include <future>
#include <set>

using namespace carafe;
using namespace carafe::test;
using client::group_mode;

namespace {

using ranges = std::vector<offset_range>;

consumer_options sharing(group_mode mode = group_mode::shared) {
  auto options = member_of("g");
  options.mode = mode;
  return options;
}

/// All that was settled as done so far, in the order of its coming.
ranges done_in(const fake_node& node) {
  auto all = ranges{};
  for (auto& settle : node.seen<frames::settle>())
    for (auto& queue : settle.done) all.insert(all.end(), queue.ranges.begin(), queue.ranges.end());
  return all;
}

std::vector<frames::settle_failed> failed_in(const fake_node& node) {
  auto all = std::vector<frames::settle_failed>{};
  for (auto& settle : node.seen<frames::settle>())
    all.insert(all.end(), settle.failed.begin(), settle.failed.end());
  return all;
}

struct shared_fixture {
  explicit shared_fixture(int messages, fake_node::settings s = {}) : node(s), c(prepared(node)) {
    if (messages > 0) fill(c, messages);
  }
  static client::client prepared(fake_node& node) {
    node.add_topic("t", 1);
    return connected(node);
  }
  void on_settle(std::function<fake_node::reaction()> react) {
    node.on_frame([react = std::move(react)](const frames::frame& f) -> fake_node::reaction {
      if (std::holds_alternative<frames::settle>(f.body)) return react();
      return fake_node::handle{};
    });
  }

  fake_node node;
  client::client c;
};

} // namespace

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

TEST_CASE("acknowledgements are gathered, one settle is under way at a time") {
  auto f = shared_fixture{50};
  auto options = sharing();
  options.commit_interval = 40ms;
  auto consumer = make(f.c, options);
  auto got = take(*consumer, 50);
  for (auto i = 0u; i < 49; ++i) REQUIRE(consumer->ack(got[i]).ok());
  CHECK(f.node.count<frames::settle>() == 0);
  REQUIRE(eventually([&] { return f.node.finished("t", 0).size() == 49; }));
  CHECK(done_in(f.node) == ranges{{offset{0}, 49}});
  // Nothing is left that could go with it: it does not wait.
  auto began = std::chrono::steady_clock::now();
  REQUIRE(consumer->ack(got[49]).ok());
  REQUIRE(eventually([&] { return f.node.finished("t", 0).size() == 50; }));
  CHECK(std::chrono::steady_clock::now() - began < 35ms);
}

TEST_CASE("many acknowledgements are sent before their time") {
  auto f = shared_fixture{0};
  auto p = f.c.make_producer({});
  for (auto i = 0; i < 9'000; ++i)
    REQUIRE((*p)->send_async("t", text("x"), nullptr, queue_number{0}).ok());
  REQUIRE((*p)->flush().ok());
  auto options = sharing();
  options.commit_interval = 1h;
  auto consumer = make(f.c, options);
  auto got = take(*consumer, 9'000);
  for (auto i = 0u; i < 8'500; ++i) REQUIRE(consumer->ack(got[i]).ok());
  REQUIRE(eventually([&] { return f.node.finished("t", 0).size() >= 4'096; }));
}

TEST_CASE("a failed message says why and comes again with its attempt; a rejected one does not") {
  auto f = shared_fixture{3};
  auto consumer = make(f.c, sharing());
  auto got = take(*consumer, 3);
  auto how = client::nack_options{};
  how.delay = 1'500ms;
  how.error = std::string(511, 'x') + "é and more";
  REQUIRE(consumer->nack(got[0], how).ok());
  REQUIRE(consumer->reject(got[1], "unreadable").ok());
  REQUIRE(consumer->commit().ok());
  auto failed = failed_in(f.node);
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].at == offset{0});
  CHECK_FALSE(failed[0].dead);
  CHECK(failed[0].delay_ms == 1'500);
  CHECK(failed[0].error == std::string(511, 'x')); // Cut between characters.
  CHECK(failed[1] == frames::settle_failed{got[1].queue, offset{1}, true, {}, "unreadable"});
  auto again = take(*consumer, 1);
  REQUIRE(again.size() == 1);
  CHECK(again[0].body == "0");
  CHECK(again[0].attempt == 2);
  REQUIRE(consumer->nack(again[0]).ok());
  CHECK(take(*consumer, 1).at(0).attempt == 3);
  CHECK_FALSE(failed_in(f.node).back().delay_ms);
  CHECK(consumer->poll(10, 20ms)->empty());
  how.delay = -1ms;
  CHECK(consumer->nack(got[2], how).code() == errc::invalid_argument);
}

TEST_CASE("a message is settled once") {
  auto f = shared_fixture{3};
  auto consumer = make(f.c, sharing());
  auto got = take(*consumer, 2);
  REQUIRE(consumer->ack(got[0]).ok());
  CHECK(consumer->ack(got[0]).ok());
  CHECK(consumer->nack(got[0]).code() == errc::not_owner);
  auto foreign = got[1];
  foreign.offset = offset{88};
  CHECK(consumer->ack(foreign).code() == errc::invalid_argument);
  CHECK(consumer->reject(foreign).code() == errc::not_owner);
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

TEST_CASE("a settle that the node cannot take just now is repeated") {
  auto f = shared_fixture{5};
  auto consumer = make(f.c, sharing());
  auto refused = std::atomic<int>{0};
  f.on_settle([&]() -> fake_node::reaction {
    if (refused++ < 2) return frames::body{frames::error{errc::storage_full, 5}};
    return fake_node::handle{};
  });
  ack_all(*consumer, take(*consumer, 5));
  REQUIRE(consumer->commit().ok());
  CHECK(f.node.finished("t", 0).size() == 5);
  CHECK(f.node.count<frames::settle>() == 3);
}

TEST_CASE("a failure of a message that somebody else has is dropped, the rest is settled") {
  auto f = shared_fixture{5};
  auto consumer = make(f.c, sharing());
  auto got = take(*consumer, 5);
  f.node.take_away("t", 0, offset{1});
  REQUIRE(consumer->ack(got[0]).ok());
  REQUIRE(consumer->nack(got[1]).ok());
  REQUIRE(consumer->reject(got[2]).ok());
  REQUIRE(consumer->commit().ok());
  CHECK(f.node.finished("t", 0) == std::vector<std::uint64_t>{0, 2});
  CHECK(f.node.seen<frames::renew>().at(0).held.size() == 1);
  CHECK(consumer->ack(got[1]).ok()); // Late, and it counts.
  REQUIRE(consumer->commit().ok());
  CHECK(f.node.finished("t", 0) == std::vector<std::uint64_t>{0, 1, 2});
}

TEST_CASE("a settle that is refused for good is told, and does not hold up others") {
  auto f = shared_fixture{5};
  f.node.add_topic("u", 1);
  auto options = sharing();
  options.topics = {"t", "u"};
  auto consumer = make(f.c, options);
  auto p = f.c.make_producer({});
  REQUIRE((*p)->send("u", text("other")).ok());
  auto got = take(*consumer, 6);
  auto bad = f.node.queue("t", 0);
  f.node.on_frame([bad](const frames::frame& frame) -> fake_node::reaction {
    if (auto settle = std::get_if<frames::settle>(&frame.body)) {
      for (auto& each : settle->done) {
        if (each.queue == bad) return frames::body{frames::error{errc::queue_unknown, 0}};
      }
    }
    return fake_node::handle{};
  });
  ack_all(*consumer, got);
  REQUIRE(consumer->commit().ok());
  CHECK(f.node.finished("u", 0).size() == 1);
  CHECK(consumer->poll(1, 5s).code() == errc::queue_unknown);
  CHECK(consumer->poll(1, 1ms).ok());
}

TEST_CASE("credit comes back as messages are taken out, and bounds what is sent ahead") {
  auto f = shared_fixture{100};
  auto options = sharing();
  options.credit_bytes = 1;
  auto consumer = make(f.c, options);
  std::this_thread::sleep_for(20ms);
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
  REQUIRE(eventually([&] { return f.node.lent() == 20; }));
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
