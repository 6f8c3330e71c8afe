#include "test/actors/requests.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::test;

namespace {

constexpr producer_id someone{77};

frames::shard_status must_status(rig& r) {
  return ask_actor<frames::shard_status>(r, r.shards.at(shard_id{0}).shard, status_atom_v);
}

} // namespace

TEST_CASE("a batch gets a receipt with its queue's next offset") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  auto first =
    c.ask<frames::receipt>(produce_of(queue, someone, sequence{1}, sequence{0}, {"a", "b"}));
  REQUIRE(first.ok());
  CHECK(first->first == offset{0});
  CHECK(first->count == 2);
  CHECK(first->reached == durability::fsync);
  auto second = c.ask<frames::receipt>(produce_of(queue, someone, sequence{3}, sequence{2}, {"c"}));
  REQUIRE(second.ok());
  CHECK(second->first == offset{2});
}

TEST_CASE("a retry is answered with the original's receipt and stored once") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  const auto batch = produce_of(queue, someone, sequence{1}, sequence{0}, {"a"});
  REQUIRE(c.ask<frames::receipt>(batch).ok());
  auto again = c.ask<frames::receipt>(batch);
  REQUIRE(again.ok());
  CHECK(again->duplicate);
  CHECK(again->first == offset{0});
  auto seen = c.ask<frames::topic_description>(frames::topic_describe{"t", false});
  REQUIRE(seen.ok());
  CHECK(seen->queues[0].end == offset{1});
}

TEST_CASE("a retry after a crash is answered with the original's receipt") {
  rig r;
  const auto batch = [](queue_id queue) {
    return produce_of(queue, someone, sequence{1}, sequence{0}, {"a"});
  };
  queue_id queue;
  {
    rig::client c{r, "c"};
    queue = make_topic(c, "t", 1).queues[0].queue;
    REQUIRE(c.ask<frames::receipt>(batch(queue)).ok());
  }
  r.crash(true);
  r.start();
  rig::client c{r, "c"};
  auto again = c.ask<frames::receipt>(batch(queue));
  REQUIRE(again.ok());
  CHECK(again->duplicate);
  CHECK(again->first == offset{0});
}

TEST_CASE("nothing is written after a kill") {
  bool stored = false;
  for (int steps = 0; !stored; ++steps) {
    rig r;
    const auto& log = *r.disks.at(shard_id{0}).log;
    entry_index empty;
    {
      rig::client c{r, "c"};
      const auto queue = make_topic(c, "t", 1).queues[0].queue;
      empty = log.bounds().last;
      c.post(9, produce_of(queue, someone, sequence{1}, sequence{0}, {"a"}));
    }
    for (int i = 0; i < steps; ++i) REQUIRE(r.run_one([](std::size_t) { return 0; }));
    const auto before = log.bounds().last;
    r.crash(false);
    CHECK(log.bounds().last == before);
    stored = before > empty;
  }
}

TEST_CASE("a broken batch is refused and hurts nobody") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  auto bad = produce_of(queue, someone, sequence{1}, sequence{0}, {"a"});
  bad.checksum ^= 1;
  CHECK(c.ask<frames::receipt>(bad).code() == errc::checksum_mismatch);
  CHECK(c.ask<frames::receipt>(produce_of(queue_id{999}, someone, sequence{1}, sequence{0}, {"a"}))
          .code() == errc::queue_unknown);
  CHECK(
    c.ask<frames::receipt>(produce_of(queue, someone, sequence{5}, sequence{3}, {"a"})).code() ==
    errc::producer_unknown);
  CHECK(c.ask<frames::receipt>(produce_of(queue, someone, sequence{1}, sequence{0}, {"a"})).ok());
  CHECK(
    c.ask<frames::receipt>(produce_of(queue, someone, sequence{5}, sequence{3}, {"a"})).code() ==
    errc::sequence_gap);
}

TEST_CASE("topics of every durability are served by shards of that durability") {
  rig r{3};
  rig::client c{r, "c"};
  for (const auto mode : {durability::fsync, durability::interval, durability::memory}) {
    const auto topic = make_topic(c, "t" + std::to_string(static_cast<int>(mode)), 6, mode);
    for (const auto& queue : topic.queues) {
      CHECK(queue.mode == mode);
      auto receipt =
        c.ask<frames::receipt>(produce_of(queue.queue, someone, sequence{1}, sequence{0}, {"x"}));
      REQUIRE(receipt.ok());
      CHECK(receipt->reached == mode);
    }
  }
  CHECK(r.shards.size() == 9);
}

TEST_CASE("a client over its in-flight limit is not read from until it is under it again") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  r.context->options.in_flight_max = 4;
  auto& log = *r.disks.at(shard_id{0}).log;
  log.append_fails = errc::storage_full; // Answers wait.
  caf::io::new_data_msg data;
  for (std::uint64_t i = 1; i <= 50; ++i)
    frames::encode(frames::frame{1000 + i, produce_of(queue, someone, sequence{i}, sequence{i - 1},
                                                      {"m" + std::to_string(i)})},
                   data.buf);
  caf::anon_send(c.connection, std::move(data));
  r.settle();
  CHECK(c.in->halted);
  log.append_fails = errc::none;
  r.pass(std::chrono::seconds{2});
  std::uint64_t expected = 0;
  while (auto receipt = c.take<frames::receipt>()) CHECK(receipt->first == offset{expected++});
  CHECK(expected == 50);
  CHECK_FALSE(c.in->halted);
}

