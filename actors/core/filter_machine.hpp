#pragma once

/// Internal to filters: runs a program on one message.

#include "actors/core/filter_program.hpp"

#include "carafe/result.hpp"

#include <array>

namespace carafe::core::filters {

/// Runs programs on a `Row`, which gives what a message holds: `tag()`, `key()`, and `property(n)`
/// for `properties[n]` of the program; NULL for what it has not. Nothing is allocated, and only
/// what the result depends on is asked for.
template <class Row>
class machine {
public:
  machine(const program& p, Row& row) : program_(p), row_(row) {}

  [[nodiscard]] truth run() {
    const auto& code = program_.code;
    for (std::size_t next = 0; next < code.size();) {
      const auto& i = code[next++];
      switch (i.what) {
      case opcode::text:
      case opcode::number:
      case opcode::property:
      case opcode::tag:
      case opcode::key:
        push(operand(i));
        break;
      case opcode::add:
      case opcode::subtract:
      case opcode::multiply:
      case opcode::divide:
      case opcode::negate:
        calculate(i.what);
        break;
      case opcode::compare:
      case opcode::between:
      case opcode::like:
      case opcode::is_null:
      case opcode::is_true:
        judge(i);
        break;
      case opcode::if_no_go:
        if (truths_[truth_count_ - 1] == truth::no) next = i.at;
        break;
      case opcode::if_yes_go:
        if (truths_[truth_count_ - 1] == truth::yes) next = i.at;
        break;
      case opcode::test_in:
        if (test_in()) next = i.at;
        break;
      case opcode::end_in:
        pop();
        break;
      default:
        combine(i.what);
      }
    }
    CARAFE_ASSERT(value_count_ == 0 && truth_count_ == 1);
    return truths_[0];
  }

private:
  void push(const value& v) { values_[value_count_++] = v; }
  value pop() { return values_[--value_count_]; }
  void push(truth t) { truths_[truth_count_++] = t; }
  truth pop_truth() { return truths_[--truth_count_]; }

  [[nodiscard]] value operand(const instruction& i) {
    switch (i.what) {
    case opcode::text:
      return value::of(std::string_view{program_.texts[i.at]});
    case opcode::number:
      return program_.numbers[i.at];
    case opcode::property:
      return row_.property(i.at);
    case opcode::tag:
      return row_.tag();
    default:
      return row_.key();
    }
  }

  void calculate(opcode what) {
    const auto right = pop();
    if (what == opcode::negate) return push(minus(right));
    const auto left = pop();
    switch (what) {
    case opcode::add:
      return push(compute(left, arithmetic::add, right));
    case opcode::subtract:
      return push(compute(left, arithmetic::subtract, right));
    case opcode::multiply:
      return push(compute(left, arithmetic::multiply, right));
    default:
      return push(compute(left, arithmetic::divide, right));
    }
  }

  /// Values become a truth.
  void judge(const instruction& i) {
    const auto last = pop();
    switch (i.what) {
    case opcode::compare:
      return push(filters::compare(pop(), i.how, last));
    case opcode::between: {
      const auto low = pop();
      const auto v = pop();
      return push(filters::both(filters::compare(v, relation::greater_equal, low),
                                filters::compare(v, relation::less_equal, last)));
    }
    case opcode::like:
      return push(like(program_.patterns[i.at], last));
    case opcode::is_null:
      return push(truth_of(last.kind == value_kind::null));
    default:
      return push(condition_of(last));
    }
  }

  [[nodiscard]] static truth like(const like_pattern& pattern, const value& v) {
    if (v.kind != value_kind::text || v.text().size() > pattern.text_bytes_max())
      return truth::unknown;
    return truth_of(pattern.matches(v.text()));
  }

  /// Truths become a truth.
  void combine(opcode what) {
    switch (what) {
    case opcode::yes:
      return push(truth::yes);
    case opcode::no:
    case opcode::begin_in:
      return push(truth::no);
    case opcode::invert:
      return push(negation(pop_truth()));
    case opcode::both:
      return push(filters::both(pop_truth(), pop_truth()));
    case opcode::either:
      return push(filters::either(pop_truth(), pop_truth()));
    default: {
      const auto a = pop_truth();
      const auto b = pop_truth();
      const auto known = a != truth::unknown && b != truth::unknown;
      return push(known ? truth_of(a == b) : truth::unknown);
    }
    }
  }

  [[nodiscard]] bool test_in() {
    const auto element = pop();
    auto& found = truths_[truth_count_ - 1];
    found =
      filters::either(found, filters::compare(values_[value_count_ - 1], relation::equal, element));
    return found == truth::yes;
  }

  const program& program_;
  Row& row_;
  std::size_t value_count_ = 0;
  std::size_t truth_count_ = 0;
  std::array<value, stack_max> values_;
  std::array<truth, stack_max> truths_;
};

} // namespace carafe::core::filters
