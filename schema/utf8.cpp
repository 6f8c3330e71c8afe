#include "schema/utf8.hpp"

#include <cstdint>

namespace carafe {
namespace {

constexpr std::uint8_t at(std::string_view text, std::size_t i) noexcept {
  return static_cast<std::uint8_t>(text[i]);
}

constexpr bool within(std::uint8_t byte, std::uint8_t low, std::uint8_t high) noexcept {
  return byte >= low && byte <= high;
}

/// Length of the valid character that `text` begins with, 0 if there is none.
/// @pre !text.empty()
std::size_t character_bytes(std::string_view text) noexcept {
  auto first = at(text, 0);
  if (within(first, 0x01, 0x7f)) return 1;
  std::size_t size = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (within(first, 0xc2, 0xdf)) {
    size = 2;
  } else if (within(first, 0xe0, 0xef)) {
    size = 3;
    if (first == 0xe0) low = 0xa0;  // Longer than needed below.
    if (first == 0xed) high = 0x9f; // Surrogates above.
  } else if (within(first, 0xf0, 0xf4)) {
    size = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f; // Past U+10FFFF above.
  } else {
    return 0;
  }
  if (text.size() < size || !within(at(text, 1), low, high)) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!within(at(text, i), 0x80, 0xbf)) return 0;
  }
  return size;
}

} // namespace

bool is_wire_text(std::string_view text) noexcept {
  while (!text.empty()) {
    auto size = character_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string to_wire_text(std::string_view text) {
  auto clean = std::string{};
  clean.reserve(text.size());
  while (!text.empty()) {
    auto size = character_bytes(text);
    if (size == 0) {
      clean += '?';
      size = 1;
    } else {
      clean += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return clean;
}

} // namespace carafe
