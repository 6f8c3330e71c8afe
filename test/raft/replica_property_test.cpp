#include "actors/core/placement.hpp"
#include "test/raft/simulated_shard.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

/// Steps of all shards in any order, on disks of their own.
void run(dice& d, const std::vector<shard_id>& numbers, int steps) {
  std::vector<std::unique_ptr<simulated_shard>> shards;
  for (const auto number : numbers) shards.push_back(std::make_unique<simulated_shard>(d, number));
  for (int i = 0; i < steps; ++i) d.pick(shards)->step();
  for (const auto& shard : shards) shard->settle();
}

} // namespace

TEST_CASE("After any crash a replica is what its log says and nothing acknowledged is lost") {
  with_seeds(40, [](dice& d) { run(d, {shard_id{0}}, 1'500); });
}

TEST_CASE("Replicas of three shards crash and recover independently of each other") {
  with_seeds(40, [](dice& d) {
    run(d,
        {shard_of(durability::fsync, 0), shard_of(durability::interval, 0),
         shard_of(durability::memory, 0)},
        4'500);
  });
}
