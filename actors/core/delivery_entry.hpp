#pragma once

#include "schema/records.hpp"

#include <cstddef>
#include <vector>

namespace carafe::core {

/// Of one entry of what groups do with single messages: effects, and bytes of them.
inline constexpr std::size_t delivery_effects_max = 65'536;
inline constexpr std::size_t delivery_entry_bytes_max = 1u << 20;

/// How many of these make the next entry, from the first on: one always does.
/// @cost O(that many)
[[nodiscard]] std::size_t next_entry(const std::vector<effects::effect>& gathered);

} // namespace carafe::core
