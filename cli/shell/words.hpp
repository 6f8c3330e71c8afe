#pragma once

#include <carafe/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// A word of a typed line, without its quotes.
struct word {
  std::string text;
  /// Where it begins in the line, its quotes included.
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct scanned_line {
  std::vector<word> words;
  /// The quote that is still open at the end, or 0.
  char open_quote = 0;
  /// The line ends right after a word, not after a blank.
  bool in_word = false;
};

/// Splits as a POSIX shell does: blanks separate, '...' is taken as it is, in "..." and outside a
/// backslash takes the next character as it is.
[[nodiscard]] scanned_line scan_line(std::string_view line);

/// The words of a whole line; none for an empty one and for a comment (first character `#`).
/// @errors invalid_argument  a quote is not closed.
result<std::vector<std::string>> split_line(std::string_view line);

/// `text` as one word of a line.
[[nodiscard]] std::string quoted_word(std::string_view text);

} // namespace carafe::shell
