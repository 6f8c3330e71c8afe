#pragma once

/// Internal to filters: what an expression's parts are worth for one message.

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace carafe::core::filters {

/// SQL's three-valued logic. AND is the least, OR the greatest, NOT the mirror image.
enum class truth : std::uint8_t { no = 0, unknown = 1, yes = 2 };

[[nodiscard]] constexpr truth negation(truth t) noexcept {
  return static_cast<truth>(2 - static_cast<std::uint8_t>(t));
}
[[nodiscard]] constexpr truth both(truth a, truth b) noexcept { return a < b ? a : b; }
[[nodiscard]] constexpr truth either(truth a, truth b) noexcept { return a < b ? b : a; }
[[nodiscard]] constexpr truth truth_of(bool b) noexcept { return b ? truth::yes : truth::no; }

enum class value_kind : std::uint8_t { null, text, integer, real };

/// A text, a number, or NULL. Texts are views. Left without initial values on purpose: a machine's
/// stack is made anew for each message.
struct value {
  value_kind kind;
  const char* chars;
  /// A text's length, an integer, or a real number's bits.
  std::int64_t bits;

  [[nodiscard]] static constexpr value null() noexcept { return {value_kind::null, nullptr, 0}; }
  [[nodiscard]] static constexpr value of(std::string_view text) noexcept {
    return {value_kind::text, text.data(), static_cast<std::int64_t>(text.size())};
  }
  [[nodiscard]] static constexpr value of(std::int64_t integer) noexcept {
    return {value_kind::integer, nullptr, integer};
  }
  /// NULL for what is not finite: no overflow goes on as a number.
  [[nodiscard]] static value of(double real) noexcept;

  [[nodiscard]] constexpr std::string_view text() const noexcept {
    return {chars, static_cast<std::size_t>(bits)};
  }
  [[nodiscard]] constexpr double real() const noexcept { return std::bit_cast<double>(bits); }
};

/// The number that a text is, in full and without spaces: an optional sign, decimal digits with or
/// without a point, an optional exponent. Without point and exponent it is an integer if 64 bits
/// hold it, else the nearest real number.
/// @returns NULL if it is none, or too large or too small for a real number.
[[nodiscard]] value number_of(std::string_view text) noexcept;

enum class relation : std::uint8_t { equal, unequal, less, less_equal, greater, greater_equal };

/// Two texts byte by byte, two numbers by their exact values, a text and a number as numbers.
/// Unknown if one is NULL or a text that is compared with a number is none.
[[nodiscard]] truth compare(const value& left, relation how, const value& right) noexcept;

enum class arithmetic : std::uint8_t { add, subtract, multiply, divide };

/// Integers stay integers, and their quotient is cut towards zero; with a real number both are
/// real.
/// @returns NULL if one is no number, on overflow and on division by zero.
[[nodiscard]] value compute(const value& left, arithmetic how, const value& right) noexcept;
[[nodiscard]] value minus(const value& v) noexcept;

/// Whether a text is this word, in any case of letters.
/// @param word  In small letters.
[[nodiscard]] bool is_word(std::string_view text, std::string_view word) noexcept;

/// What a text says as a condition: `true` and `false` in any case of letters; else unknown.
[[nodiscard]] truth condition_of(const value& text) noexcept;

} // namespace carafe::core::filters
