#include "actors/core/submit_window.hpp"

#include "test/core/builders.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::uint64_t expiry_ms = 1'000;
constexpr std::size_t producers_max = 3;

/// A committed state with a window in front of it, as a shard has them.
struct fixture {
  shard_state state{expiry_ms};
  submit_window window{state, producers_max};
  std::uint64_t index = 0;
  std::int64_t now = 100;

  fixture() {
    apply({effects::queue_opened{queue_a, topic_a}, effects::queue_opened{queue_b, topic_a}});
  }

  void apply(const std::vector<effects::effect>& effects) {
    state.apply(unix_ms{now}, effects);
    for (const auto& effect : effects)
      if (const auto* batch = std::get_if<effects::batch>(&effect)) window.applied(*batch);
  }

  effects::batch submit(const batch_request& request) {
    const auto stamped = window.check(request);
    REQUIRE(stamped.ok());
    REQUIRE(std::holds_alternative<stamp_fresh>(*stamped));
    auto effect = std::get<stamp_fresh>(*stamped).effect;
    window.submitted(effect, entry_index{++index});
    return effect;
  }

  void commit(const batch_request& request) { apply({submit(request)}); }

  [[nodiscard]] errc refusal(const batch_request& request) const {
    return window.check(request).code();
  }
};

} // namespace

TEST_CASE("A fresh batch gets the queue's next offset and everything of its request") {
  fixture f;
  f.commit(request_of(queue_a, producer_a, 1, 0, 5));
  auto request = request_of(queue_a, producer_a, 9, 5, 3);
  request.compression = codec::zstd;
  request.checksum = 77;
  request.bytes = shared_bytes::copy_of(as_bytes("body"));
  const auto effect = f.submit(request);
  CHECK(effect.queue == queue_a);
  CHECK(effect.base == offset{5});
  CHECK(effect.count == 3);
  CHECK(effect.producer == producer_a);
  CHECK(effect.first == sequence{9});
  CHECK(effect.compression == codec::zstd);
  CHECK(effect.checksum == 77);
  CHECK(effect.bytes.text() == "body");
}

TEST_CASE("Offsets count what is in flight, queue by queue") {
  fixture f;
  CHECK(f.submit(request_of(queue_a, producer_a, 1, 0, 5)).base == offset{0});
  CHECK(f.submit(request_of(queue_a, producer_b, 1, 0, 2)).base == offset{5});
  CHECK(f.submit(request_of(queue_b, producer_a, 6, 0, 9)).base == offset{0});
  CHECK(f.submit(request_of(queue_a, producer_a, 15, 5, 1)).base == offset{7});
}

TEST_CASE("What cannot be a batch is refused") {
  fixture f;
  constexpr auto top = std::numeric_limits<std::uint64_t>::max();
  CHECK(f.refusal(request_of(queue_id{99}, producer_a, 1, 0)) == errc::queue_unknown);
  CHECK(f.refusal(request_of(queue_a, producer_id{0}, 1, 0)) == errc::invalid_argument);
  CHECK(f.refusal(request_of(queue_a, producer_a, 0, 0)) == errc::invalid_argument);
  CHECK(f.refusal(request_of(queue_a, producer_a, 1, 0, 0)) == errc::invalid_argument);
  CHECK(f.refusal(request_of(queue_a, producer_a, 3, 3)) == errc::invalid_argument);
  CHECK(f.refusal(request_of(queue_a, producer_a, 3, 4)) == errc::invalid_argument);
  CHECK(f.refusal(request_of(queue_a, producer_a, top, 0, 2)) == errc::invalid_argument);
  CHECK(f.refusal(request_of(queue_a, producer_a, top - 1, 0, 1)) == errc::none);
}

TEST_CASE("A retry of a batch in flight joins it") {
  fixture f;
  f.commit(request_of(queue_a, producer_b, 1, 0, 7));
  f.submit(request_of(queue_a, producer_a, 1, 0, 5));
  const auto stamped = f.window.check(request_of(queue_a, producer_a, 1, 0, 5));
  REQUIRE(stamped.ok());
  REQUIRE(std::holds_alternative<stamp_joins>(*stamped));
  CHECK(std::get<stamp_joins>(*stamped).index == entry_index{2});
  CHECK(std::get<stamp_joins>(*stamped).base == offset{7});
}

TEST_CASE("A retry of a committed batch gets the first receipt again, also with others in flight") {
  fixture f;
  f.commit(request_of(queue_a, producer_b, 1, 0, 4));
  f.now = 150;
  f.commit(request_of(queue_a, producer_a, 1, 0, 5));
  f.now = 180;
  f.commit(request_of(queue_a, producer_a, 6, 5, 1));
  f.submit(request_of(queue_a, producer_a, 7, 6, 1));
  const auto stamped = f.window.check(request_of(queue_a, producer_a, 1, 0, 5));
  REQUIRE(stamped.ok());
  REQUIRE(std::holds_alternative<stamp_committed>(*stamped));
  const auto& receipt = std::get<stamp_committed>(*stamped);
  CHECK(receipt.base == offset{4});
  CHECK(receipt.count == 5);
  CHECK(receipt.time == unix_ms{150});
}

