#include "actors/core/filter_error.hpp"

#include <algorithm>
#include <array>

namespace carafe::core::filters {
namespace {

/// Longer words are cut.
constexpr std::size_t shown_max = 32;

[[nodiscard]] bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

[[nodiscard]] bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

[[nodiscard]] bool is_relation(char c) { return c == '<' || c == '>' || c == '=' || c == '!'; }

[[nodiscard]] std::string shown(std::string_view word) {
  if (word.size() > shown_max) return "'" + std::string{word.substr(0, shown_max)} + "...'";
  return "'" + std::string{word} + "'";
}

[[nodiscard]] std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7f) return c == '\'' ? "a quote (')" : shown({&c, 1});
  constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string{"byte 0x"} + digits[byte >> 4] + digits[byte & 15];
}

/// The word or sign that begins at `at`.
[[nodiscard]] std::string found_at(std::string_view text, std::size_t at) {
  if (at == text.size()) return "the end";
  for (const auto is_part : {is_word, is_relation}) {
    auto end = at;
    while (end < text.size() && is_part(text[end])) ++end;
    if (end > at) return shown(text.substr(at, end - at));
  }
  return shown(text[at]);
}

/// The word or sign before `at`; empty if there is none.
[[nodiscard]] std::string before(std::string_view text, std::size_t at) {
  while (at > 0 && is_space(text[at - 1])) --at;
  if (at == 0) return {};
  for (const auto is_part : {is_word, is_relation}) {
    auto begin = at;
    while (begin > 0 && is_part(text[begin - 1])) --begin;
    if (begin < at) return shown(text.substr(begin, at - begin));
  }
  return shown(text[at - 1]);
}

} // namespace

rejected unexpected(std::string_view text, std::size_t at, std::string_view wanted) {
  auto why = "expected " + std::string{wanted};
  if (const auto last = before(text, at); !last.empty()) why += " after " + last;
  return {at, why + ", found " + found_at(text, at)};
}

failure to_failure(std::string_view text, const rejected& why) {
  const auto before = text.substr(0, why.at);
  const auto column = std::count_if(before.begin(), before.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  });
  return {errc::filter_invalid, "column " + std::to_string(column + 1) + ": " + why.why};
}

} // namespace carafe::core::filters
