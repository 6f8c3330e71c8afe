#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace carafe::shell {

/// One decoded character: its code point and how many bytes it took. Bytes that are not UTF-8 are
/// taken one at a time, `valid` false.
struct utf8_character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

/// @pre !text.empty()
[[nodiscard]] utf8_character first_character(std::string_view text) noexcept;

/// Whether all of `text` is UTF-8 (RFC 3629: no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Columns that `text` takes on a terminal.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// `text` with control characters and bytes that are not UTF-8 written as `\x1b`: what a foreign
/// name holds must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace carafe::shell
