#include "actors/core/shard_state.hpp"

#include "actors/core/row_key.hpp"
#include "test/core/builders.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::uint64_t expiry_ms = 1'000;

/// A state with `queue_a` and `queue_b` open at time 100.
shard_state opened() {
  shard_state state{expiry_ms};
  state.apply(unix_ms{100},
              {effects::queue_opened{queue_a, topic_a}, effects::queue_opened{queue_b, topic_a}});
  return state;
}

std::set<std::string> dirty_keys(shard_state& state) {
  std::set<std::string> keys;
  for (const auto& delta : state.take_deltas()) keys.insert(delta.key);
  return keys;
}

/// The state that a checkpoint of `from` loads to.
shard_state reloaded(shard_state& from) {
  shard_state to{expiry_ms};
  for (const auto& delta : from.take_deltas())
    if (delta.value) REQUIRE(to.load(delta.key, *delta.value).ok());
  to.loaded(from.time());
  return to;
}

queue_record record_of(std::uint64_t next, std::int64_t last_ms) {
  queue_record out;
  out.topic = topic_a;
  out.next = offset{next};
  out.last_time = unix_ms{last_ms};
  return out;
}

} // namespace

TEST_CASE("An opened queue begins at offset 0 and opening it again changes nothing") {
  auto state = opened();
  REQUIRE(state.queue(queue_a) != nullptr);
  CHECK(*state.queue(queue_a) == record_of(0, 0));
  state.apply(unix_ms{110}, {batch_of(queue_a, 0, 5, producer_a, 1)});
  state.apply(unix_ms{120}, {effects::queue_opened{queue_a, topic_a}});
  CHECK(state.queue(queue_a)->next == offset{5});
}

TEST_CASE("A batch moves its queue and its producer on") {
  auto state = opened();
  state.apply(unix_ms{150}, {batch_of(queue_a, 0, 5, producer_a, 1)});
  state.apply(unix_ms{160}, {batch_of(queue_a, 5, 2, producer_a, 9)});
  CHECK(*state.queue(queue_a) == record_of(7, 160));
  CHECK(state.queue(queue_b)->next == offset{0});
  const auto* producer = state.producer({producer_a, queue_a});
  REQUIRE(producer != nullptr);
  CHECK(producer->last == sequence{10});
  CHECK(producer->last_time == unix_ms{160});
  CHECK(producer->recent == std::vector<recent_batch>{{sequence{1}, 5, offset{0}, unix_ms{150}},
                                                      {sequence{9}, 2, offset{5}, unix_ms{160}}});
  CHECK(state.producer({producer_a, queue_b}) == nullptr);
  CHECK(state.producers() == 1);
}

TEST_CASE("The receipts of the newest producer_window batches are remembered") {
  auto state = opened();
  for (std::uint64_t i = 0; i < producer_window + 3; ++i)
    state.apply(unix_ms{200}, {batch_of(queue_a, i, 1, producer_a, i + 1)});
  const auto& recent = state.producer({producer_a, queue_a})->recent;
  REQUIRE(recent.size() == producer_window);
  CHECK(recent.front().first == sequence{4});
  CHECK(recent.back().first == sequence{producer_window + 3});
}

TEST_CASE("A batch for a closed queue is gone with it") {
  auto state = opened();
  state.apply(unix_ms{150}, {effects::queue_closed{queue_a}});
  state.apply(unix_ms{160}, {batch_of(queue_a, 0, 5, producer_a, 1)});
  CHECK(state.queue(queue_a) == nullptr);
  CHECK(state.producers() == 0);
}

TEST_CASE("A commit is kept for an open queue, and may go back") {
  auto state = opened();
  state.apply(unix_ms{150}, {effects::commit{group_a, queue_a, offset{7}}});
  CHECK(*state.progress({group_a, queue_a}) == progress_record{offset{7}, unix_ms{150}});
  state.apply(unix_ms{160}, {effects::commit{group_a, queue_a, offset{3}}});
  CHECK(*state.progress({group_a, queue_a}) == progress_record{offset{3}, unix_ms{160}});
  state.apply(unix_ms{170}, {effects::commit{group_a, queue_id{99}, offset{3}}});
  CHECK(state.progress({group_a, queue_id{99}}) == nullptr);
}

