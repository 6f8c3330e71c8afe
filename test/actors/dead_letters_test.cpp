#include "test/actors/worker.hpp"

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

TEST_CASE("a failed message comes again after the group's pause, and at last is a dead letter") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"k", ""});
  delivery_settings how;
  how.backoff_ms = {1'000};
  how.attempts_max = 2;
  REQUIRE(admin.ask<frames::group_description>(putting("shared", how)).ok());
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.offsets() == offsets{0, 1});
  CHECK(a.done(queue, 1).ok());
  CHECK(a.failed(queue, 0, std::nullopt, "no").ok());
  CHECK(describe(admin).queues[0].waiting == 1);
  r.pass(900ms);
  CHECK(a.offsets().empty());
  r.pass(200ms);
  CHECK(a.take().at(0).attempt == 2);
  CHECK(a.failed(queue, 0, std::nullopt, "still no").ok());
  r.pass(100ms);
  const auto left = describe(admin).queues[0];
  CHECK(left.waiting == 0);
  CHECK(left.lag == 0);
  const auto graves = admin.ask<frames::topic_description>(frames::topic_describe{"%DLQ%g", false});
  REQUIRE(graves.ok());
  REQUIRE(graves->queues[0].end == offset{1});
  rig::client reader{r, "reader"};
  REQUIRE(
    reader.ask<frames::subscribed>(subscription(1, graves->queues[0].queue, at_offset(0))).ok());
  r.settle();
  const auto letter = reader.take<frames::deliver>();
  REQUIRE(letter);
  auto batch = batch_reader::open(letter->batch, letter->compression, {});
  REQUIRE(batch.ok());
  const auto message = batch->message(0);
  CHECK(message.body == "m0");
  CHECK(message.key == "k");
  std::map<std::string, std::string> told;
  for (const auto& [name, value] : message.properties) told.emplace(name, value);
  CHECK(told.at("carafe-dead-topic") == "t");
  CHECK(told.at("carafe-dead-offset") == "0");
  CHECK(told.at("carafe-dead-attempts") == "2");
  CHECK(told.at("carafe-dead-error") == "still no");
}

TEST_CASE("a message is told dead when its letter is durable, not before") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"a"});
  const worker a{one, "shared"};
  r.settle();
  REQUIRE(a.offsets() == offsets{0});
  for (auto& [shard, disk] : r.disks) disk.log->append_fails = errc::storage_full;
  const auto first = a.failed(queue, 0, {}, "bad", true).code();
  CHECK(first != errc::none);
  CHECK(first != errc::not_owner);
  // Told again, it is waited for; it is not another's meanwhile.
  const auto again = a.failed(queue, 0, {}, "bad", true).code();
  CHECK(again != errc::none);
  CHECK(again != errc::not_owner);
  CHECK_FALSE(a.done(queue, 0).ok());
  for (auto& [shard, disk] : r.disks) disk.log->append_fails = errc::none;
  r.pass(30s);
  r.crash(false);
  r.start();
  rig::client after{r, "after"};
  const auto open = after.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  REQUIRE(open.ok());
  REQUIRE(open->queues.size() == 1);
  CHECK(open->queues[0].open == std::vector<offset_range>{{offset{0}, 1}});
}

TEST_CASE("dead letters are listed, brought back to their group alone, or purged") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"a", "b", "c"});
  const worker a{one, "keyed"};
  r.settle();
  CHECK(a.offsets().size() == 3);
  CHECK(admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"})->queues.empty());
  for (std::uint64_t at = 0; at < 3; ++at) CHECK(a.failed(queue, at, {}, "bad", true).ok());
  r.pass(100ms);
  auto open = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  REQUIRE(open.ok());
  REQUIRE(open->queues.size() == 1);
  REQUIRE(open->queues[0].open == std::vector<offset_range>{{offset{0}, 3}});
  const auto graves = open->queues[0].queue;

  auto done = admin.ask<frames::redriven>(
    frames::redrive{"g", {{graves, {{offset{1}, 1}, {offset{7}, 1}}}}, false});
  REQUIRE(done.ok());
  REQUIRE(done->letters.size() == 2);
  CHECK(done->letters[0].why.code == errc::none);
  CHECK(done->letters[1].why.code == errc::not_found);
  r.pass(100ms);
  const auto back = a.take();
  REQUIRE(back.size() == 1);
  const auto source = back.begin()->first;
  CHECK(back.at(source).queue == queue);
  CHECK(back.at(source).body == "m" + std::to_string(source));
  CHECK(back.at(source).attempt == 1);

  done = admin.ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{0}, 2}}}}, true});
  REQUIRE(done.ok());
  CHECK(done->letters[0].why.code == errc::none);
  CHECK(done->letters[1].why.code == errc::not_found); // Redriven already.
  open = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  CHECK(open->queues[0].open == std::vector<offset_range>{{offset{2}, 1}});
  CHECK(a.done(queue, source).ok());
  CHECK(describe(admin).queues[0].lag == 0);
}

