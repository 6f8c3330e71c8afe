#include "test/core/filter_reference.hpp"

#include <string>
#include <vector>

namespace carafe::test {
namespace {

const std::vector<std::string> names{"a",  "b",         "price", "x-y.z",
                                     "_1", "two words", "TAGS",  "say \"so\""};
const std::vector<std::string> texts{"",
                                     "a",
                                     "ab",
                                     "abc",
                                     "true",
                                     "FALSE",
                                     "0",
                                     "1",
                                     "-3",
                                     "7",
                                     "2.5",
                                     "1e2",
                                     "100",
                                     "+4",
                                     ".5",
                                     "5.",
                                     "nan",
                                     "0x10",
                                     " 1",
                                     "1e999",
                                     "-0.0",
                                     "a%b",
                                     "a_b",
                                     "it's",
                                     "\xc3\xa4",
                                     "\xc3\xa4\x80z",
                                     "\x80",
                                     "9223372036854775807",
                                     "9223372036854775808",
                                     "-9223372036854775808",
                                     "9007199254740993",
                                     "9007199254740992.0",
                                     "1e308"};
const std::vector<std::string> numbers{"0",
                                       "1",
                                       "7",
                                       "-3",
                                       "2.5",
                                       "1e2",
                                       "100.0",
                                       "-0.5",
                                       ".5",
                                       "5.",
                                       "1e308",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "9007199254740993",
                                       "9007199254740992.0"};
const std::vector<std::string> pieces{"%",        "_",    "a",  "b", "%", "_",
                                      "\xc3\xa4", "\x80", "it", "'", "1"};
const std::vector<std::string> signs{"=", "<>", "!=", "<", "<=", ">", ">="};

node leaf(node_kind kind, std::string word) {
  node n;
  n.kind = kind;
  n.word = std::move(word);
  return n;
}

node random_value(dice& d, std::size_t depth) {
  if (depth > 0 && d.percent(35)) {
    if (d.percent(25)) {
      auto n = leaf(node_kind::minus, "");
      n.parts = {random_value(d, depth - 1)};
      return n;
    }
    auto n = leaf(node_kind::arithmetic, std::string(1, "+-*/"[d.below(4)]));
    n.parts = {random_value(d, depth - 1), random_value(d, depth - 1)};
    return n;
  }
  switch (d.below(6)) {
  case 0:
    return leaf(node_kind::text, d.pick(texts));
  case 1:
    return leaf(node_kind::number, d.pick(numbers));
  case 2:
    return leaf(d.percent(50) ? node_kind::tag : node_kind::key, "");
  default:
    return leaf(node_kind::name, d.pick(names));
  }
}

bool is_text(const node& n) {
  return n.kind == node_kind::text || n.kind == node_kind::name || n.kind == node_kind::tag ||
         n.kind == node_kind::key;
}

node random_like(dice& d) {
  auto n = leaf(node_kind::like, "");
  do n.parts = {random_value(d, 0)};
  while (!is_text(n.parts[0]));
  if (d.percent(30)) n.escape = d.percent(50) ? '!' : '%';
  for (auto left = d.below(6); left > 0; --left) {
    if (n.escape && d.percent(30)) {
      n.word += *n.escape;
      n.word += d.percent(50) ? '_' : *n.escape;
    } else if (const auto& piece = d.pick(pieces); !n.escape || piece[0] != *n.escape) {
      n.word += piece;
    }
  }
  return n;
}

node random_predicate(dice& d, std::size_t depth) {
  auto n = node{};
  switch (d.below(8)) {
  case 0:
    return leaf(node_kind::constant, "");
  case 1:
    return leaf(node_kind::name_as_condition, d.pick(names));
  case 2:
    n = leaf(node_kind::between, "");
    for (int i = 0; i < 3; ++i) n.parts.push_back(random_value(d, depth));
    return n;
  case 3:
    n = leaf(node_kind::in, "");
    for (auto left = d.between(2, 5); left > 0; --left) n.parts.push_back(random_value(d, depth));
    return n;
  case 4:
    return random_like(d);
  case 5:
    n = leaf(node_kind::is_null, "");
    n.parts = {random_value(d, depth)};
    return n;
  default:
    n = leaf(node_kind::comparison, d.pick(signs));
    n.parts = {random_value(d, depth), random_value(d, depth)};
    return n;
  }
}

bool can_be_inverted(node_kind kind) {
  return kind == node_kind::constant || kind == node_kind::between || kind == node_kind::in ||
         kind == node_kind::like || kind == node_kind::is_null;
}

} // namespace

node random_condition(dice& d, std::size_t depth) {
  if (depth == 0 || d.percent(30)) {
    auto n = random_predicate(d, depth);
    n.inverted = can_be_inverted(n.kind) && d.percent(40);
    return n;
  }
  auto n = node{};
  if (d.percent(20)) {
    n.kind = node_kind::negation;
    n.parts = {random_condition(d, depth - 1)};
    return n;
  }
  const std::vector<node_kind> kinds{node_kind::conjunction, node_kind::disjunction,
                                     node_kind::conjunction, node_kind::disjunction,
                                     node_kind::sameness};
  n.kind = d.pick(kinds);
  n.word = d.percent(50) ? "=" : "<>";
  n.parts = {random_condition(d, depth - 1), random_condition(d, depth - 1)};
  const auto two_names = n.parts[0].kind == node_kind::name_as_condition &&
                         n.parts[1].kind == node_kind::name_as_condition;
  if (n.kind == node_kind::sameness && two_names) n.kind = node_kind::conjunction;
  return n;
}

filtered_message random_message(dice& d) {
  filtered_message m;
  for (auto left = d.below(7); left > 0; --left)
    m.properties.emplace_back(d.pick(names), d.pick(texts));
  if (d.percent(20)) m.properties.emplace_back("other", "x");
  if (d.percent(60)) m.tag = d.percent(50) ? "a" : "1";
  if (d.percent(60)) m.key = d.pick(texts);
  return m;
}

} // namespace carafe::test