TEST_CASE("Closing a queue drops its producers and its groups' progress, and no others") {
  auto state = opened();
  state.apply(unix_ms{150},
              {batch_of(queue_a, 0, 1, producer_a, 1), batch_of(queue_b, 0, 1, producer_a, 2),
               effects::commit{group_a, queue_a, offset{1}},
               effects::commit{group_a, queue_b, offset{1}}});
  state.apply(unix_ms{160}, {effects::queue_closed{queue_a}});
  CHECK(state.queue(queue_a) == nullptr);
  CHECK(state.producer({producer_a, queue_a}) == nullptr);
  CHECK(state.progress({group_a, queue_a}) == nullptr);
  CHECK(state.queue(queue_b) != nullptr);
  CHECK(state.producer({producer_a, queue_b}) != nullptr);
  CHECK(state.progress({group_a, queue_b}) != nullptr);
}

TEST_CASE("A queue's start rises, never beyond its end") {
  auto state = opened();
  state.apply(unix_ms{150}, {batch_of(queue_a, 0, 10, producer_a, 1)});
  state.apply(unix_ms{160}, {effects::queue_start{queue_a, offset{4}}});
  CHECK(state.queue(queue_a)->start == offset{4});
  state.apply(unix_ms{170}, {effects::queue_start{queue_a, offset{2}}});
  CHECK(state.queue(queue_a)->start == offset{4});
  state.apply(unix_ms{180}, {effects::queue_start{queue_a, offset{99}}});
  CHECK(state.queue(queue_a)->start == offset{10});
  state.apply(unix_ms{190}, {effects::queue_start{queue_id{99}, offset{1}}});
  CHECK(state.queue(queue_id{99}) == nullptr);
}

TEST_CASE("Topics and groups are put, replaced and deleted") {
  shard_state state{expiry_ms};
  const auto first = topic_of(topic_a, "orders", {{queue_a, shard_id{0}}});
  const auto more = topic_of(topic_a, "orders", {{queue_a, shard_id{0}}, {queue_b, shard_id{0}}});
  const auto group = group_of(group_a, "billing", {"orders"});
  state.apply(unix_ms{100}, {effects::topic_put{first}, effects::group_put{group}});
  state.apply(unix_ms{110}, {effects::topic_put{more}});
  CHECK(state.topics().at(topic_a) == more);
  CHECK(state.groups().at(group_a) == group);
  state.apply(unix_ms{120}, {effects::topic_deleted{topic_a}, effects::group_deleted{group_a}});
  CHECK(state.topics().empty());
  CHECK(state.groups().empty());
}

TEST_CASE("Ids are used once, also those of deleted topics, queues and groups") {
  shard_state state{expiry_ms};
  CHECK(state.catalogue().next_id == 1);
  state.apply(unix_ms{100}, {effects::topic_put{
                              topic_of(topic_id{1}, "a", {{queue_id{2}, {}}, {queue_id{3}, {}}})}});
  CHECK(state.catalogue().next_id == 4);
  state.apply(unix_ms{110}, {effects::group_put{group_of(group_id{4}, "g", {"a"})}});
  state.apply(unix_ms{120},
              {effects::topic_deleted{topic_id{1}}, effects::group_deleted{group_id{4}}});
  CHECK(state.catalogue().next_id == 5);
  CHECK(reloaded(state).catalogue().next_id == 5);
}

TEST_CASE("Dropped progress is that of one group on every queue") {
  auto state = opened();
  state.apply(unix_ms{150}, {effects::commit{group_a, queue_a, offset{0}},
                             effects::commit{group_a, queue_b, offset{0}},
                             effects::commit{group_b, queue_a, offset{0}}});
  state.apply(unix_ms{160}, {effects::progress_dropped{group_a}});
  REQUIRE(state.all_progress().size() == 1);
  CHECK(state.progress({group_b, queue_a}) != nullptr);
}

TEST_CASE("Time never falls, whatever an entry says") {
  auto state = opened();
  state.apply(unix_ms{500}, {});
  state.apply(unix_ms{300}, {batch_of(queue_a, 0, 1, producer_a, 1)});
  CHECK(state.time() == unix_ms{500});
  CHECK(state.queue(queue_a)->last_time == unix_ms{500});
}

