#pragma once

/// Internal to filters: makes a program out of what the grammar finds, in the order in which it
/// finds it, and holds the limits.

#include "actors/core/filter_error.hpp"
#include "actors/core/filter_program.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::core::filters {

/// Operators are told after their operands; those that may skip the second one, before it too.
/// `at` is a place in the text. Everything throws `rejected`.
class compiler {
public:
  void text(std::size_t at, std::string_view quoted);
  void number(std::size_t at, std::string_view digits);
  /// A property, or what a reserved name stands for.
  void name(std::size_t at, std::string_view name);
  void quoted_name(std::size_t at, std::string_view quoted);
  void truth(std::size_t at, bool yes);

  /// @param how  One of `add`, `subtract`, `multiply`, `divide`.
  void calculate(opcode how);
  void negate();
  void compare(relation how);
  void between();
  void is_null();
  void pattern(std::size_t at, std::string_view quoted);
  void escape(std::size_t at, std::string_view quoted);
  void like();
  void begin_in();
  void element_of_in();
  void end_in();

  /// `TAGS IN (`, for a list of nothing but tags; `end_in` ends it.
  void begin_tags();
  void listed_tag(std::size_t at, std::string_view tag);

  void begin_and() { begin_junction(opcode::if_no_go); }
  void end_and() { end_junction(opcode::both); }
  void begin_or() { begin_junction(opcode::if_yes_go); }
  void end_or() { end_junction(opcode::either); }
  void invert();

  /// Into and out of a parenthesis, NOT or unary minus.
  void enter(std::size_t at);
  void leave() { --depth_; }

  [[nodiscard]] program finish();

private:
  enum class kind { text, number, name, condition };
  struct operand {
    kind is;
    std::size_t at;
  };

  void count_node(std::size_t at);
  void push(operand o, instruction i);
  void push_text(std::size_t at, std::string text);
  void property(std::size_t at, std::string name);
  operand take();
  operand take_value();
  void push_condition(std::size_t at, instruction i);
  void emit(instruction i) { out_.code.push_back(i); }
  /// Makes the top a condition.
  void require_condition();
  void compare_conditions(relation how, operand left, operand right);
  void begin_junction(opcode go);
  void end_junction(opcode how);
  void land(std::size_t jump);
  [[nodiscard]] static std::string name_of(kind k);

  program out_;
  std::vector<operand> operands_;
  /// Instructions that do not know yet where they go.
  std::vector<std::size_t> jumps_;
  /// For each IN that is open how many of `jumps_` are older.
  std::vector<std::size_t> lists_;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;
  std::size_t pattern_at_ = 0;
  std::string pattern_;
  std::optional<char> escape_;
};

} // namespace carafe::core::filters
