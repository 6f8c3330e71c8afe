#pragma once

/// Internal to filters: what an expression is compiled into, for a machine with two stacks, one of
/// values and one of truths.

#include "actors/core/filter_like.hpp"
#include "actors/core/filter_value.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::core::filters {

enum class opcode : std::uint8_t {
  // Push a value.
  text,
  number,
  property,
  tag,
  key,
  // Take values and push one.
  add,
  subtract,
  multiply,
  divide,
  negate,
  // Take values and push a truth.
  compare,
  between,
  like,
  is_null,
  is_true,
  // Push a truth.
  yes,
  no,
  // Take truths and push one.
  invert,
  both,
  either,
  same,
  // Leave the truth on top where it is and go elsewhere, if it says so.
  if_no_go,
  if_yes_go,
  // IN: pushes `no`; takes an element, widens the truth on top and leaves if it is `yes`; takes
  // the value that was looked for.
  begin_in,
  test_in,
  end_in,
};

struct instruction {
  opcode what;
  /// Of `compare`.
  relation how = relation::equal;
  /// Which text, number, property or pattern; where to go.
  std::uint16_t at = 0;
};

/// How far expressions may be nested.
inline constexpr std::size_t depth_max = 64;
/// Operands and operators of one filter.
inline constexpr std::size_t nodes_max = 1'000;
/// On each of the two stacks at most four things wait at each depth: a sum, a product, and two
/// operands of BETWEEN; or the left sides of OR, AND and =, and what IN has found.
inline constexpr std::size_t stack_max = 4 * (depth_max + 2);

/// An expression, compiled. Copies are independent.
struct program {
  std::vector<instruction> code;
  std::vector<std::string> texts;
  std::vector<value> numbers;
  std::vector<like_pattern> patterns;
  /// Names of the properties that are looked at, each once.
  std::vector<std::string> properties;
  bool uses_tag = false;
  bool uses_key = false;

  /// Puts the names in order and numbers them anew in the code.
  void sort_properties();
  /// Which of `properties` this is.
  /// @pre They are in order.
  [[nodiscard]] std::optional<std::uint16_t> property_of(std::string_view name) const noexcept;
};

} // namespace carafe::core::filters
