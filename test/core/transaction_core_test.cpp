#include "actors/core/transaction_core.hpp"

#include "test/core/transactions.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

transaction_record open_one(std::uint64_t number, std::int64_t opened = 1'000) {
  transaction_record out;
  out.id = tx_id(number);
  out.group = "shop";
  out.opened = unix_ms{opened};
  out.check_first_ms = 6'000;
  out.check_every_ms = 30'000;
  return out;
}

transaction_record asked(transaction_record r, std::uint32_t times, std::int64_t at) {
  r.checks = times;
  r.checked = unix_ms{at};
  return r;
}

const shard_id shard{0};

} // namespace

TEST_CASE("a producer of the group is asked after the first pause, then again and again") {
  transaction_core core;
  core.join("shop", 7);
  core.learn(shard, open_one(1));
  CHECK(core.next() == unix_ms{7'000});
  CHECK(core.due(unix_ms{6'999}, 10).empty());
  auto due = core.due(unix_ms{7'000}, 10);
  REQUIRE(due.size() == 1);
  CHECK(due[0].whom == 7u);
  CHECK(due[0].checks == 1);
  CHECK(core.due(unix_ms{99'000}, 10).empty()); // Until the log says that it was asked.
  core.learn(shard, asked(open_one(1), 1, 7'000));
  CHECK(core.next() == unix_ms{37'000});
  CHECK(core.due(unix_ms{37'000}, 10).at(0).checks == 2);
}

TEST_CASE("after the last check a transaction is held, and stays pending") {
  transaction_core core;
  core.learn(shard, asked(open_one(1), transaction_checks_max, 7'000));
  CHECK_FALSE(core.next());
  CHECK(core.pending().size() == 1);
}

TEST_CASE("producers of a group take turns, and nobody is asked who has left") {
  transaction_core core;
  core.join("shop", 1);
  core.join("shop", 2);
  core.join("bank", 3);
  std::vector<transaction_core::member> whom;
  for (std::uint64_t n = 1; n <= 4; ++n) core.learn(shard, open_one(n));
  for (const auto& each : core.due(unix_ms{9'000}, 10)) whom.push_back(each.whom.value());
  CHECK(whom == std::vector<transaction_core::member>{1, 2, 1, 2});
  core.leave(1);
  core.leave("shop", 2);
  core.learn(shard, open_one(5));
  const auto due = core.due(unix_ms{9'000}, 10);
  REQUIRE(due.size() == 1);
  CHECK_FALSE(due[0].whom);
  CHECK(due[0].checks == 1); // The occasion counts.
}

TEST_CASE("what could not be written is asked for again, and what has ended is not") {
  transaction_core core;
  core.learn(shard, open_one(1));
  core.learn(shard, open_one(2));
  CHECK(core.due(unix_ms{7'000}, 10).size() == 2);
  auto ended = open_one(2);
  ended.state = transaction_state::committed;
  core.learn(shard, ended);
  core.not_asked({shard, tx_id(1)}, unix_ms{7'200});
  core.not_asked({shard, tx_id(2)}, unix_ms{7'200});
  const auto due = core.due(unix_ms{7'200}, 10);
  REQUIRE(due.size() == 1);
  CHECK(due[0].transaction == transaction_name{shard, tx_id(1)});
}

TEST_CASE("more of a transaction does not ask twice") {
  transaction_core core;
  core.learn(shard, open_one(1));
  CHECK(core.due(unix_ms{7'000}, 10).size() == 1);
  auto more = open_one(1);
  more.messages = 9;
  core.learn(shard, more);
  CHECK(core.due(unix_ms{8'000}, 10).empty());
}

TEST_CASE("between two shards one move is under way at a time, until nothing is owed") {
  transaction_core core;
  auto committed = open_one(1);
  committed.state = transaction_state::committed;
  committed.owes = {shard_id{1}, shard_id{2}};
  core.learn(shard, committed);
  const auto moves = core.begin_moves();
  REQUIRE(moves.size() == 2);
  CHECK(core.begin_moves().empty());
  core.moved(moves[0]);
  CHECK(core.begin_moves().size() == 1); // It failed, or there is more.
  core.moved(moves[0]);
  core.moved(moves[1]);
  committed.owes = {shard_id{2}};
  core.learn(shard, committed);
  CHECK(core.begin_moves() == std::vector<transaction_core::move>{{shard, shard_id{2}}});
  core.moved({shard, shard_id{2}});
  committed.owes.clear();
  core.learn(shard, committed);
  CHECK(core.begin_moves().empty());
  CHECK(core.pending().empty());
}
