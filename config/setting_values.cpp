#include "config/byte_size.hpp"
#include "config/settings.hpp"
#include "config/system_config.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

namespace carafe::config {

namespace {

constexpr std::array<std::string_view, 4> level_names{"error", "warning", "info", "debug"};

template <class Member>
using value_of = std::remove_cvref_t<decltype(std::declval<node_options&>().*Member{})>;

bool is_text(const setting& what) {
  return std::holds_alternative<std::string node_options::*>(what.field);
}

bool is_level(const setting& what) {
  return std::holds_alternative<log_level node_options::*>(what.field);
}

std::string expected_type(const setting& what) {
  if (is_text(what)) return "a text in double quotes";
  if (is_level(what)) return "one of the words " + range_text(what) + ", in double quotes";
  if (what.unit == "bytes") return "an integer (bytes) or a size such as \"64MiB\"";
  return "an integer (" + std::string{what.unit} + ")";
}

std::string about_key(const setting& what, std::string_view where) {
  std::string text{section};
  return text.append(".").append(what.key).append(" (").append(where).append("): ");
}

failure wrong_type(const setting& what, const std::string& found, std::string_view where) {
  return {errc::config_wrong_type, about_key(what, where) + "expected " + expected_type(what) +
                                     ", found " + found + "; allowed: " + range_text(what)};
}

failure out_of_range(const setting& what, const std::string& found, std::string_view where) {
  return {errc::config_out_of_range,
          about_key(what, where) + found + " is out of range; allowed: " + range_text(what)};
}

bool is_name_character(char x) {
  return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || (x >= '0' && x <= '9') || x == '.' ||
         x == '-' || x == '_' || x == ':';
}

bool is_printable(char x) { return static_cast<unsigned char>(x) >= 0x20 && x != 0x7f; }

result<void> store_text(node_options& options, const setting& what, const std::string& text,
                        std::string_view where) {
  const auto fits = what.characters == alphabet::name ? is_name_character : is_printable;
  if (text.size() < what.min || text.size() > what.max ||
      !std::all_of(text.begin(), text.end(), fits))
    return out_of_range(what, "\"" + text + "\"", where);
  options.*std::get<std::string node_options::*>(what.field) = text;
  return {};
}

result<void> store_level(node_options& options, const setting& what, const std::string& text,
                         std::string_view where) {
  const auto at = std::find(level_names.begin(), level_names.end(), text);
  if (at == level_names.end()) return out_of_range(what, "\"" + text + "\"", where);
  options.*std::get<log_level node_options::*>(what.field) =
    static_cast<log_level>(at - level_names.begin());
  return {};
}

result<void> store_integer(node_options& options, const setting& what, std::int64_t value,
                           std::string_view where) {
  const auto unsigned_value = static_cast<std::uint64_t>(value);
  if (value < 0 || unsigned_value < what.min || unsigned_value > what.max ||
      unsigned_value % what.multiple_of != 0)
    return out_of_range(what, std::to_string(value), where);
  std::visit(
    [&](auto member) {
      using type = value_of<decltype(member)>;
      if constexpr (std::is_integral_v<type>) options.*member = static_cast<type>(unsigned_value);
    },
    what.field);
  return {};
}

result<void> store_bytes(node_options& options, const setting& what, const std::string& text,
                         std::string_view where) {
  auto number = parse_bytes(text);
  if (number) return store_integer(options, what, static_cast<std::int64_t>(*number), where);
  if (number.code() == errc::config_out_of_range) return out_of_range(what, text, where);
  return wrong_type(what, "the text \"" + text + "\"", where);
}

std::uint64_t integer_of(const setting& what, const node_options& options) {
  return std::visit(
    [&](auto member) -> std::uint64_t {
      if constexpr (std::is_integral_v<value_of<decltype(member)>>)
        return options.*member;
      else
        return 0;
    },
    what.field);
}

/// As CAF's config file reader takes it back.
std::string quoted(std::string_view text) {
  std::string out{"\""};
  for (const char x : text) {
    if (x == '"' || x == '\\') out += '\\';
    out += x;
  }
  return out += '"';
}

} // namespace

result<void> assign(node_options& options, const setting& what, const caf::config_value& value,
                    std::string_view where) {
  const auto* text = caf::get_if<std::string>(&value);
  const auto* number = caf::get_if<std::int64_t>(&value);
  if (is_text(what) && text) return store_text(options, what, *text, where);
  if (is_level(what) && text) return store_level(options, what, *text, where);
  if (!is_text(what) && !is_level(what)) {
    if (number) return store_integer(options, what, *number, where);
    if (text && what.unit == "bytes") return store_bytes(options, what, *text, where);
  }
  return wrong_type(what, std::string{value.type_name()} + " " + caf_text(value), where);
}

result<void> assign_text(node_options& options, const setting& what, std::string_view text,
                         std::string_view where) {
  if (is_text(what)) return store_text(options, what, std::string{text}, where);
  if (is_level(what)) return store_level(options, what, std::string{text}, where);
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const bool is_number = error != std::errc::invalid_argument && at == end;
  if (is_number && error == std::errc::result_out_of_range)
    return out_of_range(what, std::string{text}, where);
  if (is_number) return store_integer(options, what, number, where);
  if (what.unit == "bytes") return store_bytes(options, what, std::string{text}, where);
  return wrong_type(what, "\"" + std::string{text} + "\"", where);
}

std::string range_text(const setting& what) {
  if (is_level(what)) {
    std::string names;
    for (const auto name : level_names) names.append(names.empty() ? "" : ", ").append(name);
    return names;
  }
  if (is_text(what)) {
    std::string text = std::to_string(what.min) + ".." + std::to_string(what.max);
    return text + (what.characters == alphabet::name ? " letters, digits, '.', '-', '_' or ':'"
                                                     : " bytes, no control characters");
  }
  const bool sizes = what.unit == "bytes";
  auto number = [sizes](std::uint64_t x) { return sizes ? format_bytes(x) : std::to_string(x); };
  std::string text = number(what.min) + ".." + number(what.max);
  if (what.multiple_of > 1) text += ", a multiple of " + std::to_string(what.multiple_of);
  return text;
}

std::string value_text(const setting& what, const node_options& options) {
  if (is_text(what)) return options.*std::get<std::string node_options::*>(what.field);
  if (is_level(what))
    return std::string{to_string(options.*std::get<log_level node_options::*>(what.field))};
  const auto number = integer_of(what, options);
  return what.unit == "bytes" ? format_bytes(number) : std::to_string(number);
}

std::string file_text(const setting& what, const node_options& options) {
  if (is_text(what) || is_level(what)) return quoted(value_text(what, options));
  const auto number = integer_of(what, options);
  if (what.unit != "bytes" || number == 0) return std::to_string(number);
  return quoted(format_bytes(number, ""));
}

std::string_view to_string(log_level level) noexcept {
  return level_names[static_cast<std::size_t>(level)];
}

} // namespace carafe::config
