#pragma once

/// Numbers as bytes that LMDB keeps in their order.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace carafe::storage {

[[nodiscard]] inline std::string big_endian(std::uint64_t v) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(v >> (56 - 8 * i));
  return out;
}

/// @pre text.size() >= at + 8
[[nodiscard]] inline std::uint64_t big_endian_at(std::string_view text, std::size_t at) {
  std::uint64_t v = 0;
  for (const char c : text.substr(at, 8)) v = v << 8 | static_cast<unsigned char>(c);
  return v;
}

} // namespace carafe::storage
