#include "actors/core/submit_window.hpp"

#include "actors/core/catalogue_core.hpp"
#include "test/core/builders.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr producer_name_id importer{40};
constexpr std::size_t producers_max = 4;

effects::producer_put holder(std::uint32_t epoch, bool forgotten = false) {
  return {{importer, "importer", epoch, unix_ms{1}, unix_ms{2}}, forgotten};
}

/// A shard that stores at once, or later, what its window lets through.
struct named_shard {
  shard_state state{1'000'000};
  submit_window window{state, producers_max, 5};
  std::uint64_t index = 0;
  std::int64_t now = 100;

  named_shard() {
    state.apply(unix_ms{1}, {effects::queue_opened{queue_a, topic_a, 50},
                             effects::queue_opened{queue_b, topic_a}});
  }
  void put(const effects::producer_put& effect) {
    window.submitted(effect);
    apply(effect);
  }
  void apply(const effects::effect& effect) {
    state.apply(unix_ms{now}, {effect});
    if (const auto* batch = std::get_if<effects::batch>(&effect)) window.applied(*batch);
    if (const auto* producer = std::get_if<effects::producer_put>(&effect))
      window.applied(*producer);
  }
  /// In flight from now on.
  effects::batch submit(const batch_request& request) {
    auto stamped = window.check(request, unix_ms{now});
    REQUIRE(stamped);
    auto effect = std::get<stamp_fresh>(*stamped).effect;
    window.submitted(effect, entry_index{++index});
    return effect;
  }
  void store(const batch_request& request) { apply(submit(request)); }
  errc refusal(const batch_request& request) { return window.check(request, unix_ms{now}).code(); }
};

/// Two messages of the name's holder, by a producer id of its own.
batch_request numbered(std::uint32_t epoch, std::uint64_t first, std::uint64_t producer = 1,
                       std::uint64_t sent = 1, std::uint64_t previous = 0) {
  auto request = request_of(queue_a, producer_id{producer}, sent, previous, 2);
  request.named = {importer, epoch, sequence{first}, sequence{first + 1}, 2};
  return request;
}

batch_request with_ids(std::uint64_t producer, id_digests ids) {
  const auto count = static_cast<std::uint32_t>(ids.size());
  auto request = request_of(queue_a, producer_id{producer}, 1, 0, count);
  request.ids = std::move(ids);
  return request;
}

} // namespace

TEST_CASE("Only the last holder of a name may send, and nobody once it is forgotten") {
  named_shard shard;
  CHECK(shard.refusal(numbered(1, 1)) == errc::producer_fenced);
  shard.put(holder(1));
  shard.store(numbered(1, 1));
  shard.put(holder(2));
  CHECK(shard.refusal(numbered(1, 3, 1, 3, 2)) == errc::producer_fenced);
  CHECK(shard.refusal(numbered(1, 1)) == errc::producer_fenced); // Not even a retry.
  CHECK(shard.refusal(numbered(3, 3, 2)) == errc::producer_fenced);
  shard.store(numbered(2, 3, 2));
  shard.put(holder(2, true));
  CHECK(shard.refusal(numbered(2, 5, 2, 3, 2)) == errc::producer_fenced);
  CHECK(shard.state.named_rows() == 0);
}

TEST_CASE("A holder is fenced from the moment that the next one's entry is on its way") {
  named_shard shard;
  shard.put(holder(1));
  shard.window.submitted(holder(2));
  CHECK(shard.refusal(numbered(1, 1)) == errc::producer_fenced);
  CHECK_FALSE(shard.refusal(numbered(2, 1)) == errc::producer_fenced);
  shard.window.clear(); // It was lost with the log's tail.
  shard.store(numbered(1, 1));
}

TEST_CASE("What an earlier life stored is recognised by its numbers, once it is stored") {
  named_shard shard;
  shard.put(holder(1));
  const auto first = shard.submit(numbered(1, 10));
  // It may be lost yet.
  CHECK(shard.refusal(numbered(1, 10, 2)) == errc::too_many_requests);
  CHECK(shard.refusal(numbered(1, 11, 2)) == errc::too_many_requests);
  shard.apply(first);
  CHECK(shard.refusal(numbered(1, 10, 2)) == errc::duplicate_too_old);
  CHECK(shard.refusal(numbered(1, 11, 2)) == errc::invalid_argument); // One of the two is new.
  shard.put(holder(2));
  CHECK(shard.refusal(numbered(2, 9, 2)) == errc::duplicate_too_old);
  CHECK(shard.refusal(numbered(2, 11, 2)) == errc::invalid_argument);
  CHECK(shard.state.named({importer, queue_a})->last == sequence{11});
  shard.store(numbered(2, 12, 2));
  CHECK(shard.state.named({importer, queue_a})->last == sequence{13});
  // Another queue has numbers of its own.
  CHECK(shard.state.named({importer, queue_b}) == nullptr);
}

