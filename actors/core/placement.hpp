#pragma once

#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <vector>

namespace carafe::core {

/// A shard's number tells its durability, so that it can never change by a change of settings:
/// 0..999 are `fsync`, 1000..1999 `interval`, 2000..2999 `memory`. Shard 0 holds the catalogue.
inline constexpr std::uint16_t shards_per_mode = 1'000;

[[nodiscard]] constexpr shard_id shard_of(durability mode, std::uint32_t number) noexcept {
  return shard_id{static_cast<std::uint16_t>(static_cast<std::uint16_t>(mode) * shards_per_mode +
                                             number % shards_per_mode)};
}

[[nodiscard]] constexpr durability durability_of(shard_id shard) noexcept {
  const auto mode = shard.value / shards_per_mode;
  return mode == 0 ? durability::fsync : mode == 1 ? durability::interval : durability::memory;
}

/// Gives a topic's new queues their shards: in turn over the mode's shards, beginning where the
/// topic's id points, so that topics with few queues spread as well.
/// @param shards Of this mode, 1..`shards_per_mode`.
[[nodiscard]] constexpr shard_id place_queue(topic_id topic, queue_number number, durability mode,
                                             std::uint32_t shards) noexcept {
  return shard_of(mode, static_cast<std::uint32_t>((topic.value + number.value) % shards));
}

} // namespace carafe::core
