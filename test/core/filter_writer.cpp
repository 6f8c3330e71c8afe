#include "test/core/filter_reference.hpp"

#include <cctype>

namespace carafe::test {
namespace {

/// How tightly it holds together; a part that holds less tightly than needed gets parentheses.
int level_of(node_kind kind) {
  switch (kind) {
  case node_kind::disjunction:
    return 1;
  case node_kind::conjunction:
    return 2;
  case node_kind::negation:
    return 3;
  case node_kind::comparison:
  case node_kind::sameness:
  case node_kind::between:
  case node_kind::in:
  case node_kind::like:
  case node_kind::is_null:
    return 4;
  case node_kind::minus:
    return 7;
  default:
    return 8;
  }
}

int level_of(const node& n) {
  if (n.kind == node_kind::arithmetic) return n.word == "+" || n.word == "-" ? 5 : 6;
  return level_of(n.kind);
}

std::string quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const auto c : text) out += c == quote ? std::string(2, c) : std::string(1, c);
  return out + quote;
}

class writer {
public:
  explicit writer(dice& d) : dice_(d) {}

  std::string at_least(int level, const node& n) {
    if (level_of(n) >= level && !dice_.percent(10)) return text_of(n);
    return "(" + gap() + text_of(n) + gap() + ")";
  }

private:
  std::string gap() { return std::string(dice_.below(2), ' '); }
  std::string space() { return dice_.percent(90) ? " " : "\t\n "; }

  std::string word(std::string letters) {
    for (auto& c : letters) {
      if (dice_.percent(20)) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return letters;
  }
  std::string between_spaces(const std::string& letters) {
    return space() + word(letters) + space();
  }

  std::string name(const std::string& text) {
    const auto needs_quotes = text.find_first_of(" \"") != std::string::npos || text == "TAGS";
    return needs_quotes || dice_.percent(20) ? quoted(text, '"') : text;
  }

  std::string infix(const node& n, int left, const std::string& sign, int right) {
    return at_least(left, n.parts[0]) + sign + at_least(right, n.parts[1]);
  }

  std::string list(const node& n) {
    std::string out;
    for (std::size_t i = 1; i < n.parts.size(); ++i)
      out += (i == 1 ? "" : "," + gap()) + at_least(5, n.parts[i]);
    return "(" + gap() + out + gap() + ")";
  }

  std::string value(const node& n) {
    switch (n.kind) {
    case node_kind::text:
      return quoted(n.word, '\'');
    case node_kind::number:
      return n.word;
    case node_kind::tag:
      return word(dice_.percent(50) ? "TAGS" : "TAG");
    case node_kind::key:
      return word(dice_.percent(50) ? "KEYS" : "KEY");
    case node_kind::minus:
      return "- " + at_least(7, n.parts[0]);
    case node_kind::arithmetic: {
      const auto own = level_of(n);
      return infix(n, own, " " + n.word + gap(), own + 1);
    }
    default:
      return name(n.word);
    }
  }

  std::string predicate(const node& n, const std::string& maybe_not) {
    const auto subject = at_least(5, n.parts[0]);
    switch (n.kind) {
    case node_kind::between:
      return subject + maybe_not + between_spaces("BETWEEN") + at_least(5, n.parts[1]) +
             between_spaces("AND") + at_least(5, n.parts[2]);
    case node_kind::in:
      return subject + maybe_not + space() + word("IN") + gap() + list(n);
    case node_kind::like:
      return subject + maybe_not + between_spaces("LIKE") + quoted(n.word, '\'') +
             (n.escape ? between_spaces("ESCAPE") + quoted(std::string(1, *n.escape), '\'') : "");
    default:
      return subject + space() + word("IS") + maybe_not + space() + word("NULL");
    }
  }

  std::string text_of(const node& n) {
    switch (n.kind) {
    case node_kind::constant:
      return word(n.inverted ? "FALSE" : "TRUE");
    case node_kind::comparison:
      return infix(n, 5, gap() + n.word + gap(), 5);
    case node_kind::sameness:
      return infix(n, 8, gap() + n.word + gap(), 8);
    case node_kind::negation:
      return word("NOT") + space() + at_least(3, n.parts[0]);
    case node_kind::conjunction:
      return infix(n, 2, between_spaces("AND"), 3);
    case node_kind::disjunction:
      return infix(n, 1, between_spaces("OR"), 2);
    case node_kind::between:
    case node_kind::in:
    case node_kind::like:
    case node_kind::is_null:
      return predicate(n, n.inverted ? space() + word("NOT") : "");
    default:
      return value(n);
    }
  }

  dice& dice_;
};

} // namespace

std::string written(const node& n, dice& d) { return writer{d}.at_least(0, n); }

} // namespace carafe::test