TEST_CASE("Retries of one life find their receipts before numbers are looked at") {
  named_shard shard;
  shard.put(holder(1));
  const auto sent = shard.submit(numbered(1, 1));
  CHECK(std::holds_alternative<stamp_joins>(*shard.window.check(numbered(1, 1))));
  shard.apply(sent);
  CHECK(std::holds_alternative<stamp_committed>(*shard.window.check(numbered(1, 1))));
}

TEST_CASE("Numbers and spread of a name are checked") {
  named_shard shard;
  shard.put(holder(1));
  auto request = numbered(1, 1);
  request.named.last = sequence{1}; // Two messages have two numbers.
  CHECK(shard.refusal(request) == errc::invalid_argument);
  request = numbered(1, 0);
  CHECK(shard.refusal(request) == errc::invalid_argument);
  request = numbered(1, 1);
  request.named.spread = 0;
  CHECK(shard.refusal(request) == errc::invalid_argument);
  shard.store(numbered(1, 1));
  request = numbered(1, 3, 1, 3, 2);
  request.named.spread = 3;
  CHECK(shard.refusal(request) == errc::invalid_argument);
}

TEST_CASE("Rows of names have a limit of their own, and go with their queue") {
  named_shard shard;
  for (std::uint64_t i = 0; i < producers_max; ++i) {
    auto put = holder(1);
    put.producer.id = producer_name_id{50 + i};
    shard.put(put);
    auto request = numbered(1, 1, 1, 1 + 2 * i, 2 * i);
    request.named.name = put.producer.id;
    shard.store(request);
  }
  shard.put(holder(1));
  CHECK(shard.refusal(numbered(1, 1, 1, 9, 8)) == errc::too_many_producers);
  shard.apply(effects::queue_closed{queue_a});
  CHECK(shard.state.named_rows() == 0);
  CHECK(shard.state.names().size() == producers_max + 1);
}

TEST_CASE("A message of an id that is stored within the window is not stored again") {
  named_shard shard;
  const auto id = id_digest{1, 2};
  const auto other = id_digest{3, 4};
  shard.store(with_ids(1, {{}, id}));
  const auto again = shard.window.check(with_ids(2, {id, other, {}}), unix_ms{shard.now});
  REQUIRE(again);
  const auto& repeated = std::get<stamp_repeated>(*again);
  CHECK(repeated.messages == std::vector<frames::duplicate>{{0, offset{1}, false}});
  CHECK(repeated.after == entry_index{0});
  // Another queue, or a later time.
  auto elsewhere = with_ids(2, {id});
  elsewhere.queue = queue_b;
  shard.store(elsewhere);
  CHECK(shard.state.ids().size() == 1); // There ids do not matter.
  shard.now += 50;
  shard.store(with_ids(2, {id}));
  CHECK(shard.state.ids().size() == 1);
}

TEST_CASE("A message of an id that is in flight is told once that one is stored") {
  named_shard shard;
  const auto id = id_digest{1, 2};
  const auto first = shard.submit(with_ids(1, {{}, id}));
  const auto again = shard.window.check(with_ids(2, {id}), unix_ms{shard.now});
  REQUIRE(again);
  CHECK(std::get<stamp_repeated>(*again).after == entry_index{1});
  CHECK(std::get<stamp_repeated>(*again).messages[0].at == offset{1});
  // The batch itself, sent again, is a retry.
  CHECK(std::holds_alternative<stamp_joins>(*shard.window.check(with_ids(1, {{}, id}))));
  shard.apply(first);
  CHECK(std::holds_alternative<stamp_committed>(*shard.window.check(with_ids(1, {{}, id}))));
}

