#include "actors/core/queue_core.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr reader_id reader_a{1};
constexpr reader_id reader_b{2};
constexpr std::uint64_t plenty = 1'000'000;

batch_span span_of(std::uint64_t base, std::uint32_t count, std::uint64_t bytes = 100) {
  return {offset{base}, count, bytes};
}

std::vector<std::size_t> delivered(const queue_core::effects& effects, reader_id to) {
  std::vector<std::size_t> out;
  for (const auto& effect : effects)
    if (const auto* d = std::get_if<queue_core::deliver>(&effect); d != nullptr && d->reader == to)
      out.push_back(d->batch);
  return out;
}

template <class Effect>
const Effect& only(const queue_core::effects& effects) {
  REQUIRE(effects.size() == 1);
  REQUIRE(std::holds_alternative<Effect>(effects.front()));
  return std::get<Effect>(effects.front());
}

} // namespace

TEST_CASE("An offset outside the queue is resolved by the reader's policy") {
  const queue_core core{offset{10}, offset{20}};
  for (const std::uint64_t inside : {10u, 15u, 20u})
    CHECK(core.resolve(offset{inside}, range_policy::error).value() == offset{inside});
  for (const std::uint64_t outside : {0u, 9u, 21u}) {
    CHECK(core.resolve(offset{outside}, range_policy::error).code() == errc::offset_out_of_range);
    CHECK(core.resolve(offset{outside}, range_policy::earliest).value() == offset{10});
    CHECK(core.resolve(offset{outside}, range_policy::latest).value() == offset{20});
  }
}

TEST_CASE("A reader at the end gets new batches from the commit, without a read") {
  queue_core core{offset{0}, offset{5}};
  core.add(reader_a, offset{5});
  CHECK(core.demand(reader_a, plenty).empty());
  const std::vector batches{span_of(5, 3), span_of(8, 1)};
  const auto effects = core.committed(offset{0}, batches);
  CHECK(delivered(effects, reader_a) == std::vector<std::size_t>{0, 1});
  CHECK(effects.size() == 2);
  CHECK(core.next() == offset{9});
}

TEST_CASE("A reader without demand gets nothing until it asks, then from a read") {
  queue_core core{offset{0}, offset{0}};
  core.add(reader_a, offset{0});
  const std::vector batches{span_of(0, 3)};
  CHECK(only<queue_core::want>(core.committed(offset{0}, batches)).bytes == 100);
  const auto effects = core.demand(reader_a, 150);
  const auto& read = only<queue_core::read>(effects);
  CHECK(read.reader == reader_a);
  CHECK(read.from == offset{0});
  CHECK(read.bytes_max == 150);
}

TEST_CASE("Delivery stops before a batch that is larger than the demand, which comes back") {
  queue_core core{offset{0}, offset{0}};
  core.add(reader_a, offset{0});
  CHECK(core.demand(reader_a, 150).empty());
  const std::vector batches{span_of(0, 1), span_of(1, 1, 80), span_of(2, 1)};
  const auto effects = core.committed(offset{0}, batches);
  CHECK(delivered(effects, reader_a) == std::vector<std::size_t>{0});
  REQUIRE(effects.size() == 2);
  const auto& want = std::get<queue_core::want>(effects.back());
  CHECK(want.bytes == 80);
  CHECK(want.returned == 50);
  // It is told once.
  const std::vector more{span_of(3, 1)};
  CHECK(core.committed(offset{0}, more).empty());
  CHECK(only<queue_core::want>(core.demand(reader_a, 79)).returned == 79);
  CHECK(only<queue_core::read>(core.demand(reader_a, 80)).from == offset{1});
}

TEST_CASE("A read that brings a batch larger than the demand tells how large it is") {
  queue_core core{offset{0}, offset{10}};
  core.add(reader_a, offset{0});
  CHECK(core.demand(reader_a, 1).size() == 1);
  const std::vector batches{span_of(0, 10, 500)};
  CHECK(only<queue_core::want>(core.read_done(reader_a, batches)).bytes == 500);
  CHECK(core.demand(reader_a, 500).size() == 1);
  CHECK(delivered(core.read_done(reader_a, batches), reader_a) == std::vector<std::size_t>{0});
}

TEST_CASE("What was asked for by a guess and is left over at the end comes back") {
  queue_core core{offset{0}, offset{30}};
  core.add(reader_a, offset{0});
  CHECK(core.demand(reader_a, 550).size() == 1);
  const std::vector large{span_of(0, 10, 500)};
  const auto effects = core.read_done(reader_a, large);
  REQUIRE(effects.size() == 2);
  CHECK(std::get<queue_core::want>(effects.back()).bytes == 500);
  CHECK(core.demand(reader_a, 500).size() == 1);
  const std::vector little{span_of(10, 20, 100)};
  const auto rest = core.read_done(reader_a, little);
  REQUIRE(rest.size() == 2);
  CHECK(std::get<queue_core::want>(rest.back()).bytes == 0);
  CHECK(std::get<queue_core::want>(rest.back()).returned == 400);
}

