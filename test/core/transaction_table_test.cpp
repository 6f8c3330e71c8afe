#include "actors/core/transaction_table.hpp"

#include "actors/core/shard_state.hpp"
#include "actors/core/transaction_entry.hpp"
#include "test/core/transactions.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

shard_state with_queue() {
  shard_state state{1'000'000};
  state.apply(unix_ms{1}, {effects::queue_opened{queue_a, topic_a}});
  return state;
}

const effects_in_flight nothing_in_flight = [](const auto&) {};

} // namespace

TEST_CASE("halves of a transaction wait in its shard and count against nothing else") {
  auto state = with_queue();
  state.apply(unix_ms{5}, {prepared_of(1, {half_of(queue_a, shard_id{0}, 1, 3)})});
  const auto* row = state.transactions().find(tx_id(1));
  REQUIRE(row != nullptr);
  CHECK(row->record.opened == unix_ms{5});
  CHECK(row->record.messages == 3);
  CHECK(state.transactions().open() == 1);
  CHECK(state.transactions().bytes() == row->record.bytes);
  CHECK(state.queue(queue_a)->next == offset{0});
}

TEST_CASE("a batch that is prepared again is there once") {
  auto state = with_queue();
  const auto first = prepared_of(1, {half_of(queue_a, shard_id{0}, 1, 3)});
  state.apply(unix_ms{5}, {first});
  state.apply(unix_ms{6}, {first, prepared_of(1, {half_of(queue_a, shard_id{0}, 4, 2)})});
  CHECK(state.transactions().find(tx_id(1))->halves.size() == 2);
  CHECK(state.transactions().counts().prepared == 5);
}

TEST_CASE("a rollback drops the halves and remembers the outcome") {
  auto state = with_queue();
  state.apply(unix_ms{5}, {prepared_of(1, {half_of(queue_a, shard_id{0}, 1, 3)})});
  state.apply(unix_ms{6}, {effects::tx_ended{tx_id(1), false, {}}});
  const auto& table = state.transactions();
  CHECK(table.bytes() == 0);
  CHECK(table.open() == 0);
  CHECK(table.counts().rolled_back == 3);
  REQUIRE(table.find(tx_id(1)) != nullptr);
  CHECK(table.find(tx_id(1))->record.state == transaction_state::rolled_back);
  // Its end is final.
  state.apply(unix_ms{7}, {effects::tx_ended{tx_id(1), true, {}}});
  CHECK(table.counts().committed == 0);
}

