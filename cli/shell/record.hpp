#pragma once

/// What commands show: named fields, described once and written for programs (JSON) or for people
/// (tables), so that the two cannot drift apart.

#include "cli/shell/table.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

class record;

/// A field's value in both forms.
struct value {
  std::string json{};
  std::string shown{};
  bool right = false;
  tone colour = tone::plain;
  /// A table of its own; then `shown` is empty.
  std::shared_ptr<const std::vector<record>> rows{};

  static value none();
  static value boolean(bool yes);
  /// A number that is a name: no thousands separators.
  static value id(std::uint64_t number);
  static value count(std::uint64_t number);
  static value size(std::uint64_t bytes);
  static value span(std::uint64_t ms);
  static value latency(std::uint64_t us);
  static value rate(double per_second);
  static value size_rate(double bytes_per_second);
  /// Null before 1970-01-01T00:00:00.001Z: never.
  static value time(unix_ms time);
  static value text(std::string_view text);
  static value names(const std::vector<std::string>& names);
  /// An object in JSON, one text for people.
  static value object(const record& fields, std::string shown);
  static value table(std::vector<record> rows);

  /// The same value in a colour.
  [[nodiscard]] value in(tone t) &&;
  /// The same value, for people as `text`.
  [[nodiscard]] value shown_as(std::string text) &&;
};

class record {
public:
  struct field {
    std::string name;
    value content;
    /// Empty: not shown to people.
    std::string heading;
    bool in_json = true;
  };

  /// @param name snake_case, the JSON name; people see it with blanks, without its unit.
  record& add(std::string_view name, value content);
  /// For programs only.
  record& add_hidden(std::string_view name, value content);
  /// For people only.
  record& add_shown(std::string_view name, value content);

  [[nodiscard]] const std::vector<field>& fields() const noexcept { return fields_; }

private:
  std::vector<field> fields_;
};

/// One object on one line, without a newline.
[[nodiscard]] std::string to_json(const record& r);

/// A table with a row for each record; all have the fields of the first.
/// @pre !rows.empty()
[[nodiscard]] std::string to_table(const std::vector<record>& rows, bool colours);

/// A line for each plain field, then every table under its name.
[[nodiscard]] std::string to_details(const record& r, bool colours);

} // namespace carafe::shell
