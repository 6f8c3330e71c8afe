#include "actors/core/filter_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace carafe::core::filters {
namespace {

/// 2^63: the first real number above every integer.
constexpr double past_integers = 9223372036854775808.0;

[[nodiscard]] bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

template <class Number>
[[nodiscard]] std::errc read(std::string_view text, Number& out) noexcept {
  const auto end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, out);
  return code == std::errc{} && stopped != end ? std::errc::invalid_argument : code;
}

/// Texts become numbers; what is none becomes NULL.
[[nodiscard]] value as_number(const value& v) noexcept {
  return v.kind == value_kind::text ? number_of(v.text()) : v;
}

[[nodiscard]] double as_real(const value& number) noexcept {
  return number.kind == value_kind::real ? number.real() : static_cast<double>(number.bits);
}

/// Exact: a large integer has no real number of its own.
[[nodiscard]] std::weak_ordering order(std::int64_t integer, double real) noexcept {
  if (real >= past_integers) return std::weak_ordering::less;
  if (real < -past_integers) return std::weak_ordering::greater;
  const auto whole = std::trunc(real);
  const auto by_whole = integer <=> static_cast<std::int64_t>(whole);
  if (by_whole != 0) return by_whole;
  if (real > whole) return std::weak_ordering::less;
  return real < whole ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

/// @pre both are numbers
[[nodiscard]] std::weak_ordering order_numbers(const value& left, const value& right) noexcept {
  const auto left_is_integer = left.kind == value_kind::integer;
  const auto right_is_integer = right.kind == value_kind::integer;
  if (left_is_integer && right_is_integer) return left.bits <=> right.bits;
  if (left_is_integer) return order(left.bits, right.real());
  if (right_is_integer) return 0 <=> order(right.bits, left.real());
  if (left.real() < right.real()) return std::weak_ordering::less;
  return left.real() > right.real() ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

[[nodiscard]] bool holds(relation how, std::weak_ordering order) noexcept {
  switch (how) {
  case relation::equal:
    return order == 0;
  case relation::unequal:
    return order != 0;
  case relation::less:
    return order < 0;
  case relation::less_equal:
    return order <= 0;
  case relation::greater:
    return order > 0;
  case relation::greater_equal:
    return order >= 0;
  }
  return false;
}

[[nodiscard]] value compute_integers(std::int64_t a, arithmetic how, std::int64_t b) noexcept {
  std::int64_t out = 0;
  bool overflow = false;
  switch (how) {
  case arithmetic::add:
    overflow = __builtin_add_overflow(a, b, &out);
    break;
  case arithmetic::subtract:
    overflow = __builtin_sub_overflow(a, b, &out);
    break;
  case arithmetic::multiply:
    overflow = __builtin_mul_overflow(a, b, &out);
    break;
  case arithmetic::divide:
    overflow = b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min());
    if (!overflow) out = a / b;
    break;
  }
  return overflow ? value::null() : value::of(out);
}

[[nodiscard]] value compute_reals(double a, arithmetic how, double b) noexcept {
  switch (how) {
  case arithmetic::add:
    return value::of(a + b);
  case arithmetic::subtract:
    return value::of(a - b);
  case arithmetic::multiply:
    return value::of(a * b);
  case arithmetic::divide:
    return b == 0 ? value::null() : value::of(a / b);
  }
  return value::null();
}

} // namespace

value value::of(double real) noexcept {
  if (!std::isfinite(real)) return null();
  return {value_kind::real, nullptr, std::bit_cast<std::int64_t>(real)};
}

value number_of(std::string_view text) noexcept {
  // from_chars takes no plus, but words for what is not finite.
  const auto sign = text.starts_with('-') || text.starts_with('+') ? 1u : 0u;
  const auto unsigned_text = text.substr(sign);
  if (text.starts_with('+')) text = unsigned_text;
  if (unsigned_text.empty()) return value::null();
  if (!is_digit(unsigned_text.front()) && unsigned_text.front() != '.') return value::null();
  std::int64_t integer = 0;
  const auto code = read(text, integer);
  if (code == std::errc{}) return value::of(integer);
  double real = 0;
  return read(text, real) == std::errc{} ? value::of(real) : value::null();
}

truth compare(const value& left, relation how, const value& right) noexcept {
  if (left.kind == value_kind::text && right.kind == value_kind::text) {
    const auto a = left.text();
    const auto b = right.text();
    if (how == relation::equal) return truth_of(a == b);
    if (how == relation::unequal) return truth_of(a != b);
    return truth_of(holds(how, a <=> b));
  }
  const auto a = as_number(left);
  const auto b = as_number(right);
  if (a.kind == value_kind::null || b.kind == value_kind::null) return truth::unknown;
  return truth_of(holds(how, order_numbers(a, b)));
}

value compute(const value& left, arithmetic how, const value& right) noexcept {
  const auto a = as_number(left);
  const auto b = as_number(right);
  if (a.kind == value_kind::null || b.kind == value_kind::null) return value::null();
  if (a.kind == value_kind::integer && b.kind == value_kind::integer)
    return compute_integers(a.bits, how, b.bits);
  return compute_reals(as_real(a), how, as_real(b));
}

value minus(const value& v) noexcept {
  const auto number = as_number(v);
  if (number.kind == value_kind::null) return number;
  if (number.kind == value_kind::real) return value::of(-number.real());
  return compute_integers(0, arithmetic::subtract, number.bits);
}

bool is_word(std::string_view text, std::string_view word) noexcept {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char c, char small) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == small;
  });
}

truth condition_of(const value& text) noexcept {
  if (text.kind != value_kind::text) return truth::unknown;
  if (is_word(text.text(), "true")) return truth::yes;
  return is_word(text.text(), "false") ? truth::no : truth::unknown;
}

} // namespace carafe::core::filters
