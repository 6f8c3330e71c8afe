#include "test/core/filter_reference.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace carafe::test {
namespace {

__extension__ typedef __int128 wide;

using worth = std::variant<std::monostate, std::string, std::int64_t, double>;
using verdict_type = std::optional<bool>;

bool is_null(const worth& w) { return w.index() == 0; }

bool all_digits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Digits, at most one point, at least one digit.
bool is_decimal(std::string text) {
  if (const auto point = text.find('.'); point != std::string::npos) text.erase(point, 1);
  return !text.empty() && all_digits(text);
}

worth number_in(std::string text) {
  if (text.starts_with('+')) {
    text.erase(0, 1);
    if (text.starts_with('-')) return {};
  }
  const auto body = text.substr(text.starts_with('-') ? 1 : 0);
  const auto e = body.find_first_of("eE");
  auto exponent = e == std::string::npos ? "0" : body.substr(e + 1);
  if (exponent.starts_with('+') || exponent.starts_with('-')) exponent.erase(0, 1);
  if (!is_decimal(body.substr(0, e)) || exponent.empty() || !all_digits(exponent)) return {};
  if (all_digits(body)) {
    errno = 0;
    const auto integer = std::strtoll(text.c_str(), nullptr, 10);
    if (errno == 0) return std::int64_t{integer};
  }
  errno = 0;
  const auto real = std::strtod(text.c_str(), nullptr);
  if (errno != 0) return {};
  return real;
}

worth as_number(const worth& w) {
  const auto* text = std::get_if<std::string>(&w);
  return text != nullptr ? number_in(*text) : w;
}

worth finite(double real) {
  if (std::isfinite(real)) return real;
  return {};
}

worth fitting(wide integer) {
  using limits = std::numeric_limits<std::int64_t>;
  if (integer < limits::min() || integer > limits::max()) return {};
  return static_cast<std::int64_t>(integer);
}

double real_of(const worth& number) {
  const auto* integer = std::get_if<std::int64_t>(&number);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(number);
}

/// Wide enough for every integer and every double.
long double exact(const worth& number) {
  const auto* integer = std::get_if<std::int64_t>(&number);
  if (integer != nullptr) return static_cast<long double>(*integer);
  return static_cast<long double>(std::get<double>(number));
}

worth calculated(const worth& left, char sign, const worth& right) {
  const auto a = as_number(left);
  const auto b = as_number(right);
  if (is_null(a) || is_null(b)) return {};
  if (sign == '/' && exact(b) == 0) return {};
  const auto* x = std::get_if<std::int64_t>(&a);
  const auto* y = std::get_if<std::int64_t>(&b);
  if (x != nullptr && y != nullptr) {
    const auto i = wide{*x};
    const auto j = wide{*y};
    return fitting(sign == '+' ? i + j : sign == '-' ? i - j : sign == '*' ? i * j : i / j);
  }
  const auto i = real_of(a);
  const auto j = real_of(b);
  return finite(sign == '+' ? i + j : sign == '-' ? i - j : sign == '*' ? i * j : i / j);
}

/// -1, 0 or 1; nothing: they cannot be compared.
std::optional<int> order_of(const worth& left, const worth& right) {
  const auto* x = std::get_if<std::string>(&left);
  const auto* y = std::get_if<std::string>(&right);
  if (x != nullptr && y != nullptr) {
    const std::vector<unsigned char> i(x->begin(), x->end());
    const std::vector<unsigned char> j(y->begin(), y->end());
    return i < j ? -1 : i == j ? 0 : 1;
  }
  const auto a = as_number(left);
  const auto b = as_number(right);
  if (is_null(a) || is_null(b)) return std::nullopt;
  return exact(a) < exact(b) ? -1 : exact(a) == exact(b) ? 0 : 1;
}

verdict_type compared(const worth& left, const std::string& sign, const worth& right) {
  const auto order = order_of(left, right);
  if (!order) return std::nullopt;
  if (sign == "=") return *order == 0;
  if (sign == "<>" || sign == "!=") return *order != 0;
  if (sign == "<") return *order < 0;
  if (sign == "<=") return *order <= 0;
  if (sign == ">") return *order > 0;
  return *order >= 0;
}

bool is_continuation(char c) { return static_cast<unsigned char>(c) >> 6 == 2; }

/// Tries everything.
bool alike(const std::string& text, std::size_t at, const std::string& pattern, std::size_t p,
           std::optional<char> escape) {
  if (p == pattern.size()) return at == text.size();
  const auto escaped = escape && pattern[p] == *escape;
  if (!escaped && pattern[p] == '%') {
    for (auto from = at; from <= text.size(); ++from) {
      if (alike(text, from, pattern, p + 1, escape)) return true;
    }
    return false;
  }
  if (at == text.size()) return false;
  if (!escaped && pattern[p] == '_') {
    for (++at; at < text.size() && is_continuation(text[at]);) ++at;
    return alike(text, at, pattern, p + 1, escape);
  }
  if (escaped) ++p;
  return text[at] == pattern[p] && alike(text, at + 1, pattern, p + 1, escape);
}

worth property_of(const filtered_message& message, const std::string& wanted) {
  worth found{};
  for (const auto& [name, text] : message.properties)
    if (name == wanted) found = text;
  return found;
}

worth worth_of(const node& n, const filtered_message& message) {
  switch (n.kind) {
  case node_kind::text:
    return n.word;
  case node_kind::number:
    return number_in(n.word);
  case node_kind::tag:
    return message.tag.empty() ? worth{} : worth{message.tag};
  case node_kind::key:
    return message.key.empty() ? worth{} : worth{message.key};
  case node_kind::minus: {
    const auto number = as_number(worth_of(n.parts[0], message));
    if (const auto* integer = std::get_if<std::int64_t>(&number)) return fitting(-wide{*integer});
    return is_null(number) ? worth{} : finite(-std::get<double>(number));
  }
  case node_kind::arithmetic:
    return calculated(worth_of(n.parts[0], message), n.word[0], worth_of(n.parts[1], message));
  default:
    return property_of(message, n.word);
  }
}

verdict_type opposite(verdict_type v) { return v ? verdict_type{!*v} : v; }

/// OR of many, and AND turned around.
verdict_type any_of(const std::vector<verdict_type>& all) {
  const auto has = [&](verdict_type v) {
    return std::find(all.begin(), all.end(), v) != all.end();
  };
  if (has(true)) return true;
  return has(std::nullopt) ? verdict_type{} : verdict_type{false};
}

verdict_type said(const worth& w) {
  const auto* text = std::get_if<std::string>(&w);
  if (text == nullptr) return std::nullopt;
  auto small = *text;
  for (auto& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (small == "true") return true;
  return small == "false" ? verdict_type{false} : verdict_type{};
}

verdict_type plain(const node& n, const filtered_message& message) {
  const auto part = [&](std::size_t i) { return worth_of(n.parts[i], message); };
  switch (n.kind) {
  case node_kind::constant:
    return true;
  case node_kind::name_as_condition:
    return said(property_of(message, n.word));
  case node_kind::comparison:
    return compared(part(0), n.word, part(1));
  case node_kind::sameness: {
    const auto a = holds(n.parts[0], message);
    const auto b = holds(n.parts[1], message);
    if (!a || !b) return std::nullopt;
    return (*a == *b) == (n.word == "=");
  }
  case node_kind::between:
    return opposite(any_of(
      {opposite(compared(part(0), ">=", part(1))), opposite(compared(part(0), "<=", part(2)))}));
  case node_kind::in: {
    std::vector<verdict_type> all;
    for (std::size_t i = 1; i < n.parts.size(); ++i) all.push_back(compared(part(0), "=", part(i)));
    return any_of(all);
  }
  case node_kind::like: {
    const auto w = part(0);
    if (is_null(w)) return std::nullopt;
    return alike(std::get<std::string>(w), 0, n.word, 0, n.escape);
  }
  case node_kind::is_null:
    return is_null(part(0));
  case node_kind::negation:
    return opposite(holds(n.parts[0], message));
  case node_kind::conjunction:
    return opposite(
      any_of({opposite(holds(n.parts[0], message)), opposite(holds(n.parts[1], message))}));
  default:
    return any_of({holds(n.parts[0], message), holds(n.parts[1], message)});
  }
}

} // namespace

std::optional<bool> holds(const node& condition, const filtered_message& message) {
  const auto v = plain(condition, message);
  return condition.inverted ? opposite(v) : v;
}

} // namespace carafe::test