TEST_CASE("a commit keeps what other shards owe until each has confirmed") {
  auto state = with_queue();
  state.apply(unix_ms{5}, {prepared_of(1, {half_of(queue_a, shard_id{0}, 1, 1),
                                           half_of(queue_b, shard_id{1}, 2, 1),
                                           half_of(queue_b, shard_id{2}, 3, 1)})});
  state.apply(unix_ms{6}, {effects::tx_ended{tx_id(1), true, {shard_id{1}, shard_id{2}}}});
  const auto& table = state.transactions();
  CHECK(table.find(tx_id(1))->halves.size() == 2);
  const auto parts = table.parts_for(shard_id{1}, 10, 1'000);
  REQUIRE(parts.size() == 1);
  CHECK(parts[0].serial == 1);
  REQUIRE(parts[0].halves.size() == 1);
  CHECK(parts[0].halves[0].first == sequence{2});
  state.apply(unix_ms{7}, {effects::tx_applied{shard_id{0}, shard_id{1}, 1, true}});
  CHECK(table.parts_for(shard_id{1}, 10, 1'000).empty());
  CHECK(table.parts_for(shard_id{2}, 10, 1'000).size() == 1);
  state.apply(unix_ms{8}, {effects::tx_applied{shard_id{0}, shard_id{2}, 1, true}});
  CHECK(table.bytes() == 0);
  CHECK(table.find(tx_id(1))->record.owes.empty());
}

TEST_CASE("parts come in the order of their commits, a bounded number at a time") {
  auto state = with_queue();
  for (std::uint64_t n = 1; n <= 5; ++n) {
    state.apply(unix_ms{1}, {prepared_of(n, {half_of(queue_b, shard_id{1}, n * 10, 1)})});
    state.apply(unix_ms{1}, {effects::tx_ended{tx_id(n), true, {shard_id{1}}}});
  }
  const auto& table = state.transactions();
  const auto two = table.parts_for(shard_id{1}, 2, 1'000'000);
  REQUIRE(two.size() == 2);
  CHECK(two[0].serial == 1);
  CHECK(two[1].serial == 2);
  CHECK(table.parts_for(shard_id{1}, 100, 1).size() == 1);
  state.apply(unix_ms{2}, {effects::tx_applied{shard_id{0}, shard_id{1}, 2, true}});
  CHECK(table.parts_for(shard_id{1}, 100, 1'000'000).front().serial == 3);
}

TEST_CASE("outcomes are remembered up to a limit, the oldest go first") {
  auto state = with_queue();
  const auto one_more = transaction_table::remembered_max + 1;
  for (std::uint64_t n = 1; n <= one_more; ++n) {
    state.apply(unix_ms{1}, {prepared_of(n, {half_of(queue_a, shard_id{0}, 1, 1)})});
    state.apply(unix_ms{1}, {effects::tx_ended{tx_id(n), false, {}}});
  }
  CHECK(state.transactions().find(tx_id(1)) == nullptr);
  CHECK(state.transactions().find(tx_id(2)) != nullptr);
  CHECK(state.transactions().all().size() == transaction_table::remembered_max);
}

TEST_CASE("a commit's batches keep their ids, and are no producer's business") {
  auto state = with_queue();
  std::vector<effects::effect> entry;
  append_commit(entry, state, producer_a,
                {half_of(queue_a, shard_id{0}, 7, 2), half_of(queue_b, shard_id{0}, 9, 1)}, {});
  REQUIRE(entry.size() == 1); // Queue b is not there.
  const auto& batch = std::get<effects::batch>(entry[0]);
  CHECK(batch.producer == producer_a);
  CHECK(batch.first == sequence{7});
  CHECK(batch.transacted);
  state.apply(unix_ms{2}, entry);
  CHECK(state.queue(queue_a)->next == offset{2});
  CHECK(state.producers() == 0);
}

TEST_CASE("what was acknowledged before makes a commit too late, also while it is in flight") {
  auto state = with_queue();
  state.apply(unix_ms{2}, {batch_of(queue_a, 0, 10, producer_a, 1)});
  const std::vector<consumed_messages> shared{
    {group_a, false, queue_a, shard_id{0}, {{offset{2}, 2}}}};
  const std::vector<consumed_messages> ordered{
    {group_b, true, queue_a, shard_id{0}, {{offset{4}, 2}}}};
  CHECK(check_consumed(state, nothing_in_flight, shared).ok());
  CHECK(check_consumed(state, nothing_in_flight, ordered).ok());
  const auto in_flight = [](const std::function<void(const effects::effect&)>& each) {
    each(effects::settled{group_a, queue_a, {{offset{3}, 1}}});
    each(effects::commit{group_b, queue_a, offset{5}});
  };
  CHECK(check_consumed(state, in_flight, shared).code() == errc::tx_ended);
  CHECK(check_consumed(state, in_flight, ordered).code() == errc::tx_ended);
  std::vector<effects::effect> entry;
  append_commit(entry, state, producer_a, {}, shared);
  append_commit(entry, state, producer_a, {}, ordered);
  REQUIRE(entry.size() == 2);
  CHECK(std::get<effects::commit>(entry[1]).next == offset{6});
  state.apply(unix_ms{3}, entry);
  CHECK(check_consumed(state, nothing_in_flight, shared).code() == errc::tx_ended);
  CHECK(check_consumed(state, nothing_in_flight, ordered).code() == errc::tx_ended);
}

TEST_CASE("no commit acknowledges what is not there yet") {
  auto state = with_queue();
  state.apply(unix_ms{2}, {batch_of(queue_a, 0, 3, producer_a, 1)});
  const std::vector<consumed_messages> beyond{
    {group_a, false, queue_a, shard_id{0}, {{offset{2}, 5}}}};
  CHECK(check_consumed(state, nothing_in_flight, beyond).code() == errc::tx_ended);
  std::vector<effects::effect> entry; // As another shard takes it, which was not asked.
  append_commit(entry, state, producer_a, {}, beyond);
  REQUIRE(entry.size() == 1);
  CHECK(std::get<effects::settled>(entry[0]).ranges == std::vector<offset_range>{{offset{2}, 1}});
}