TEST_CASE("a log writer that fails ends its shard, and nothing is acknowledged") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  r.disks.at(shard_id{0}).log->append_fails = errc::storage_failed;
  const auto answer =
    c.ask<frames::receipt>(produce_of(queue, someone, sequence{1}, sequence{0}, {"a"}));
  CHECK_FALSE(answer.ok());
  REQUIRE(r.ended->size() == 1);
}

TEST_CASE("a full disk holds writes back until there is room, and loses none") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  auto& log = *r.disks.at(shard_id{0}).log;
  log.append_fails = errc::storage_full;
  c.send(50, produce_of(queue, someone, sequence{1}, sequence{0}, {"a"}));
  r.pass(std::chrono::seconds{2});
  CHECK_FALSE(c.take<frames::receipt>());
  // New writes are refused at once, with the reason.
  CHECK(c.ask<frames::receipt>(produce_of(queue, producer_id{5}, sequence{1}, sequence{0}, {"b"}))
          .code() == errc::storage_full);
  log.append_fails = errc::none;
  r.pass(std::chrono::seconds{3});
  auto receipt = c.take<frames::receipt>();
  REQUIRE(receipt);
  CHECK(receipt->first == offset{0});
  CHECK(c.ask<frames::receipt>(produce_of(queue, producer_id{5}, sequence{1}, sequence{0}, {"b"}))
          .ok());
}

TEST_CASE("a client that says nothing is disconnected after the idle timeout") {
  rig r;
  rig::client quiet{r, "quiet"};
  rig::client lively{r, "lively"};
  for (int i = 0; i < 5; ++i) {
    r.pass(std::chrono::seconds{10});
    lively.send(0, frames::ping{});
  }
  CHECK(quiet.in->closed);
  CHECK_FALSE(lively.in->closed);
}

TEST_CASE("a frame before hello is refused and the connection closed") {
  rig r;
  rig::client c{r, "c"};
  caf::io::new_data_msg garbage;
  garbage.buf.assign(64, '\xff');
  caf::anon_send(c.connection, std::move(garbage));
  r.settle();
  CHECK(c.in->closed);
  CHECK(c.take<frames::error>());
}

TEST_CASE(
  "with little room left, messages and new names are refused, commits and deletions are not") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  make_topic(c, "u", 1);
  const auto known = produce_of(queue, someone, sequence{1}, sequence{0}, {"a"});
  REQUIRE(c.ask<frames::receipt>(known).ok());
  const auto joined = c.ask<frames::joined>(joining("g", "t"));
  REQUIRE(joined.ok());
  const auto mine = c.take<frames::assigned>();
  REQUIRE(mine);
  auto& log = *r.disks.at(shard_id{0}).log;
  log.room = storage::log_room::no_batches;
  r.pass(std::chrono::seconds{2});
  CHECK(must_status(r).storage_full);
  const auto fresh = produce_of(queue, someone, sequence{2}, sequence{1}, {"b"});
  CHECK(c.ask<frames::receipt>(fresh).code() == errc::storage_full);
  // It is stored: to say that it is not would be wrong.
  CHECK(c.ask<frames::receipt>(known)->duplicate);
  frames::topic_create create;
  create.name = "v";
  create.queues = 1;
  CHECK(c.ask<frames::topic_description>(create).code() == errc::storage_full);
  CHECK(c.ask<frames::joined>(joining("h", "t")).code() == errc::storage_full);
  CHECK(c.ask<frames::ok>(committing(joined->member, *mine, offset{1})).ok());
  frames::topic_alter shorter;
  shorter.name = "t";
  shorter.retention_ms = 1'000;
  CHECK(c.ask<frames::topic_description>(shorter).ok());
  log.room = storage::log_room::only_freeing;
  r.pass(std::chrono::seconds{2});
  CHECK(c.ask<frames::ok>(committing(joined->member, *mine, offset{1})).code() ==
        errc::storage_full);
  CHECK(c.ask<frames::ok>(frames::topic_delete{"u"}).ok());
  log.room = storage::log_room::everything;
  r.pass(std::chrono::seconds{2});
  CHECK_FALSE(must_status(r).storage_full);
  CHECK(c.ask<frames::receipt>(fresh).ok());
  CHECK(c.ask<frames::ok>(committing(joined->member, *mine, offset{2})).ok());
}

TEST_CASE("a queue that a group could not begin on a full disk is assigned when there is room") {
  rig r;
  rig::client c{r, "c"};
  make_topic(c, "t", 1);
  REQUIRE(c.ask<frames::joined>(joining("g", "t")).ok());
  REQUIRE(c.take<frames::assigned>());
  auto& log = *r.disks.at(shard_id{0}).log;
  log.room = storage::log_room::only_freeing;
  r.pass(std::chrono::seconds{2});
  frames::topic_alter more;
  more.name = "t";
  more.queues = 2;
  REQUIRE(c.ask<frames::topic_description>(more).ok());
  r.pass(std::chrono::seconds{5});
  CHECK_FALSE(c.take<frames::assigned>());
  CHECK_FALSE(c.take<frames::subscription_ended>());
  log.room = storage::log_room::everything;
  r.pass(std::chrono::seconds{3});
  const auto late = c.take<frames::assigned>();
  REQUIRE(late);
  CHECK(late->number == queue_number{1});
}

TEST_CASE("retention makes room on a disk that takes nothing else") {
  rig r;
  r.shard_settings.retention_ms = 10'000;
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  sender s{c, queue};
  s.send(20);
  auto& log = *r.disks.at(shard_id{0}).log;
  log.room = storage::log_room::only_freeing;
  const auto before = log.bounds().first;
  r.pass(std::chrono::seconds{30});
  CHECK(log.bounds().first > before);
}
