#include "cli/shell/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace carafe::shell {

namespace {

struct code_range {
  char32_t first, last;
};

// Marks that are drawn over the character before them, and characters that take no column.
constexpr std::array<code_range, 6> zero_width{{{0x300, 0x36f},
                                                {0x1ab0, 0x1aff},
                                                {0x200b, 0x200f},
                                                {0x20d0, 0x20ff},
                                                {0xfe00, 0xfe0f},
                                                {0xfe20, 0xfe2f}}};
// East Asian wide and full-width characters, and emoji.
constexpr std::array<code_range, 9> double_width{{{0x1100, 0x115f},
                                                  {0x2e80, 0x303e},
                                                  {0x3041, 0xa4cf},
                                                  {0xac00, 0xd7a3},
                                                  {0xf900, 0xfaff},
                                                  {0xfe30, 0xfe6f},
                                                  {0xff00, 0xff60},
                                                  {0x1f300, 0x1faff},
                                                  {0x20000, 0x3fffd}}};

template <std::size_t N>
bool within(char32_t code, const std::array<code_range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const code_range& r) { return code >= r.first && code <= r.last; });
}

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

} // namespace

utf8_character first_character(std::string_view text) noexcept {
  auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0x7fu >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(at) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, length, true};
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    // Most text is ASCII: step over it without decoding.
    auto plain = std::find_if(text.begin(), text.end(),
                              [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    text.remove_prefix(static_cast<std::size_t>(plain - text.begin()));
    if (text.empty()) return true;
    auto next = first_character(text);
    if (!next.valid) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    auto next = first_character(text);
    text.remove_prefix(next.bytes);
    if (within(next.code, zero_width)) continue;
    width += within(next.code, double_width) ? 2 : 1;
  }
  return width;
}

std::string printable(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto next = first_character(text);
    if (next.valid && !is_control(next.code)) {
      out += text.substr(0, next.bytes);
    } else {
      for (char c : text.substr(0, next.bytes)) {
        out += "\\x";
        out += hex[static_cast<unsigned char>(c) >> 4];
        out += hex[static_cast<unsigned char>(c) & 15];
      }
    }
    text.remove_prefix(next.bytes);
  }
  return out;
}

} // namespace carafe::shell
