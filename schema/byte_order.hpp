#pragma once

/// Internal to schema/: little-endian integers in bytes of any alignment.

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace carafe {

/// @pre bytes.size() >= sizeof(Int)
template <class Int>
[[nodiscard]] Int load_little(std::span<const std::byte> bytes) noexcept {
  static_assert(std::is_unsigned_v<Int>);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    sum |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return static_cast<Int>(sum);
}

/// @pre bytes.size() >= sizeof(Int)
template <class Int>
void store_little(std::span<std::byte> bytes, Int value) noexcept {
  static_assert(std::is_unsigned_v<Int>);
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    bytes[i] = static_cast<std::byte>(std::uint64_t{value} >> (8 * i));
}

} // namespace carafe
