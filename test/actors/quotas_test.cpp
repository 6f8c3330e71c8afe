#include "test/actors/requests.hpp"
#include "test/actors/worker.hpp"

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t rate = 10'000;

frames::topic_description make_limited(rig::client& c, std::uint64_t produce, std::uint64_t consume,
                                       std::uint32_t queues = 1) {
  frames::topic_create create;
  create.name = "t";
  create.queues = queues;
  create.settings.produce_bytes_per_second = produce;
  create.settings.consume_bytes_per_second = consume;
  auto made = c.ask<frames::topic_description>(create);
  REQUIRE(made.ok());
  return *made;
}

frames::topic_description altered(rig::client& c, std::optional<std::uint64_t> produce,
                                  std::optional<std::uint64_t> consume) {
  frames::topic_alter alter;
  alter.name = "t";
  alter.produce_bytes_per_second = produce;
  alter.consume_bytes_per_second = consume;
  auto made = c.ask<frames::topic_description>(alter);
  REQUIRE(made.ok());
  return *made;
}

frames::throttling throttled(rig::client& c) {
  auto found = c.ask<frames::topic_description>(frames::topic_describe{"t", false});
  REQUIRE(found.ok());
  return found->throttled;
}

/// A producer of batches of about a kilobyte, which keeps its order as the client library does.
struct kilobytes {
  rig::client& c;
  queue_id queue;
  producer_id producer;
  std::uint64_t last = 0;

