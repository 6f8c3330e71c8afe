#include "actors/core/cron.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string>
#include <vector>

namespace carafe::core {

namespace {

struct field_rule {
  std::string_view name;
  unsigned low;
  unsigned high;
  /// Of `low` and the numbers after it.
  std::span<const std::string_view> names;
};

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed",
                                                        "thu", "fri", "sat"};
constexpr unsigned sunday_too = 7;

const std::array<field_rule, 6> fields{{{"second", 0, 59, {}},
                                        {"minute", 0, 59, {}},
                                        {"hour", 0, 23, {}},
                                        {"day of the month", 1, 31, {}},
                                        {"month", 1, 12, month_names},
                                        {"day of the week", 0, sunday_too, weekday_names}}};

/// A piece of the expression and where it stands.
struct piece {
  std::string_view text;
  std::size_t column = 1;
};

failure wrong(std::size_t column, const std::string& what) {
  return {errc::schedule_invalid, "column " + std::to_string(column) + ": " + what};
}

failure wrong(const piece& at, const field_rule& rule, const std::string& what) {
  return wrong(at.column, std::string{rule.name} + ": " + what);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
  return out + "'";
}

std::vector<piece> split(const piece& whole, auto is_separator, bool keep_empty) {
  std::vector<piece> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= whole.text.size(); ++i) {
    if (i < whole.text.size() && !is_separator(whole.text[i])) continue;
    if (i > begin || keep_empty)
      out.push_back({whole.text.substr(begin, i - begin), whole.column + begin});
    begin = i + 1;
  }
  return out;
}

result<unsigned> number_of(const piece& at, const field_rule& rule) {
  std::string lower{at.text};
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (std::size_t i = 0; i < rule.names.size(); ++i)
    if (lower == rule.names[i]) return rule.low + static_cast<unsigned>(i);
  const bool digits = !at.text.empty() && at.text.size() <= 4 &&
                      std::ranges::all_of(at.text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits)
    return wrong(
      at, rule,
      quoted(at.text) + " is no number" +
        (rule.names.empty() ? "" : " and no name such as " + std::string{rule.names[0]}));
  const auto value = static_cast<unsigned>(std::stoul(std::string{at.text}));
  if (value < rule.low || value > rule.high)
    return wrong(at, rule,
                 std::to_string(value) + " is not within " + std::to_string(rule.low) + " to " +
                   std::to_string(rule.high));
  return value;
}

/// One of a list: `*`, `a`, `a-b`, perhaps with a step.
result<std::uint64_t> set_of_item(const piece& item, const field_rule& rule) {
  const auto slash = item.text.find('/');
  const piece base{item.text.substr(0, slash), item.column};
  const auto dash = base.text.find('-', 1);
  auto low = rule.low;
  auto high = rule.high;
  if (base.text != "*") {
    const auto first = number_of({base.text.substr(0, dash), base.column}, rule);
    if (!first) return first.error();
    low = high = *first;
    if (dash != std::string_view::npos) {
      const piece to{base.text.substr(dash + 1), base.column + dash + 1};
      const auto last = number_of(to, rule);
      if (!last) return last.error();
      high = rule.high == sunday_too && *last == 0 ? sunday_too : *last;
      if (high < low) return wrong(to, rule, "the range ends before it begins");
    }
  }
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const piece by{item.text.substr(slash + 1), item.column + slash + 1};
    if (base.text != "*" && dash == std::string_view::npos)
      return wrong(by, rule, "a step is for a range or *");
    const auto value = number_of(by, {rule.name, 1, std::max(rule.high, 1u), {}});
    if (!value) return value.error();
    step = *value;
  }
  std::uint64_t set = 0;
  for (auto i = low; i <= high; i += step) set |= std::uint64_t{1} << i;
  return set;
}

result<std::uint64_t> set_of(const piece& field, const field_rule& rule) {
  std::uint64_t set = 0;
  for (const auto& item : split(
         field, [](char c) { return c == ','; }, true)) {
    if (item.text.empty()) return wrong(item, rule, "a number is missing");
    const auto some = set_of_item(item, rule);
    if (!some) return some.error();
    set |= *some;
  }
  if (rule.high == sunday_too && (set >> sunday_too & 1) != 0)
    set = (set | 1) & ~(std::uint64_t{1} << sunday_too);
  return set;
}

struct macro {
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array<macro, 7> macros{{{"@yearly", "0 0 1 1 *"},
                                       {"@annually", "0 0 1 1 *"},
                                       {"@monthly", "0 0 1 * *"},
                                       {"@weekly", "0 0 * * 0"},
                                       {"@daily", "0 0 * * *"},
                                       {"@midnight", "0 0 * * *"},
                                       {"@hourly", "0 * * * *"}}};

} // namespace

result<cron_expression> cron_expression::parse(std::string_view text) {
  if (text.size() > text_bytes_max)
    return wrong(text_bytes_max + 1,
                 "an expression has at most " + std::to_string(text_bytes_max) + " characters");
  const auto pieces = split({text, 1}, is_blank, false);
  if (pieces.size() == 1 && pieces[0].text.front() == '@') {
    for (const auto& [name, meaning] : macros)
      if (pieces[0].text == name) return parse(meaning);
    return wrong(pieces[0].column, quoted(pieces[0].text) + " is none of @yearly, @monthly, "
                                                            "@weekly, @daily and @hourly");
  }
  if (pieces.size() < 5 || pieces.size() > 6)
    return wrong(pieces.size() > 6 ? pieces[6].column : text.size() + 1,
                 std::to_string(pieces.size()) +
                   " fields; there are five: minute, hour, day of the month, month, day of the "
                   "week; or six, with the second before them");
  cron_expression out;
  std::uint64_t* const sets[] = {&out.seconds, &out.minutes, &out.hours,
                                 &out.days,    &out.months,  &out.weekdays};
  const auto skipped = fields.size() - pieces.size();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto set = set_of(pieces[i], fields[skipped + i]);
    if (!set) return set.error();
    *sets[skipped + i] = *set;
  }
  out.any_day = pieces[pieces.size() - 3].text.front() == '*';
  out.any_weekday = pieces[pieces.size() - 1].text.front() == '*';
  return out;
}

} // namespace carafe::core
