#pragma once

#include "test/actors/rig.hpp"

#include <chrono>

namespace carafe::sim {

/// Whether no disk of the node is broken, and no part of it has ended.
[[nodiscard]] bool is_healthy(const test::rig& node);

/// A healthy node has tried again by then whatever it could not write or find: a shard looks for
/// room once a second, and a group tries again after half a second.
constexpr auto tried_again = std::chrono::milliseconds{1'600};

} // namespace carafe::sim