TEST_CASE(
  "a letter is not brought back into another topic of the same name, nor one that is none") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"a", "b"});
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.failed(queue, 1, {}, "bad", true).ok());
  r.pass(100ms);
  REQUIRE(admin.ask<frames::ok>(frames::topic_delete{"t"}).ok());
  r.settle();
  const auto other = keyed_topic(admin, {"x", "y", "z"});
  REQUIRE(other != queue);
  r.settle();
  const auto open = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  REQUIRE(open.ok());
  const auto graves = open->queues[0].queue;
  frames::produce forged;
  const auto batch = batch_of({"no letter"});
  forged.queue = graves;
  forged.producer = producer_id{6};
  forged.first = sequence{1};
  forged.previous = sequence{0};
  forged.count = 1;
  forged.checksum = batch.checksum;
  forged.batch = batch.bytes;
  REQUIRE(admin.ask<frames::receipt>(forged).ok());
  const auto done =
    admin.ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{0}, 2}}}}, false});
  REQUIRE(done.ok());
  REQUIRE(done->letters.size() == 2);
  CHECK(done->letters[0].why.code == errc::queue_unknown);
  CHECK(done->letters[1].why.code == errc::invalid_argument);
  r.pass(100ms);
  CHECK(a.offsets() == offsets{0, 1, 2}); // All of the other topic's.
}

TEST_CASE("a group's topic of dead letters goes with it when nothing is open there") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"a"});
  auto a = std::make_optional<worker>(one, "shared");
  r.settle();
  CHECK(a->failed(queue, 0, {}, "bad", true).ok());
  r.pass(100ms);
  REQUIRE(one.ask<frames::ok>(frames::leave{a->in.member}).ok());
  const auto is_there = [&] {
    return admin.ask<frames::topic_description>(frames::topic_describe{"%DLQ%g", false}).ok();
  };
  SECTION("an open letter stays") {
    REQUIRE(admin.ask<frames::ok>(frames::group_delete{"g"}).ok());
    CHECK(is_there());
  }
  SECTION("purged ones do not come again") {
    const auto graves =
      admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"})->queues[0].queue;
    REQUIRE(
      admin.ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{0}, 1}}}}, true}).ok());
    REQUIRE(admin.ask<frames::ok>(frames::group_delete{"g"}).ok());
    CHECK_FALSE(is_there());
  }
}

TEST_CASE("a redriven message survives kill -9, and is not redriven twice") {
  rig r;
  queue_id graves;
  {
    rig::client admin{r, "admin"}, one{r, "one"};
    const auto queue = keyed_topic(admin, {"a"});
    REQUIRE(admin.ask<frames::group_description>(putting("shared", impatient())).ok());
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.failed(queue, 0, {}, "bad", true).ok());
    r.pass(100ms);
    graves = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"})->queues[0].queue;
    const auto done =
      admin.ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{0}, 1}}}}, false});
    CHECK(done->letters[0].why.code == errc::none);
  }
  r.crash(false);
  r.start();
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto again =
    admin.ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{0}, 1}}}}, false});
  CHECK(again->letters[0].why.code == errc::not_found);
  const worker a{one, "shared"};
  // It may have been lent before; then it waits for that lease and the first pause.
  r.pass(1'700ms);
  const auto got = a.take();
  REQUIRE(got.contains(0));
  CHECK(got.at(0).body == "m0");
}

