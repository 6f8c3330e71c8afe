#pragma once

#include <cstdint>

namespace carafe::demo::orders {

inline constexpr std::uint64_t flash_customers = 30'000;
/// Who comes first is served.
inline constexpr std::uint64_t flash_pieces = 5'000;
inline constexpr std::uint64_t flash_served_per_second = 6'000;

} // namespace carafe::demo::orders
