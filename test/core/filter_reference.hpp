#pragma once

/// Expressions of filters as trees, told naively: made at random, written as text, and evaluated
/// without any of the code that filters are made of.

#include "test/core/dice.hpp"
#include "test/core/filter_message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace carafe::test {

enum class node_kind {
  // Values.
  text,
  number,
  name,
  tag,
  key,
  minus,
  /// `word` is the sign.
  arithmetic,
  // Conditions.
  constant,
  name_as_condition,
  /// `word` is the sign.
  comparison,
  /// Of conditions.
  sameness,
  between,
  in,
  like,
  is_null,
  negation,
  conjunction,
  disjunction,
};

struct node {
  node_kind kind = node_kind::constant;
  /// A text, digits, a property's name, a pattern, a sign.
  std::string word;
  std::vector<node> parts;
  /// NOT BETWEEN and the like; of a constant: FALSE.
  bool inverted = false;
  std::optional<char> escape;
};

/// A condition, nested at most `depth` deep.
[[nodiscard]] node random_condition(dice& d, std::size_t depth);

/// A message with the names, and of the kinds of text, that random conditions look for.
[[nodiscard]] filtered_message random_message(dice& d);

/// One of many ways to write it.
[[nodiscard]] std::string written(const node& n, dice& d);

/// Nothing: unknown.
[[nodiscard]] std::optional<bool> holds(const node& condition, const filtered_message& message);

} // namespace carafe::test