TEST_CASE("Ids of a shard have a limit, and two of one batch differ") {
  named_shard shard;
  CHECK(shard.refusal(with_ids(1, {{1, 1}, {1, 1}})) == errc::invalid_argument);
  shard.store(with_ids(1, {{1, 1}, {2, 2}, {3, 3}}));
  const auto flight = shard.submit(with_ids(2, {{4, 4}}));
  CHECK(shard.refusal(with_ids(3, {{5, 5}, {6, 6}})) == errc::too_many_ids);
  shard.apply(flight);
  CHECK(shard.refusal(with_ids(3, {{5, 5}, {6, 6}})) == errc::too_many_ids);
  shard.now += 50;
  shard.apply(effects::queue_start{queue_a, offset{0}}); // Time has passed.
  CHECK(shard.refusal(with_ids(3, {{5, 5}, {6, 6}})) == errc::none);
}

TEST_CASE(
  "Opening a name raises its epoch in every shard, and forgetting it ends it in every one") {
  catalogue_core catalogue{{10, 10, 10, 1, 10, 2}, {}, {}, 7};
  const std::vector<shard_id> shards{shard_id{0}, shard_id{1}, shard_id{1'000}};
  const auto first = catalogue.open_producer("importer", shards, unix_ms{5});
  REQUIRE(first);
  CHECK(first->producer->id == producer_name_id{7});
  CHECK(first->producer->epoch == 1);
  CHECK(first->entry.size() == 1);
  CHECK(first->follow_ups.size() == 2);
  catalogue.apply(*first);
  const auto second = catalogue.open_producer("importer", shards, unix_ms{6});
  REQUIRE(second);
  CHECK(second->producer->id == producer_name_id{7});
  CHECK(second->producer->epoch == 2);
  CHECK(second->producer->created == unix_ms{5});
  catalogue.apply(*second);
  CHECK(catalogue.open_producer("-x", shards, unix_ms{6}).code() == errc::invalid_argument);
  catalogue.apply(*catalogue.open_producer("other", shards, unix_ms{7}));
  CHECK(catalogue.open_producer("third", shards, unix_ms{7}).code() == errc::too_many_names);
  CHECK(catalogue.known_producers().size() == 2);

  // A shard that missed some of it is told at the next start.
  catalogue_core::inventory there;
  there.producers = {{producer_name_id{7}, 1}, {producer_name_id{99}, 4}};
  const auto repairs = catalogue.repairs(shard_id{1}, there);
  REQUIRE(repairs.size() == 3);
  CHECK(std::get<effects::producer_put>(repairs[0]).forgotten);
  CHECK(std::get<effects::producer_put>(repairs[0]).producer.id == producer_name_id{99});
  CHECK(std::get<effects::producer_put>(repairs[1]).producer.epoch == 2);

  const auto gone = catalogue.forget_producer("importer", shards);
  REQUIRE(gone);
  catalogue.apply(*gone);
  CHECK(catalogue.forget_producer("importer", shards).code() == errc::not_found);
  const auto anew = catalogue.open_producer("importer", shards, unix_ms{9});
  REQUIRE(anew);
  CHECK(anew->producer->id == producer_name_id{9});
  CHECK(anew->producer->epoch == 1);
}

TEST_CASE("A changed dedup window is told to each queue of the topic, at the next start too") {
  catalogue_core catalogue{{10, 10, 10, 1}, {}, {}, 7};
  frames::topic_create wish;
  wish.name = "orders";
  wish.queues = 2;
  catalogue.apply(*catalogue.create_topic(wish, unix_ms{1}));
  frames::topic_alter alter;
  alter.name = "orders";
  alter.dedup_window_ms = 60'000;
  const auto altered = catalogue.alter_topic(alter);
  REQUIRE(altered);
  CHECK(altered->topic.settings.dedup_window_ms == 60'000);
  CHECK(altered->entry.size() == 3);
  CHECK(std::get<effects::queue_opened>(altered->entry[1]).dedup_window_ms == 60'000);
  catalogue.apply(*altered);
  catalogue_core::inventory there;
  for (const auto& place : altered->topic.queues) there.queues.push_back(place.queue);
  there.dedup_windows = {{there.queues[0], 60'000}, {there.queues[1], 1}};
  const auto repairs = catalogue.repairs(shard_id{0}, there);
  REQUIRE(repairs.size() == 1);
  CHECK(std::get<effects::queue_opened>(repairs[0]).queue == there.queues[1]);
  alter.dedup_window_ms = std::uint64_t{31} * 86'400'000;
  CHECK(catalogue.alter_topic(alter).code() == errc::invalid_argument);
}
