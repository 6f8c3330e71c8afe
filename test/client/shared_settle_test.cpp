#include "test/client/shared_fixture.hpp"

#include <atomic>

using namespace carafe;
using namespace carafe::test;

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

TEST_CASE("a settle that the node cannot take just now is repeated") {
  auto f = shared_fixture{5};
  auto refused = std::atomic<int>{0};
  auto consumer = make(f.c, sharing());
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

TEST_CASE(
  "a settle that is refused for good is told, unless its queue is gone, and holds nothing up") {
  const auto why = GENERATE(errc::internal, errc::queue_unknown);
  auto f = shared_fixture{5};
  f.node.add_topic("u", 1);
  auto options = sharing();
  options.topics = {"t", "u"};
  auto consumer = make(f.c, options);
  auto p = f.c.make_producer({});
  REQUIRE((*p)->send("u", text("other")).ok());
  auto got = take(*consumer, 6);
  auto bad = f.node.queue("t", 0);
  f.node.on_frame([bad, why](const frames::frame& frame) -> fake_node::reaction {
    if (auto settle = std::get_if<frames::settle>(&frame.body)) {
      for (auto& each : settle->done) {
        if (each.queue == bad) return frames::body{frames::error{why, 0}};
      }
    }
    return fake_node::handle{};
  });
  ack_all(*consumer, got);
  REQUIRE(consumer->commit().ok());
  CHECK(f.node.finished("u", 0).size() == 1);
  if (why != errc::queue_unknown) CHECK(consumer->poll(1, 5s).code() == why);
  CHECK(consumer->poll(1, 1ms).ok());
}
