#pragma once

/// Integers in stored bytes: little-endian, wherever they lie.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace carafe::storage {

static_assert(std::endian::native == std::endian::little,
              "LMDB's files have the machine's byte order; Carafe's are little-endian");

/// @pre at + sizeof(Int) <= from.size()
template <class Int>
[[nodiscard]] inline Int get(std::span<const std::byte> from, std::size_t at) noexcept {
  Int value;
  std::memcpy(&value, from.subspan(at, sizeof(Int)).data(), sizeof(Int));
  return value;
}

/// @pre at + sizeof(Int) <= to.size()
template <class Int>
inline void put(std::span<std::byte> to, std::size_t at, Int value) noexcept {
  std::memcpy(to.subspan(at, sizeof(Int)).data(), &value, sizeof(Int));
}

template <class Int>
inline void append(std::vector<std::byte>& to, Int value) {
  auto at = to.size();
  to.resize(at + sizeof(Int));
  put(std::span{to}, at, value);
}

} // namespace carafe::storage
