#include "test/actors/worker.hpp"

#include <caf/actor_registry.hpp>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

TEST_CASE("shared: messages go to any consumer, each is acknowledged by itself") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto queue = keyed_topic(admin, {"", "", "", "", "", ""});
  const worker a{one, "shared", 2}, b{two, "shared", 2};
  r.settle();
  const auto first = a.offsets(), second = b.offsets();
  CHECK(first.size() == 2);
  CHECK(second.size() == 2);
  auto both = first;
  both.insert(second.begin(), second.end());
  CHECK(both == offsets{0, 1, 2, 3});
  CHECK(describe(admin).queues[0].in_flight == 4);
  CHECK(b.done(queue, *second.begin()).ok());
  r.settle();
  CHECK(b.offsets() == offsets{4});
  CHECK(describe(admin).queues[0].lag == 5);
}

TEST_CASE("shared: what was acknowledged is done after kill -9, the rest comes again") {
  rig r;
  queue_id queue;
  {
    rig::client admin{r, "admin"}, one{r, "one"};
    queue = keyed_topic(admin, {"", "", "", "", ""});
    REQUIRE(admin.ask<frames::group_description>(putting("shared", impatient())).ok());
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.offsets().size() == 5);
    CHECK(a.done(queue, 1).ok());
    CHECK(a.done(queue, 3).ok());
    CHECK(a.failed(queue, 0, 5'000, "later").ok());
  }
  r.crash(false);
  r.start();
  rig::client admin{r, "admin"}, one{r, "one"};
  const worker a{one, "shared"};
  r.settle();
  // Nobody knows who may still work on what was lent, for one lease.
  CHECK(a.offsets().empty());
  r.pass(1'100ms); // The lease, which was no failure.
  const auto again = a.take();
  CHECK(again.size() == 2);
  CHECK(again.at(2).attempt == 1);
  CHECK(again.at(4).attempt == 1);
  CHECK(a.done(queue, 2).ok());
  CHECK(a.done(queue, 4).ok());
  r.pass(4'000ms);
  CHECK(a.take().at(0).attempt == 2);
}

TEST_CASE("shared: whoever comes back after a restart goes on with what it has") {
  rig r;
  queue_id queue;
  {
    rig::client admin{r, "admin"}, one{r, "one"};
    queue = keyed_topic(admin, {"", "", ""});
    REQUIRE(admin.ask<frames::group_description>(putting("shared", impatient())).ok());
    const worker a{one, "shared"};
    r.settle();
    r.pass(200ms); // The log knows it soon.
  }
  r.crash(false);
  r.start();
  rig::client one{r, "one"};
  const worker a{one, "shared"};
  const auto renewed =
    one.ask<frames::renewed>(frames::renew{a.in.member, {{queue, {{offset{0}, 2}}}}});
  REQUIRE(renewed.ok());
  CHECK(renewed->lost.empty());
  CHECK(a.done(queue, 0, 2).ok());
  r.pass(1'600ms);
  CHECK(a.offsets() == offsets{2});
}

TEST_CASE("shared: what was given back is there at once after kill -9, and has not failed") {
  rig r;
  queue_id queue;
  {
    rig::client admin{r, "admin"}, one{r, "one"};
    queue = keyed_topic(admin, {"", "", ""});
    REQUIRE(admin.ask<frames::group_description>(putting("shared", impatient())).ok());
    const worker a{one, "shared", 2};
    r.settle();
    REQUIRE(a.offsets() == offsets{0, 1});
    SECTION("by a settle") {
      REQUIRE(
        one.ask<frames::ok>(frames::settle{a.in.member, {}, {}, {{queue, {{offset{0}, 2}}}}}).ok());
      REQUIRE(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
    }
    SECTION("by a farewell") { REQUIRE(one.ask<frames::ok>(frames::leave{a.in.member}).ok()); }
    r.settle();
  }
  r.crash(false);
  r.start();
  rig::client two{r, "two"};
  const worker b{two, "shared"};
  r.settle();
  const auto got = b.take();
  REQUIRE(got.size() == 3);
  for (const auto& [at, message] : got) CHECK(message.attempt == 1);
}

TEST_CASE("keyed: messages of a key come in order, one at a time, whatever the others do") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto queue = keyed_topic(admin, {"a", "a", "b", "a", "b", ""});
  const worker first{one, "keyed"}, second{two, "keyed"};
  r.settle();
  auto lent = first.take();
  lent.merge(second.take());
  CHECK(lent.size() == 3); // 0, 2 and 5: the oldest of each key.
  CHECK((lent.contains(0) && lent.contains(2) && lent.contains(5)));
  CHECK(first.failed(queue, 0, 500, "not now").ok() != second.failed(queue, 0, 500, "").ok());
  CHECK(first.done(queue, 2).ok());
  r.settle();
  lent = first.take();
  lent.merge(second.take());
  CHECK(lent.size() == 1);
  CHECK(lent.contains(4));
  r.pass(600ms);
  lent = first.take();
  lent.merge(second.take());
  REQUIRE(lent.contains(0));
  CHECK(first.done(queue, 0).ok());
  r.settle();
  lent = first.take();
  lent.merge(second.take());
  CHECK(lent.contains(1));
  CHECK(lent.size() == 1);
}

TEST_CASE("a lost consumer's messages go to others at once; one that leaves gives back uncounted") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"}, three{r, "three"};
  const auto queue = keyed_topic(admin, {"", ""});
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.offsets() == offsets{0, 1});
  const worker b{two, "shared"};
  one.disconnect();
  r.settle();
  const auto lost = b.take();
  CHECK(lost.at(0).attempt == 2);
  CHECK(lost.at(1).attempt == 2);
  const worker c{three, "shared"};
  CHECK(two.ask<frames::ok>(frames::leave{b.in.member}).ok());
  r.settle();
  CHECK(c.take().at(0).attempt == 2);
  CHECK(c.done(queue, 0, 2).ok());
}

TEST_CASE("a frozen consumer's lease ends; renewing keeps it") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  keyed_topic(admin, {""});
  delivery_settings how;
  how.lease_ms = 1'000;
  how.backoff_ms = {0};
  REQUIRE(admin.ask<frames::group_description>(putting("shared", how)).ok());
  const worker a{one, "shared", 1}, b{two, "shared", 1};
  r.settle();
  CHECK(a.offsets() == offsets{0});
  for (int i = 0; i < 5; ++i) {
    r.pass(500ms);
    CHECK(one.ask<frames::renewed>(frames::renew{a.in.member, {}}).ok());
  }
  CHECK(b.offsets().empty());
  CHECK(describe(admin).members[0].idle_ms >= 2'500);
  r.pass(1'100ms);
  auto got = b.take();
  got.merge(a.take());
  CHECK(got.at(0).attempt == 2);
}

TEST_CASE("a consumer that asks for another mode or other topics is refused, and told both") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  keyed_topic(admin, {});
  const worker a{one, "shared"};
  auto wish = joining("g", "t");
  const auto refused = admin.ask<frames::joined>(wish);
  CHECK(refused.code() == errc::subscription_mismatch);
  CHECK(refused.error().detail ==
        "group g is shared and reads t; this consumer asked for ordered and t");
  wish.mode = "sorted";
  CHECK(admin.ask<frames::joined>(wish).code() == errc::invalid_argument);
}

TEST_CASE("a group is made, and changed if it is what it was") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  keyed_topic(admin, {});
  auto wish = putting("keyed");
  auto made = admin.ask<frames::group_description>(wish);
  REQUIRE(made.ok());
  CHECK(made->mode == "keyed");
  CHECK(made->version == 1);
  CHECK(admin.ask<frames::group_description>(wish).code() == errc::group_exists);
  wish.if_missing = true;
  CHECK(admin.ask<frames::group_description>(wish).ok());
  wish.version = 1;
  wish.delivery.lease_ms = 5'000;
  const worker a{one, "keyed"};
  made = admin.ask<frames::group_description>(wish);
  REQUIRE(made.ok());
  CHECK(made->version == 2);
  CHECK(made->delivery.lease_ms == 5'000);
  CHECK(admin.ask<frames::group_description>(wish).code() == errc::group_changed);
  wish.version = 2;
  wish.mode = "broadcast";
  CHECK(admin.ask<frames::group_description>(wish).code() == errc::group_in_use);
  CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  wish.mode = "shared";
  made = admin.ask<frames::group_description>(wish);
  REQUIRE(made.ok());
  CHECK(made->mode == "shared");
  wish.version = 3;
  wish.delivery.lease_ms = 1;
  CHECK(admin.ask<frames::group_description>(wish).code() == errc::invalid_argument);
  const worker b{one, "shared"};
}

TEST_CASE("a reset of a shared group gives messages out again, also to consumers that run") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"", "", ""});
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.offsets() == offsets{0, 1, 2});
  CHECK(a.done(queue, 0, 3).ok());
  frames::group_reset wish;
  wish.group = "g";
  wish.to = at_offset(1);
  const auto reset = admin.ask<frames::group_description>(wish);
  REQUIRE(reset.ok());
  r.pass(100ms);
  CHECK(a.offsets() == offsets{1, 2});
}