TEST_CASE("A sequence that does not follow the last known one is refused") {
  fixture f;
  CHECK(f.refusal(request_of(queue_a, producer_a, 6, 5)) == errc::producer_unknown);
  f.commit(request_of(queue_a, producer_a, 1, 0, 5));
  CHECK(f.refusal(request_of(queue_a, producer_a, 9, 8)) == errc::sequence_gap);
  CHECK(f.refusal(request_of(queue_a, producer_a, 9, 0)) == errc::sequence_gap);
  CHECK(f.refusal(request_of(queue_a, producer_a, 3, 2)) == errc::duplicate_too_old);
  CHECK(f.refusal(request_of(queue_a, producer_a, 1, 0, 4)) == errc::duplicate_too_old);
  f.submit(request_of(queue_a, producer_a, 9, 5, 2));
  CHECK(f.refusal(request_of(queue_a, producer_a, 11, 5)) == errc::sequence_gap);
  // It is being stored, and may be lost yet.
  CHECK(f.refusal(request_of(queue_a, producer_a, 10, 5)) == errc::too_many_requests);
  CHECK(f.refusal(request_of(queue_a, producer_a, 4, 3)) == errc::duplicate_too_old);
  CHECK(f.refusal(request_of(queue_a, producer_a, 11, 10)) == errc::none);
}

TEST_CASE("Receipts are remembered for producer_window batches and no longer") {
  fixture f;
  for (std::uint64_t i = 1; i <= producer_window + 1; ++i)
    f.commit(request_of(queue_a, producer_a, i, i - 1));
  CHECK(f.refusal(request_of(queue_a, producer_a, 1, 0)) == errc::duplicate_too_old);
  CHECK(std::holds_alternative<stamp_committed>(
    *f.window.check(request_of(queue_a, producer_a, 2, 1))));
}

TEST_CASE("A producer has at most producer_window batches in flight on a queue") {
  fixture f;
  std::vector<effects::batch> flight;
  for (std::uint64_t i = 1; i <= producer_window; ++i)
    flight.push_back(f.submit(request_of(queue_a, producer_a, i, i - 1)));
  const auto next = request_of(queue_a, producer_a, producer_window + 1, producer_window);
  CHECK(f.refusal(next) == errc::too_many_requests);
  CHECK(
    std::holds_alternative<stamp_joins>(*f.window.check(request_of(queue_a, producer_a, 1, 0))));
  CHECK(f.refusal(request_of(queue_b, producer_a, 50, 0)) == errc::none);
  CHECK(f.refusal(request_of(queue_a, producer_b, 1, 0)) == errc::none);
  f.apply({flight.front()});
  CHECK(f.refusal(next) == errc::none);
}

TEST_CASE("Producers in flight count against producers_max, those known do not count twice") {
  fixture f;
  f.commit(request_of(queue_a, producer_id{1}, 1, 0));
  f.submit(request_of(queue_a, producer_id{1}, 2, 1));
  f.submit(request_of(queue_a, producer_id{2}, 1, 0));
  f.submit(request_of(queue_b, producer_id{1}, 3, 0));
  CHECK(f.refusal(request_of(queue_b, producer_id{2}, 2, 0)) == errc::too_many_producers);
  CHECK(f.refusal(request_of(queue_b, producer_id{1}, 4, 3)) == errc::none);
  f.window.clear();
  f.submit(request_of(queue_a, producer_id{2}, 1, 0));
  CHECK(f.refusal(request_of(queue_b, producer_id{2}, 2, 0)) == errc::none);
}

TEST_CASE("A producer that expires while it has a batch in flight still counts") {
  fixture f;
  f.commit(request_of(queue_a, producer_id{1}, 1, 0));
  const auto late = f.submit(request_of(queue_a, producer_id{1}, 2, 1));
  f.now += expiry_ms + 1;
  f.apply({});
  REQUIRE(f.state.producers() == 0);
  f.submit(request_of(queue_a, producer_id{2}, 1, 0));
  f.submit(request_of(queue_a, producer_id{3}, 1, 0));
  CHECK(f.refusal(request_of(queue_a, producer_id{4}, 1, 0)) == errc::too_many_producers);
  f.apply({late});
  CHECK(f.refusal(request_of(queue_a, producer_id{4}, 1, 0)) == errc::too_many_producers);
  CHECK(f.refusal(request_of(queue_a, producer_id{1}, 3, 2)) == errc::none);
}

TEST_CASE("Batches of a queue that closes while they are in flight leave the window with it") {
  fixture f;
  const auto first = f.submit(request_of(queue_a, producer_a, 1, 0));
  const auto second = f.submit(request_of(queue_a, producer_a, 2, 1));
  f.apply({effects::queue_closed{queue_a}});
  CHECK(f.refusal(request_of(queue_a, producer_a, 1, 0)) == errc::queue_unknown);
  f.apply({first});
  f.apply({second});
  CHECK(f.state.producers() == 0);
  for (std::uint64_t p = 1; p <= producers_max; ++p)
    f.submit(request_of(queue_b, producer_id{p}, 10, 0));
}

TEST_CASE("Clearing forgets what is in flight and keeps what is committed") {
  fixture f;
  f.commit(request_of(queue_a, producer_a, 1, 0, 5));
  f.submit(request_of(queue_a, producer_a, 6, 5, 5));
  f.submit(request_of(queue_a, producer_b, 1, 0, 5));
  f.window.clear();
  CHECK(f.submit(request_of(queue_a, producer_a, 6, 5, 2)).base == offset{5});
}

TEST_CASE("Entries that the window did not submit leave it as it is") {
  fixture f;
  f.apply({batch_of(queue_a, 0, 3, producer_a, 1)});
  CHECK(f.submit(request_of(queue_a, producer_a, 4, 3)).base == offset{3});
}
