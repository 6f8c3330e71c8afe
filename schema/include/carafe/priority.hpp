#pragma once

#include <cstdint>

namespace carafe {

/// A message's priority: from 0 to `priority_max`, higher goes first.
inline constexpr std::uint8_t priority_max = 9;
inline constexpr std::uint8_t priority_default = 4;

} // namespace carafe