TEST_CASE("a consumer is sent no more than it takes") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto topic = make_topic(admin, "t", 1);
  const auto queue = topic.queues[0].queue;
  for (std::uint64_t i = 0; i < 20; ++i)
    REQUIRE(admin
              .ask<frames::receipt>(produce_of(queue, producer_id{3}, sequence{i + 1}, sequence{i},
                                               {std::string(1'000, 'x')}))
              .ok());
  auto wish = joining("g", "t");
  wish.mode = "shared";
  wish.credit_bytes = 3'000;
  const auto joined = one.ask<frames::joined>(wish);
  REQUIRE(joined.ok());
  r.settle();
  std::size_t came = 0;
  while (one.take<frames::leased>()) ++came;
  CHECK(came >= 2);
  CHECK(came <= 4);
  one.send(0, frames::credit{joined->subscription, 2'000});
  r.settle();
  std::size_t more = 0;
  while (one.take<frames::leased>()) ++more;
  CHECK(more >= 1);
  CHECK(more <= 3);
}

TEST_CASE("messages larger than a consumer's credit come all the same, one after another") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = make_topic(admin, "t", 1).queues[0].queue;
  for (std::uint64_t i = 0; i < 4; ++i)
    REQUIRE(admin
              .ask<frames::receipt>(produce_of(queue, producer_id{3}, sequence{i + 1}, sequence{i},
                                               {std::string(50'000, 'x')}))
              .ok());
  auto wish = joining("g", "t");
  wish.mode = "shared";
  wish.credit_bytes = 1'000;
  const auto joined = one.ask<frames::joined>(wish);
  REQUIRE(joined.ok());
  std::size_t came = 0;
  for (int i = 0; i < 4; ++i) {
    r.settle();
    while (auto lent = one.take<frames::leased>()) {
      ++came;
      one.send(
        0, frames::credit{joined->subscription, static_cast<std::uint32_t>(lent->batch.size())});
    }
  }
  CHECK(came == 4);
}

TEST_CASE("a batch of which most is lent comes whole, but not to a client of version 1") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto topic = make_topic(admin, "t", 1);
  batch_builder builder;
  for (const auto* tag : {"red", "red", "blue", "red"}) {
    message_view message;
    message.tag = message.body = tag;
    REQUIRE(builder.add(message).ok());
  }
  const auto batch = builder.finish(codec::none);
  REQUIRE(batch.ok());
  frames::produce out;
  out.queue = topic.queues[0].queue;
  out.producer = producer_id{5};
  out.first = sequence{1};
  out.count = 4;
  out.checksum = batch->checksum;
  out.batch = batch->bytes;
  REQUIRE(admin.ask<frames::receipt>(out).ok());
  const auto version = GENERATE(std::uint16_t{1}, std::uint16_t{2});
  REQUIRE(one.ask<frames::welcome>(frames::hello{version, version, "one", "test"}).ok());
  auto wish = joining("g", "t");
  wish.mode = "shared";
  wish.filter = {message_filter::kind::tags, "red"};
  REQUIRE(one.ask<frames::joined>(wish).ok());
  r.settle();
  const auto lent = one.take<frames::leased>();
  REQUIRE(lent);
  CHECK(lent->ranges == std::vector<offset_range>{{offset{0}, 2}, {offset{3}, 1}});
  CHECK(lent->batch_count == (version == 1 ? 0 : 4));
  const auto came = batch_reader::open(lent->batch, lent->compression, {});
  REQUIRE(came.ok());
  REQUIRE(came->count() == (version == 1 ? 3u : 4u));
  CHECK(came->message(2).body == (version == 1 ? "red" : "blue"));
}

TEST_CASE("what a consumer gives back and never had does nothing") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"", ""});
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.offsets() == offsets{0, 1});
  const offset_range everything{offset{0}, std::uint64_t{1} << 63};
  CHECK(one.ask<frames::ok>(frames::settle{a.in.member, {}, {}, {{queue, {everything}}}}).ok());
  r.settle();
  CHECK(a.offsets() == offsets{0, 1});
}

TEST_CASE("a group that becomes another one is served by another actor, and the old one ends") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto queue = keyed_topic(admin, {"", "", ""});
  REQUIRE(admin.ask<frames::group_description>(putting("shared", impatient())).ok());
  {
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.done(queue, 1).ok());
    CHECK(a.failed(queue, 0, 5'000, "later").ok());
    CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  const auto running = r.system().registry().running();
  auto wish = putting("keyed", impatient());
  wish.version = 1;
  REQUIRE(admin.ask<frames::group_description>(wish).ok());
  CHECK(r.system().registry().running() == running);
  const worker a{two, "keyed"};
  r.pass(1'600ms); // Who had it before may still work on it.
  CHECK(a.offsets() == offsets{2});
  r.pass(3'600ms);
  CHECK(a.take().at(0).attempt == 2);
}
