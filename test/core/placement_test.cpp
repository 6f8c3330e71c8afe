#include "actors/core/placement.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace carafe;
using namespace carafe::core;

TEST_CASE("A shard's number tells its durability") {
  CHECK(shard_of(durability::fsync, 0) == shard_id{0});
  CHECK(shard_of(durability::interval, 0) == shard_id{1'000});
  CHECK(shard_of(durability::memory, 7) == shard_id{2'007});
  for (const auto mode : {durability::fsync, durability::interval, durability::memory})
    for (const std::uint32_t number : {0u, 1u, 999u})
      CHECK(durability_of(shard_of(mode, number)) == mode);
}

TEST_CASE("A topic's queues are spread evenly over the shards of its durability") {
  for (const auto mode : {durability::fsync, durability::interval, durability::memory}) {
    for (std::uint32_t shards = 1; shards <= 5; ++shards) {
      std::map<shard_id, int> queues;
      for (std::uint32_t number = 0; number < shards * 4; ++number) {
        const auto shard = place_queue(topic_id{17}, queue_number{number}, mode, shards);
        CHECK(durability_of(shard) == mode);
        ++queues[shard];
      }
      CHECK(queues.size() == shards);
      for (const auto& [shard, count] : queues) CHECK(count == 4);
    }
  }
}

TEST_CASE("Topics of one queue are spread over the shards") {
  std::map<shard_id, int> queues;
  for (std::uint64_t topic = 1; topic <= 9; ++topic)
    ++queues[place_queue(topic_id{topic}, queue_number{0}, durability::fsync, 3)];
  CHECK(queues.size() == 3);
}

TEST_CASE("One shard of a durability takes all of its queues") {
  CHECK(place_queue(topic_id{5}, queue_number{9}, durability::fsync, 1) == shard_id{0});
  CHECK(place_queue(topic_id{5}, queue_number{9}, durability::memory, 1) == shard_id{2'000});
}