TEST_CASE("a group's filter decides on the node what its consumers get") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  keyed_topic(admin, {"red", "blue", "red", ""});
  auto wish = joining("g", "t");
  wish.mode = "shared";
  wish.filter = {message_filter::kind::sql, "KEY = 'red' OR"};
  CHECK(one.ask<frames::joined>(wish).code() == errc::filter_invalid);
  wish.filter.text = "KEY = 'red'";
  const auto joined = one.ask<frames::joined>(wish);
  REQUIRE(joined.ok());
  r.settle();
  offsets came;
  while (auto lent = one.take<frames::leased>())
    for (const auto& range : lent->ranges)
      for (auto at = range.first; at < range.end(); at = at + 1) came.insert(at.value);
  CHECK(came == offsets{0, 2});
  CHECK(describe(admin).queues[0].lag == 2);
  wish.filter.text = "KEY = 'blue'";
  const auto other = admin.ask<frames::joined>(wish);
  CHECK(other.code() == errc::subscription_mismatch);
  CHECK(other.error().detail ==
        "group g is shared and reads t where KEY = 'red'; this consumer asked for shared and t "
        "where KEY = 'blue'");
}

TEST_CASE("a message that is rejected at once is dead also after a restart") {
  rig r;
  {
    rig::client admin{r, "admin"}, one{r, "one"};
    const auto queue = keyed_topic(admin, {"", ""});
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.failed(queue, 0, {}, "bad", true).ok());
    r.pass(300ms); // The log hears of the loan after the end.
  }
  r.crash(false);
  r.start();
  rig::client admin{r, "admin"}, one{r, "one"};
  const worker a{one, "shared"};
  r.settle();
  CHECK(describe(admin).queues[0].in_flight == 1);
}

TEST_CASE("a group with waiting messages does not become ordered, which would never deliver them") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {""});
  {
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.offsets() == offsets{0});
    CHECK(a.failed(queue, 0, 5'000, "later").ok());
    CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  auto wish = putting("ordered");
  wish.version = 1;
  CHECK(admin.ask<frames::group_description>(wish).code() == errc::group_in_use);
  const worker a{one, "shared"};
  r.pass(5'200ms);
  CHECK(a.take().at(0).attempt == 2);
  CHECK(a.done(queue, 0).ok());
  CHECK(a.done(queue_id{999}, 0).code() == errc::queue_unknown);
  CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  CHECK(admin.ask<frames::group_description>(wish)->mode == "ordered");
}

TEST_CASE("a redriven message whose dead letter is gone comes from its queue") {
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto queue = keyed_topic(admin, {"a"});
  {
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.failed(queue, 0, {}, "bad", true).ok());
    r.pass(100ms);
    CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  const auto open = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  const auto graves = open->queues.at(0).queue;
  const auto done =
    admin.ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{0}, 1}}}}, false});
  REQUIRE(done->letters.at(0).why.code == errc::none);
  REQUIRE(admin.ask<frames::ok>(frames::topic_delete{"%DLQ%g"}).ok());
  CHECK(describe(admin).queues[0].waiting == 1);
  const worker a{two, "shared"};
  r.pass(200ms);
  CHECK(a.offsets() == offsets{0});
}

TEST_CASE(
  "what a topic's time to live has passed is dropped, or a dead letter, and not delivered") {
  const bool to_dead_letters = GENERATE(false, true);
  rig r;
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"a", "a"});
  const auto changed =
    admin.ask<frames::topic_description>(frames::topic_alter{"t", 0, {}, 10'000});
  REQUIRE(changed.ok());
  CHECK(changed->settings.default_ttl_ms == 10'000);
  delivery_settings how;
  how.backoff_ms = {60'000};
  how.expired_to_dead_letters = to_dead_letters;
  REQUIRE(admin.ask<frames::group_description>(putting("keyed", how)).ok());
  const worker a{one, "keyed"};
  r.settle();
  CHECK(a.offsets() == offsets{0});
  CHECK(a.failed(queue, 0, 9'000, "later").ok()); // It is worth delivering for a moment more.
  r.pass(9'100ms);
  CHECK(a.offsets() == offsets{0});
  CHECK(a.failed(queue, 0, 1'000, "later still").ok());
  r.pass(2'000ms);
  CHECK(a.offsets().empty());
  CHECK(describe(admin).queues[0].lag == 0);
  const auto open = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  REQUIRE(open.ok());
  CHECK(open->queues.size() == (to_dead_letters ? 1 : 0));
  if (!to_dead_letters) return;
  CHECK(open->queues[0].open == std::vector<offset_range>{{offset{0}, 2}});
  // Whoever brings it back wants it.
  const auto done = admin.ask<frames::redriven>(
    frames::redrive{"g", {{open->queues[0].queue, {{offset{0}, 1}}}}, false});
  REQUIRE(done->letters.at(0).why.code == errc::none);
  r.pass(100ms);
  const auto back = a.take();
  REQUIRE(back.size() == 1);
  CHECK(back.at(0).attempt == 1);
}