TEST_CASE("A producer is forgotten when it was idle for longer than the expiry, by entry time") {
  auto state = opened();
  state.apply(unix_ms{200}, {batch_of(queue_a, 0, 1, producer_a, 1)});
  state.apply(unix_ms{700}, {batch_of(queue_a, 1, 1, producer_b, 1)});
  auto later = reloaded(state);
  for (auto* s : {&state, &later}) {
    s->apply(unix_ms{200 + expiry_ms}, {});
    CHECK(s->producers() == 2);
    s->apply(unix_ms{200 + expiry_ms + 1}, {});
    CHECK(s->producer({producer_a, queue_a}) == nullptr);
    CHECK(s->producer({producer_b, queue_a}) != nullptr);
    s->apply(unix_ms{700 + expiry_ms + 1}, {});
    CHECK(s->producers() == 0);
  }
}

TEST_CASE("A batch keeps its producer from expiring") {
  auto state = opened();
  state.apply(unix_ms{200}, {batch_of(queue_a, 0, 1, producer_a, 1)});
  state.apply(unix_ms{300}, {batch_of(queue_a, 1, 1, producer_b, 1)});
  state.apply(unix_ms{900}, {batch_of(queue_a, 2, 1, producer_a, 2)});
  state.apply(unix_ms{1'500}, {});
  CHECK(state.producer({producer_b, queue_a}) == nullptr);
  CHECK(state.producer({producer_a, queue_a}) != nullptr);
}

TEST_CASE("Deltas name exactly the rows that changed, once") {
  auto state = opened();
  CHECK(dirty_keys(state) == std::set{row_key::of(queue_a), row_key::of(queue_b)});
  CHECK(dirty_keys(state).empty());
  state.apply(unix_ms{150}, {batch_of(queue_a, 0, 1, producer_a, 1)});
  state.apply(unix_ms{160}, {batch_of(queue_a, 1, 1, producer_a, 2)});
  CHECK(dirty_keys(state) ==
        std::set{row_key::of(queue_a), row_key::of(producer_key{producer_a, queue_a})});
  state.apply(unix_ms{170},
              {effects::queue_start{queue_a, offset{0}}, effects::queue_opened{queue_a, topic_a},
               effects::topic_deleted{topic_id{77}}});
  CHECK(dirty_keys(state).empty());
}

TEST_CASE("The delta of a row that is gone has no value") {
  auto state = opened();
  (void)state.take_deltas();
  state.apply(unix_ms{150}, {effects::queue_closed{queue_a}});
  const auto deltas = state.take_deltas();
  REQUIRE(deltas.size() == 1);
  CHECK(deltas.front().key == row_key::of(queue_a));
  CHECK_FALSE(deltas.front().value.has_value());
}

TEST_CASE("A checkpoint row of unknown kind or with damaged bytes is refused") {
  shard_state state{expiry_ms};
  CHECK(state.load("?", "").code() == errc::format_newer);
  CHECK(state.load("", "").code() == errc::format_newer);
  for (const auto& key : {row_key::of(queue_a), row_key::of(producer_key{producer_a, queue_a}),
                          row_key::of(progress_key{group_a, queue_a}), row_key::of(topic_a),
                          row_key::of(group_a), row_key::catalogue()})
    CHECK(state.load(key, "damaged").code() == errc::storage_corrupt);
}

TEST_CASE("Different states have different hashes") {
  std::set<std::uint64_t> hashes;
  auto state = opened();
  hashes.insert(state.hash());
  const std::vector<effects::effect> steps{
    batch_of(queue_a, 0, 1, producer_a, 1),
    effects::commit{group_a, queue_a, offset{1}},
    effects::commit{group_a, queue_a, offset{0}},
    effects::queue_start{queue_a, offset{1}},
    effects::topic_put{topic_of(topic_a, "orders", {{queue_a, shard_id{0}}})},
    effects::group_put{group_of(group_a, "billing", {"orders"})},
    effects::progress_dropped{group_a},
    effects::group_deleted{group_a},
    effects::topic_deleted{topic_a},
    effects::queue_closed{queue_a},
  };
  for (const auto& step : steps) {
    state.apply(unix_ms{100}, {step});
    hashes.insert(state.hash());
  }
  state.apply(unix_ms{101}, {});
  hashes.insert(state.hash());
  CHECK(hashes.size() == steps.size() + 2);
}
