#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// What a text means, shown as a colour on terminals that want colours.
enum class tone : std::uint8_t { plain, strong, faint, good, warning, bad };

/// `text` in the colour of `t`, or as it is without `colours`.
[[nodiscard]] std::string in_tone(std::string_view text, tone t, bool colours);

struct cell {
  std::string text;
  tone colour = tone::plain;
};

struct column {
  std::string heading;
  bool right = false;
};

/// Rows under headings, every column as wide as its widest cell, two blanks between columns.
class table {
public:
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// @pre as many cells as columns
  void add_row(std::vector<cell> cells);

  /// Lines, each with its newline and without blanks at its end. Text is made printable.
  [[nodiscard]] std::string layout(bool colours) const;

private:
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

} // namespace carafe::shell