  [[nodiscard]] frames::produce next() const {
    return produce_of(queue, producer, sequence{last + 1}, sequence{last},
                      {std::string(1'000, 'x')});
  }
  /// @returns The node's refusal, if it is one.
  std::optional<frames::error> send() {
    c.send(77, next());
    if (c.take<frames::receipt>()) {
      ++last;
      return std::nullopt;
    }
    auto why = c.take<frames::error>();
    REQUIRE(why);
    return why;
  }
  /// Until it is refused.
  frames::error send_all_it_may() {
    for (int i = 0; i < 1'000; ++i)
      if (auto why = send()) return *why;
    FAIL("there is no quota");
    return {};
  }
  void send(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) REQUIRE_FALSE(send());
  }
};

std::uint64_t delivered_bytes(rig::client& c) {
  std::uint64_t sum = 0;
  while (auto d = c.take<frames::deliver>()) sum += d->batch.size();
  while (auto d = c.take<frames::leased>()) sum += d->batch.size();
  return sum;
}

} // namespace

TEST_CASE("over a topic's produce quota a batch is refused with what and when, and then stored") {
  rig r{3};
  rig::client c{r, "c"}, other{r, "other"};
  const auto topic = make_limited(c, rate, 0, 6);
  kilobytes a{c, topic.queues[0].queue, producer_id{1}};
  kilobytes b{other, topic.queues[1].queue, producer_id{2}};
  const auto why = a.send_all_it_may();
  // One second's worth, and the last one whole.
  CHECK(a.last >= 8);
  CHECK(a.last <= 10);
  CHECK(why.why.code == errc::too_many_requests);
  CHECK(why.why.detail.find("the produce quota of topic t: 10000 bytes a second") !=
        std::string::npos);
  CHECK(why.retry_after_ms >= 100);
  // It is the whole topic's, whichever shard.
  CHECK(b.send());
  r.pass(std::chrono::milliseconds{why.retry_after_ms});
  CHECK_FALSE(a.send());
  CHECK(throttled(c).produce_refused == 2);
  // No quota any more: at once.
  altered(c, 0, std::nullopt);
  a.send(30);
  // And a lower one than before.
  CHECK(altered(c, 1'500, std::nullopt).settings.produce_bytes_per_second == 1'500);
  b.send_all_it_may();
  CHECK(b.last <= 3);
}

TEST_CASE("what was not stored is not counted, and what was stored already neither") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_limited(c, 2'500, 0);
  kilobytes a{c, topic.queues[0].queue, producer_id{1}};
  a.send(1);
  for (int i = 0; i < 20; ++i) {
    auto gap = a.next();
    gap.previous = sequence{55};
    gap.first = sequence{56};
    CHECK(c.ask<frames::receipt>(gap).code() == errc::sequence_gap);
    auto torn = a.next();
    torn.checksum += 1;
    CHECK(c.ask<frames::receipt>(torn).code() == errc::checksum_mismatch);
    auto again =
      produce_of(a.queue, a.producer, sequence{1}, sequence{0}, {std::string(1'000, 'x')});
    const auto receipt = c.ask<frames::receipt>(again);
    REQUIRE(receipt.ok());
    CHECK(receipt->duplicate);
  }
  a.send(1);
}

TEST_CASE("a client's produce quota holds for all connections of its name, over all topics") {
  rig r;
  r.crash(false);
  r.client_rates = {rate, 0};
  r.start();
  rig::client one{r, "importer"}, two{r, "importer"}, other{r, "other"};
  const auto t = make_topic(one, "t", 1), u = make_topic(one, "u", 1);
  kilobytes a{one, t.queues[0].queue, producer_id{1}};
  kilobytes b{two, u.queues[0].queue, producer_id{2}};
  kilobytes c{other, u.queues[0].queue, producer_id{3}};
  const auto why = a.send_all_it_may();
  CHECK(why.why.detail.find("the produce quota of client importer") != std::string::npos);
  CHECK(b.send());
  c.send(5);
  // A new connection does not begin anew.
  one.disconnect();
  rig::client again{r, "importer"};
  kilobytes d{again, t.queues[0].queue, producer_id{4}};
  CHECK(d.send());
  r.pass(std::chrono::milliseconds{why.retry_after_ms});
  CHECK_FALSE(b.send());
  CHECK(r.context->quotas->throttled().produce_refused == 3);
}

TEST_CASE("half messages count when they are prepared; all of a frame, or none") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_limited(c, rate, 0);
  kilobytes a{c, topic.queues[0].queue, producer_id{1}};
  frames::tx_prepare prepare;
  prepare.transaction = {shard_id{0}, {producer_id{9}, 1}};
  prepare.group = "shop";
  for (std::uint64_t i = 0; i < 15; ++i) {
    const auto batch = test::batch_of({std::string(1'000, 'x')});
    prepare.batches.push_back({topic.queues[0].queue, sequence{i + 1}, batch.count,
                               batch.compression, batch.checksum, batch.bytes});
  }
  REQUIRE(c.ask<frames::tx_prepared>(prepare).ok());
  CHECK(a.send());
  prepare.transaction.id.number = 2;
  CHECK(c.ask<frames::tx_prepared>(prepare).code() == errc::too_many_requests);
  r.pass(1s);
  CHECK_FALSE(a.send());
}

TEST_CASE("quotas are settings of the topic: they hold after kill -9, and bad ones are refused") {
  rig r;
  {
    rig::client c{r, "c"};
    make_limited(c, rate, 2 * rate);
    frames::topic_alter alter;
    alter.name = "t";
    alter.consume_bytes_per_second = (std::uint64_t{16} << 30) + 1;
    CHECK(c.ask<frames::topic_description>(alter).code() == errc::invalid_argument);
    frames::topic_create create;
    create.name = "u";
    create.queues = 1;
    create.settings.produce_bytes_per_second = ~std::uint64_t{0};
    CHECK(c.ask<frames::topic_description>(create).code() == errc::invalid_argument);
  }
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  const auto found = c.ask<frames::topic_description>(frames::topic_describe{"t", false});
  REQUIRE(found.ok());
  CHECK(found->settings.produce_bytes_per_second == rate);
  CHECK(found->settings.consume_bytes_per_second == 2 * rate);
  kilobytes a{c, found->queues[0].queue, producer_id{1}};
  a.send_all_it_may();
  CHECK(a.last <= 10);
}

TEST_CASE("a topic's consume quota slows its readers down, all together, and loses nothing") {
  rig r{2};
  rig::client c{r, "c"}, one{r, "one"}, two{r, "two"};
  const auto topic = make_limited(c, 0, 0, 2);
  for (std::uint64_t i = 0; i < 2; ++i)
    kilobytes{c, topic.queues[i].queue, producer_id{i + 1}}.send(50);
  altered(c, std::nullopt, rate);
  REQUIRE(one.ask<frames::subscribed>(subscription(1, topic.queues[0].queue, {})).ok());
  REQUIRE(two.ask<frames::subscribed>(subscription(1, topic.queues[1].queue, {})).ok());
  std::uint64_t sum = delivered_bytes(one) + delivered_bytes(two);
  CHECK(sum >= 8'000);
  CHECK(sum <= 14'000); // One second's worth, and a batch each.
  for (std::uint64_t second = 1; second <= 3; ++second) {
    r.pass(1s);
    const auto now = delivered_bytes(one) + delivered_bytes(two);
    CHECK(now >= 7'000);
    CHECK(now <= 14'000);
    sum += now;
  }
  CHECK(throttled(c).consume_paused_ms >= 2'000);
  CHECK(throttled(c).produce_refused == 0);
  // New messages wait behind those that wait.
  kilobytes{c, topic.queues[0].queue, producer_id{7}}.send(1);
  r.pass(12s);
  sum += delivered_bytes(one) + delivered_bytes(two);
  CHECK(sum >= 101 * 1'000);
  // At the end of the queue, what comes is sent at once as long as the quota lasts.
  kilobytes{c, topic.queues[1].queue, producer_id{8}}.send(3);
  CHECK(delivered_bytes(two) >= 3'000);
}

TEST_CASE("without its consume quota what was held back goes on within a second") {
  rig r;
  rig::client c{r, "c"}, reader{r, "reader"};
  const auto topic = make_limited(c, 0, 1'000);
  kilobytes{c, topic.queues[0].queue, producer_id{1}}.send(60);
  REQUIRE(reader.ask<frames::subscribed>(subscription(1, topic.queues[0].queue, {})).ok());
  CHECK(delivered_bytes(reader) <= 4'000);
  altered(c, std::nullopt, 0);
  r.pass(1s);
  CHECK(delivered_bytes(reader) >= 56'000);
}

TEST_CASE("a shared group is read no faster than the topic's consume quota, whoever is in it") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto topic = make_limited(admin, 0, rate);
  kilobytes{admin, topic.queues[0].queue, producer_id{1}}.send(60);
  const worker a{one, "shared"}, b{two, "shared"};
  r.settle();
  auto sum = delivered_bytes(one) + delivered_bytes(two);
  CHECK(sum >= 8'000);
  CHECK(sum <= 14'000);
  r.pass(8s);
  sum += delivered_bytes(one) + delivered_bytes(two);
  CHECK(sum >= 60'000);
}

TEST_CASE("a client's consume quota slows down all its connections, and no other client") {
  rig r;
  r.crash(false);
  r.client_rates = {0, rate};
  r.start();
  rig::client c{r, "c"}, one{r, "slow"}, two{r, "slow"}, other{r, "other"};
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  kilobytes{c, queue, producer_id{1}}.send(30);
  REQUIRE(one.ask<frames::subscribed>(subscription(1, queue, {})).ok());
  REQUIRE(two.ask<frames::subscribed>(subscription(1, queue, {})).ok());
  auto sum = delivered_bytes(one) + delivered_bytes(two);
  CHECK(sum <= 14'000);
  r.pass(2s);
  sum += delivered_bytes(one) + delivered_bytes(two);
  CHECK(sum >= 25'000);
  CHECK(sum <= 34'000);
  // Its own second's worth is not used up.
  REQUIRE(other.ask<frames::subscribed>(subscription(1, queue, at_offset(22))).ok());
  CHECK(delivered_bytes(other) >= 7'000);
  r.pass(6s);
  CHECK(sum + delivered_bytes(one) + delivered_bytes(two) >= 60'000);
  CHECK(r.context->quotas->throttled().consume_paused_ms > 1'000);
  // A member of a shared group gets one message however little it may be sent, and pays for it.
  rig::client member{r, "slow"};
  const worker w{member, "shared"};
  r.pass(1s);
  const auto lent = delivered_bytes(member);
  CHECK(lent >= 1'000);
  CHECK(lent <= 22'000);
  r.pass(5s);
  CHECK(lent + delivered_bytes(member) >= 30'000);
}
