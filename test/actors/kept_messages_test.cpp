#include "test/actors/worker.hpp"

#include <optional>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

/// Makes entries, and lets time pass, until the log begins behind `index`.
void outlive(rig& r, rig::client& c, entry_index index, const std::string& topic_name = "other") {
  const auto topic = make_topic(c, topic_name, 1);
  sender writer{c, topic.queues[0].queue};
  const auto& log = r.disks.at(shard_id{0}).log;
  for (int i = 0; i < 60 && log->bounds().first <= index; ++i) {
    writer.send(3);
    r.pass(500ms);
  }
  REQUIRE(log->bounds().first > index);
}

void forget_soon(rig& r) {
  r.shard_settings.checkpoint_interval_ms = 500;
  r.shard_settings.retention_ms = 2'000;
  r.disks.at(shard_id{0}).log->entries_per_segment = 2;
  r.crash(false);
  r.start();
}

/// What comes next, when its time has come.
std::map<std::uint64_t, worker::had> next(rig& r, const worker& to) {
  auto got = to.take();
  for (int i = 0; i < 800 && got.empty(); ++i) {
    r.pass(50ms);
    got = to.take();
  }
  return got;
}

} // namespace

TEST_CASE("what a keyed group waits for outlives retention, with what is behind it") {
  const bool by_topic = GENERATE(false, true);
  const bool killed = GENERATE(false, true);
  CAPTURE(by_topic, killed);
  rig r;
  forget_soon(r);
  std::optional<rig::client> admin, one;
  admin.emplace(r, "admin");
  one.emplace(r, "one");
  const auto& log = r.disks.at(shard_id{0}).log;
  const auto queue = keyed_topic(*admin, {"a", "a", "a"});
  if (by_topic)
    REQUIRE(admin->ask<frames::topic_description>(frames::topic_alter{"t", 0, 1'000}).ok());
  REQUIRE(admin->ask<frames::group_description>(putting("keyed")).ok());
  {
    const worker a{*one, "keyed"};
    r.settle();
    CHECK(a.offsets() == offsets{0});
    CHECK(a.failed(queue, 0, 30'000, "later").ok());
    r.pass(200ms);
    CHECK(one->ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  outlive(r, *admin, log->bounds().last);
  CHECK(
    admin->ask<frames::topic_description>(frames::topic_describe{"t", false})->queues[0].earliest ==
    offset{3});
  if (killed) {
    admin.reset();
    one.reset();
    r.crash(false);
    r.start();
    admin.emplace(r, "admin");
  }
  rig::client two{r, "two"};
  const worker b{two, "keyed"};
  r.settle();
  CHECK(describe(*admin).queues[0].lag == 3);
  CHECK(describe(*admin).queues[0].waiting == 3);
  for (std::uint64_t at = 0; at < 3; ++at) {
    const auto got = next(r, b);
    REQUIRE(got.size() == 1);
    REQUIRE(got.contains(at));
    CHECK(got.at(at).body == "m" + std::to_string(at));
    CHECK(got.at(at).attempt == (at == 0 ? 2 : 1));
    CHECK(b.done(queue, at).ok());
  }
  CHECK(describe(*admin).queues[0].lag == 0);
  CHECK(describe(*admin).queues[0].waiting == 0);
}

namespace {

frames::dead_letter_list letters_of(rig::client& c) {
  auto open = c.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  REQUIRE(open.ok());
  return *open;
}

std::uint64_t count_open(rig::client& c) {
  std::uint64_t out = 0;
  for (const auto& queue : letters_of(c).queues)
    for (const auto& range : queue.open) out += range.count;
  return out;
}

} // namespace

TEST_CASE("open dead letters outlive retention again and again") {
  const bool killed = GENERATE(false, true);
  rig r;
  forget_soon(r);
  std::optional<rig::client> admin, one;
  admin.emplace(r, "admin");
  one.emplace(r, "one");
  const auto& log = r.disks.at(shard_id{0}).log;
  const auto queue = keyed_topic(*admin, {"", "", ""});
  REQUIRE(admin->ask<frames::group_description>(putting("shared")).ok());
  {
    const worker a{*one, "shared"};
    r.settle();
    CHECK(a.offsets() == offsets{0, 1, 2});
    for (std::uint64_t at = 0; at < 3; ++at) CHECK(a.failed(queue, at, {}, "bad", true).ok());
    CHECK(one->ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  r.pass(100ms);
  const auto graves = letters_of(*admin).queues.at(0).queue;
  CHECK(admin->ask<frames::redriven>(frames::redrive{"g", {{graves, {{offset{1}, 1}}}}, true})
          ->letters.at(0)
          .why.code == errc::none);
  outlive(r, *admin, log->bounds().last);
  CHECK(count_open(*admin) == 2);
  if (killed) {
    admin.reset();
    one.reset();
    r.crash(false);
    r.start();
    admin.emplace(r, "admin");
  }
  outlive(r, *admin, log->bounds().last, "another");
  const auto open = letters_of(*admin).queues.at(0).open;
  REQUIRE(count_open(*admin) == 2);
  CHECK(open.front().first >= offset{5}); // Each was written three times.
  // The old place is not theirs any more; the new one is.
  const auto done = admin->ask<frames::redriven>(
    frames::redrive{"g", {{graves, {{offset{0}, 1}, open.front()}}}, false});
  REQUIRE(done.ok());
  CHECK(done->letters.at(0).why.code == errc::not_found);
  CHECK(done->letters.at(1).why.code == errc::none);
  CHECK(count_open(*admin) < 2);
  rig::client two{r, "two"};
  const worker b{two, "shared"};
  const auto got = next(r, b);
  REQUIRE(got.contains(0));
  CHECK(got.at(0).queue == queue);
  CHECK(got.at(0).body == "m0");
  for (const auto& [at, had] : got) CHECK(b.done(queue, at).ok());
}

TEST_CASE("dead letters go when they are older than their topic's own limit") {
  const std::uint64_t limit_ms = GENERATE(1'000, 10'000); // The node's is 2 s.
  rig r;
  forget_soon(r);
  rig::client admin{r, "admin"}, one{r, "one"};
  const auto queue = keyed_topic(admin, {"", ""});
  REQUIRE(admin.ask<frames::group_description>(putting("shared")).ok());
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.offsets() == offsets{0, 1});
  CHECK(a.failed(queue, 0, {}, "bad", true).ok());
  const auto died = r.clocks->wall();
  r.pass(100ms);
  CHECK(count_open(admin) == 1);
  REQUIRE(admin.ask<frames::topic_description>(frames::topic_alter{"%DLQ%g", 0, limit_ms}).ok());
  sender writer{admin, make_topic(admin, "other", 1).queues[0].queue};
  for (int i = 0; i < 200 && count_open(admin) > 0; ++i) {
    writer.send(3);
    r.pass(500ms);
  }
  CHECK(count_open(admin) == 0);
  CHECK(r.clocks->wall().value - died.value >= static_cast<std::int64_t>(limit_ms));
}

TEST_CASE("on a disk without room for messages dead letters are moved all the same") {
  rig r;
  forget_soon(r);
  rig::client admin{r, "admin"}, one{r, "one"};
  auto& log = *r.disks.at(shard_id{0}).log;
  const auto queue = keyed_topic(admin, {"", ""});
  REQUIRE(admin.ask<frames::group_description>(putting("shared")).ok());
  const worker a{one, "shared"};
  r.settle();
  CHECK(a.offsets() == offsets{0, 1});
  CHECK(a.failed(queue, 0, {}, "bad", true).ok());
  CHECK(a.done(queue, 1).ok());
  const auto buried = log.bounds().last;
  sender writer{admin, make_topic(admin, "other", 1).queues[0].queue};
  writer.send(5);
  log.room = storage::log_room::no_batches;
  for (int i = 0; i < 20; ++i) r.pass(500ms);
  CHECK(log.bounds().first > buried);
  CHECK(count_open(admin) == 1);
}

TEST_CASE("a copy is sent as the message that it is of") {
  rig r;
  forget_soon(r);
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto& log = r.disks.at(shard_id{0}).log;
  const auto queue = keyed_topic(admin, {"", ""});
  const worker a{one, "shared"};
  r.settle();
  const auto before = one.take<frames::leased>();
  REQUIRE(before);
  const auto id_of = [](const frames::leased& lent, std::uint64_t at) {
    return std::pair{lent.producer.value, (lent.first + (at - lent.base.value)).value};
  };
  while (one.take<frames::leased>()) {
  }
  CHECK(a.done(queue, 0).ok());
  const auto stored = r.clocks->wall();
  CHECK(a.failed(queue, 1, 20'000, "later").ok());
  CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  outlive(r, admin, log->bounds().last);
  const worker b{two, "shared"};
  auto again = two.take<frames::leased>();
  for (int i = 0; i < 400 && !again; ++i) {
    r.pass(50ms);
    again = two.take<frames::leased>();
  }
  REQUIRE(again);
  CHECK(again->ranges == std::vector<offset_range>{{offset{1}, 1}});
  CHECK(again->producer == before->producer);
  CHECK(id_of(*again, 1) == std::pair{std::uint64_t{5}, std::uint64_t{2}});
  CHECK(again->broker_time <= stored);
  CHECK(b.done(queue, 1).ok());
}

TEST_CASE("a message that nothing is left of counts as done, and holds nothing up") {
  rig r;
  forget_soon(r);
  rig::client admin{r, "admin"}, one{r, "one"}, two{r, "two"};
  const auto& log = r.disks.at(shard_id{0}).log;
  const auto queue = keyed_topic(admin, {"a"});
  {
    const worker a{one, "shared"};
    r.settle();
    CHECK(a.failed(queue, 0, {}, "bad", true).ok());
    r.pass(100ms);
    CHECK(one.ask<frames::ok>(frames::leave{a.in.member}).ok());
  }
  const auto open = admin.ask<frames::dead_letter_list>(frames::dead_letters{"g"});
  const auto done = admin.ask<frames::redriven>(
    frames::redrive{"g", {{open->queues.at(0).queue, {{offset{0}, 1}}}}, false});
  REQUIRE(done->letters.at(0).why.code == errc::none);
  REQUIRE(admin.ask<frames::ok>(frames::topic_delete{"%DLQ%g"}).ok());
  outlive(r, admin, log->bounds().last);
  CHECK(describe(admin).queues[0].waiting == 1);
  const worker b{two, "shared"};
  r.pass(200ms);
  CHECK(b.offsets().empty());
  CHECK(describe(admin).queues[0].waiting == 0);
}
