#include "schema/batch.hpp"
#include "test/e2e/raw_connection.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

namespace carafe::test {
namespace {

/// A batch of `count` messages as a producer sends and repeats it.
frames::produce batch_of(queue_id queue, std::uint64_t first, std::uint32_t count,
                         std::uint64_t previous) {
  batch_builder builder;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto body = "m" + std::to_string(first + i);
    message_view m;
    m.body = body;
    m.born = unix_ms{1};
    must(builder.add(m));
  }
  const auto encoded = must(builder.finish(codec::none));
  return {queue, producer_id{7},      sequence{first},  sequence{previous},
          count, encoded.compression, encoded.checksum, encoded.bytes};
}

frames::receipt store(raw_connection& at, const frames::produce& batch) {
  const auto answer = at.ask(batch);
  if (const auto* error = std::get_if<frames::error>(&answer))
    throw std::runtime_error{error->why.message()};
  return std::get<frames::receipt>(answer);
}

} // namespace

TEST_CASE("retry: a batch sent again is stored once, also after a restart of the node") {
  running_node at{{{"checkpoint-interval-ms", "100"}}};
  const auto mode = GENERATE(durability::fsync, durability::memory);
  const auto queue = must(at.client.create_topic("t", 1, {.mode = mode})).queues.at(0).queue;
  const auto one = batch_of(queue, 1, 3, 0);
  const auto two = batch_of(queue, 4, 2, 3);
  {
    raw_connection first{at.node.port()};
    first.greet();
    const auto stored = store(first, one);
    CHECK(stored.first == offset{0});
    CHECK_FALSE(stored.duplicate);
    CHECK(stored.reached == mode);
    const auto again = store(first, one);
    CHECK(again.duplicate);
    CHECK(again.first == offset{0});
    CHECK(again.broker_time == stored.broker_time);
    CHECK(store(first, two).first == offset{3});
  }
  SECTION("at once, from the log") { at.node.kill(); }
  SECTION("after a checkpoint") {
    REQUIRE(eventually([&] {
      for (const auto& s : must(at.client.node_status()).shards)
        if (s.mode == mode && s.checkpoint == s.committed) return true;
      return false;
    }));
    at.node.kill();
  }
  SECTION("after an orderly stop") { CHECK(at.node.stop() == exited(0)); }
  at.node.start();
  raw_connection second{at.node.port()};
  second.greet();
  const auto again = store(second, two);
  CHECK(again.duplicate);
  CHECK(again.first == offset{3});
  CHECK(again.count == 2);
  const auto oldest = store(second, one);
  CHECK(oldest.duplicate);
  CHECK(oldest.first == offset{0});
  const auto gap = second.ask(batch_of(queue, 9, 1, 8));
  CHECK(std::get<frames::error>(gap).why.code == errc::sequence_gap);
  CHECK(store(second, batch_of(queue, 6, 1, 5)).first == offset{5});
  CHECK(bodies_in(at.node.address(), "t", queue_number{0}) ==
        std::vector<std::string>{"m1", "m2", "m3", "m4", "m5", "m6"});
}

TEST_CASE("retry: a batch that was changed on its way is refused, and stored when it is whole") {
  running_node at;
  const auto queue = must(at.client.create_topic("t", 1)).queues.at(0).queue;
  raw_connection raw{at.node.port()};
  raw.greet();
  auto batch = batch_of(queue, 1, 3, 0);
  batch.checksum ^= 1;
  CHECK(std::get<frames::error>(raw.ask(batch)).why.code == errc::checksum_mismatch);
  batch.checksum ^= 1;
  batch.count = 4;
  CHECK(std::get<frames::error>(raw.ask(batch)).why.code == errc::batch_malformed);
  batch.count = 3;
  CHECK(store(raw, batch).first == offset{0});
}

} // namespace carafe::test