TEST_CASE("A reader has one read under way at a time, and goes on where it ended") {
  queue_core core{offset{0}, offset{10}};
  core.add(reader_a, offset{0});
  CHECK(core.demand(reader_a, plenty).size() == 1);
  CHECK(core.demand(reader_a, plenty).empty());
  const std::vector fresh{span_of(10, 5)};
  CHECK(core.committed(offset{0}, fresh).empty());
  const std::vector old{span_of(0, 4), span_of(4, 6)};
  const auto effects = core.read_done(reader_a, old);
  CHECK(delivered(effects, reader_a) == std::vector<std::size_t>{0, 1});
  REQUIRE(effects.size() == 3);
  CHECK(std::get<queue_core::read>(effects.back()).from == offset{10});
}

TEST_CASE("A batch that holds the reader's offset is delivered whole, earlier ones are not") {
  queue_core core{offset{0}, offset{10}};
  core.add(reader_a, offset{6});
  CHECK(core.demand(reader_a, plenty).size() == 1);
  const std::vector batches{span_of(0, 4), span_of(4, 6)};
  CHECK(delivered(core.read_done(reader_a, batches), reader_a) == std::vector<std::size_t>{1});
}

TEST_CASE("Readers do not depend on each other") {
  queue_core core{offset{0}, offset{5}};
  core.add(reader_a, offset{5});
  core.add(reader_b, offset{0});
  CHECK(core.demand(reader_a, plenty).empty());
  CHECK(core.demand(reader_b, plenty).size() == 1);
  const std::vector batches{span_of(5, 1)};
  const auto effects = core.committed(offset{0}, batches);
  CHECK(delivered(effects, reader_a) == std::vector<std::size_t>{0});
  CHECK(delivered(effects, reader_b).empty());
  core.remove(reader_a);
  CHECK(core.readers() == 1);
  CHECK(core.demand(reader_a, plenty).empty());
}

TEST_CASE("A reader that retention has passed is ended") {
  queue_core core{offset{0}, offset{10}};
  core.add(reader_a, offset{3});
  core.add(reader_b, offset{4});
  CHECK(core.demand(reader_b, plenty).size() == 1);
  const auto effects = core.committed(offset{4}, {});
  const auto& end = only<queue_core::end>(effects);
  CHECK(end.reader == reader_a);
  CHECK(end.why.code == errc::offset_out_of_range);
  CHECK(core.readers() == 1);
  CHECK(core.start() == offset{4});
}

TEST_CASE("What a read brings for a reader that is gone is dropped") {
  queue_core core{offset{0}, offset{10}};
  core.add(reader_a, offset{0});
  CHECK(core.demand(reader_a, plenty).size() == 1);
  core.remove(reader_a);
  const std::vector batches{span_of(0, 10)};
  CHECK(core.read_done(reader_a, batches).empty());
  CHECK(core.read_failed(reader_a, errc::storage_failed).empty());
}

TEST_CASE("A read that fails ends its reader with the reason") {
  queue_core core{offset{0}, offset{10}};
  core.add(reader_a, offset{0});
  CHECK(core.demand(reader_a, plenty).size() == 1);
  const auto effects = core.read_failed(reader_a, {errc::storage_corrupt, "entry 7"});
  CHECK(only<queue_core::end>(effects).why == failure{errc::storage_corrupt, "entry 7"});
  CHECK(core.readers() == 0);
}

TEST_CASE("A read without use ends its reader instead of being repeated for ever") {
  const std::vector<std::vector<batch_span>> useless{{}, {span_of(0, 2)}, {span_of(5, 5)}};
  for (const auto& batches : useless) {
    queue_core core{offset{0}, offset{10}};
    core.add(reader_a, offset{2});
    CHECK(core.demand(reader_a, plenty).size() == 1);
    const auto effects = core.read_done(reader_a, batches);
    CHECK(only<queue_core::end>(effects).why.code == errc::storage_corrupt);
  }
}

TEST_CASE("Demand has a ceiling, whatever a client asks for") {
  queue_core core{offset{0}, offset{0}};
  core.add(reader_a, offset{0});
  constexpr auto all = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < 10'000'000; ++i) (void)core.demand(reader_a, all);
  const std::vector batches{span_of(0, 1, std::uint64_t{1} << 40), span_of(1, 1)};
  const auto effects = core.committed(offset{0}, batches);
  CHECK(delivered(effects, reader_a) == std::vector<std::size_t>{0});
  CHECK(std::get<queue_core::want>(effects.back()).returned == 0);
}
