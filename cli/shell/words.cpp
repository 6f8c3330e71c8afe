#include "cli/shell/words.hpp"

namespace carafe::shell {

namespace {

/// As in a POSIX shell: between double quotes a backslash stands for itself before most characters.
bool is_escape(char quote, char next) {
  if (quote == '\'') return false;
  return quote == 0 || next == '"' || next == '\\' || next == '$' || next == '`';
}

} // namespace

scanned_line scan_line(std::string_view line) {
  scanned_line scanned;
  word current;
  auto finish = [&](std::size_t end) {
    if (!scanned.in_word) return;
    current.end = end;
    scanned.words.push_back(std::move(current));
    current = {};
    scanned.in_word = false;
  };
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    const char quote = scanned.open_quote;
    if (!quote && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
      finish(at);
      continue;
    }
    if (!scanned.in_word) {
      scanned.in_word = true;
      current.begin = at;
    }
    if (quote && c == quote)
      scanned.open_quote = 0;
    else if (!quote && (c == '\'' || c == '"'))
      scanned.open_quote = c;
    else if (c == '\\' && at + 1 < line.size() && is_escape(quote, line[at + 1]))
      current.text += line[++at];
    else
      current.text += c;
  }
  const bool in_word = scanned.in_word;
  finish(line.size());
  scanned.in_word = in_word;
  return scanned;
}

result<std::vector<std::string>> split_line(std::string_view line) {
  auto first = line.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || line[first] == '#') return std::vector<std::string>{};
  auto scanned = scan_line(line);
  if (scanned.open_quote)
    return {errc::invalid_argument,
            std::string{"the quote "} + scanned.open_quote + " is not closed"};
  std::vector<std::string> words;
  for (auto& w : scanned.words) words.push_back(std::move(w.text));
  return words;
}

std::string quoted_word(std::string_view text) {
  static constexpr std::string_view plain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+%@~";
  std::string out;
  for (char c : text) {
    // Bytes of UTF-8 characters need no backslash.
    if (plain.find(c) == std::string_view::npos && static_cast<unsigned char>(c) < 0x80)
      out += '\\';
    out += c;
  }
  return out.empty() ? "''" : out;
}

} // namespace carafe::shell
