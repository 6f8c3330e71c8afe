#include "cli/shell/table.hpp"

#include "cli/shell/utf8.hpp"

#include <carafe/result.hpp>

#include <algorithm>

namespace carafe::shell {

namespace {

std::string_view escape_of(tone t) {
  switch (t) {
  case tone::plain:
    return {};
  case tone::strong:
    return "\x1b[1m";
  case tone::faint:
    return "\x1b[2m";
  case tone::good:
    return "\x1b[32m";
  case tone::warning:
    return "\x1b[33m";
  case tone::bad:
    return "\x1b[31m";
  }
  return {};
}

void add_line(std::string& out, const std::vector<column>& columns, const std::vector<cell>& cells,
              const std::vector<std::size_t>& widths, bool colours) {
  std::size_t owed = 0; // Blanks that are written only if something follows them.
  for (std::size_t at = 0; at < cells.size(); ++at) {
    const auto& text = cells[at].text;
    const auto fill = widths[at] - display_width(text);
    if (columns[at].right) owed += fill;
    if (!text.empty()) {
      out.append(owed, ' ');
      owed = 0;
      out += in_tone(text, cells[at].colour, colours);
    }
    if (!columns[at].right) owed += fill;
    owed += 2;
  }
  out += '\n';
}

} // namespace

std::string in_tone(std::string_view text, tone t, bool colours) {
  std::string out;
  auto escape = colours ? escape_of(t) : std::string_view{};
  out += escape;
  out += text;
  if (!escape.empty()) out += "\x1b[0m";
  return out;
}

void table::add_row(std::vector<cell> cells) {
  CARAFE_ASSERT(cells.size() == columns_.size());
  for (auto& c : cells) c.text = printable(c.text);
  rows_.push_back(std::move(cells));
}

std::string table::layout(bool colours) const {
  std::vector<std::size_t> widths;
  std::vector<cell> headings;
  for (const auto& c : columns_) {
    headings.push_back({c.heading, tone::strong});
    widths.push_back(display_width(c.heading));
  }
  for (const auto& row : rows_)
    for (std::size_t at = 0; at < row.size(); ++at)
      widths[at] = std::max(widths[at], display_width(row[at].text));
  std::string out;
  add_line(out, columns_, headings, widths, colours);
  for (const auto& row : rows_) add_line(out, columns_, row, widths, colours);
  return out;
}

} // namespace carafe::shell
