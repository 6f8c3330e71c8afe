#include "actors/core/filter_compiler.hpp"

#include "carafe/result.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core::filters {
namespace {

/// As of names in a batch.
constexpr std::size_t tag_bytes_max = 255;

/// What stands between quotes; two quotes are one.
[[nodiscard]] std::string without_quotes(std::string_view quoted) {
  const auto quote = quoted.front();
  std::string out;
  for (auto rest = quoted.substr(1, quoted.size() - 2); !rest.empty();) {
    const auto c = rest.front();
    out += c;
    rest.remove_prefix(c == quote ? 2 : 1);
  }
  return out;
}

/// An index into one of the program's lists, none of which has more elements than there are nodes.
[[nodiscard]] std::uint16_t index(std::size_t at) {
  CARAFE_ASSERT(at <= 0xffff);
  return static_cast<std::uint16_t>(at);
}

} // namespace

std::string compiler::name_of(kind k) {
  switch (k) {
  case kind::text:
    return "a text";
  case kind::number:
    return "a number";
  case kind::name:
    return "a name";
  case kind::condition:
    return "a condition";
  }
  return {};
}

void compiler::count_node(std::size_t at) {
  if (++nodes_ > nodes_max)
    throw rejected{at, "more than " + std::to_string(nodes_max) + " operands and operators"};
}

void compiler::enter(std::size_t at) {
  if (++depth_ > depth_max)
    throw rejected{at, "nested more than " + std::to_string(depth_max) + " deep"};
}

void compiler::push(operand o, instruction i) {
  count_node(o.at);
  emit(i);
  operands_.push_back(o);
}

compiler::operand compiler::take() {
  CARAFE_ASSERT(!operands_.empty());
  const auto top = operands_.back();
  operands_.pop_back();
  return top;
}

compiler::operand compiler::take_value() {
  const auto top = take();
  if (top.is == kind::condition)
    throw rejected{top.at, "expected a value, found " + name_of(top.is)};
  return top;
}

void compiler::push_condition(std::size_t at, instruction i) { push({kind::condition, at}, i); }

void compiler::push_text(std::size_t at, std::string text) {
  out_.texts.push_back(std::move(text));
  push({kind::text, at}, {.what = opcode::text, .at = index(out_.texts.size() - 1)});
}

void compiler::text(std::size_t at, std::string_view quoted) {
  push_text(at, without_quotes(quoted));
}

void compiler::number(std::size_t at, std::string_view digits) {
  const auto v = number_of(digits);
  if (v.kind == value_kind::null) throw rejected{at, "the number is too large or too small"};
  out_.numbers.push_back(v);
  push({kind::number, at}, {.what = opcode::number, .at = index(out_.numbers.size() - 1)});
}

void compiler::name(std::size_t at, std::string_view name) {
  if (is_word(name, "tags") || is_word(name, "tag")) {
    out_.uses_tag = true;
    return push({kind::name, at}, {.what = opcode::tag});
  }
  if (is_word(name, "keys") || is_word(name, "key")) {
    out_.uses_key = true;
    return push({kind::name, at}, {.what = opcode::key});
  }
  property(at, std::string{name});
}

void compiler::quoted_name(std::size_t at, std::string_view quoted) {
  auto name = without_quotes(quoted);
  if (name.empty()) throw rejected{at, "expected a name between the quotes"};
  property(at, std::move(name));
}

void compiler::property(std::size_t at, std::string name) {
  auto& names = out_.properties;
  const auto known = std::find(names.begin(), names.end(), name);
  const auto number = index(static_cast<std::size_t>(known - names.begin()));
  if (known == names.end()) names.push_back(std::move(name));
  push({kind::name, at}, {.what = opcode::property, .at = number});
}

void compiler::truth(std::size_t at, bool yes) {
  push_condition(at, {.what = yes ? opcode::yes : opcode::no});
}

void compiler::calculate(opcode how) {
  take_value();
  const auto left = take_value();
  push({kind::number, left.at}, {.what = how});
}

void compiler::negate() {
  const auto of = take_value();
  push({kind::number, of.at}, {.what = opcode::negate});
}

void compiler::compare(relation how) {
  const auto right = take();
  const auto left = take();
  if (left.is == kind::condition || right.is == kind::condition)
    return compare_conditions(how, left, right);
  push_condition(left.at, {.what = opcode::compare, .how = how});
}

void compiler::compare_conditions(relation how, operand left, operand right) {
  if (how != relation::equal && how != relation::unequal)
    throw rejected{left.at, "conditions can be compared only with = and <>"};
  for (const auto& side : {left, right}) {
    if (side.is == kind::condition) continue;
    if (side.is != kind::name)
      throw rejected{side.at, "expected a condition or a name, found " + name_of(side.is)};
    emit({.what = opcode::is_true});
  }
  push_condition(left.at, {.what = opcode::same});
  if (how == relation::unequal) emit({.what = opcode::invert});
}

void compiler::between() {
  take_value();
  take_value();
  const auto of = take_value();
  push_condition(of.at, {.what = opcode::between});
}

void compiler::is_null() {
  const auto of = take_value();
  push_condition(of.at, {.what = opcode::is_null});
}

void compiler::pattern(std::size_t at, std::string_view quoted) {
  pattern_at_ = at;
  pattern_ = without_quotes(quoted);
  escape_.reset();
}

void compiler::escape(std::size_t at, std::string_view quoted) {
  const auto text = without_quotes(quoted);
  if (text.size() != 1) throw rejected{at, "expected one ASCII character after ESCAPE"};
  escape_ = text.front();
}

void compiler::like() {
  const auto of = take_value();
  if (of.is == kind::number) throw rejected{of.at, "expected a text before LIKE, found a number"};
  auto compiled = like_pattern::of(pattern_, escape_);
  if (!compiled)
    throw rejected{pattern_at_, "the escape character may stand only before %, _ and itself"};
  out_.patterns.push_back(std::move(*compiled));
  count_node(pattern_at_);
  push_condition(of.at, {.what = opcode::like, .at = index(out_.patterns.size() - 1)});
}

void compiler::begin_in() {
  const auto of = take_value();
  operands_.push_back(of);
  push_condition(of.at, {.what = opcode::begin_in});
  lists_.push_back(jumps_.size());
}

void compiler::element_of_in() {
  take_value();
  jumps_.push_back(out_.code.size());
  emit({.what = opcode::test_in});
}

void compiler::end_in() {
  for (; jumps_.size() > lists_.back(); jumps_.pop_back()) land(jumps_.back());
  lists_.pop_back();
  emit({.what = opcode::end_in});
  const auto found = take();
  take();
  operands_.push_back(found);
}

void compiler::begin_tags() {
  name(0, "TAGS");
  begin_in();
}

void compiler::listed_tag(std::size_t at, std::string_view tag) {
  if (tag == "*") throw rejected{at, "'*' stands alone"};
  if (tag.size() > tag_bytes_max)
    throw rejected{at, "a tag has at most " + std::to_string(tag_bytes_max) + " bytes"};
  push_text(at, std::string{tag});
  element_of_in();
}

void compiler::begin_junction(opcode go) {
  require_condition();
  jumps_.push_back(out_.code.size());
  emit({.what = go});
}

void compiler::end_junction(opcode how) {
  require_condition();
  take();
  const auto left = take();
  push_condition(left.at, {.what = how});
  land(jumps_.back());
  jumps_.pop_back();
}

/// The jump goes to the next instruction.
void compiler::land(std::size_t jump) { out_.code[jump].at = index(out_.code.size()); }

void compiler::invert() {
  require_condition();
  count_node(operands_.back().at);
  emit({.what = opcode::invert});
}

void compiler::require_condition() {
  auto& top = operands_.back();
  if (top.is == kind::condition) return;
  if (top.is != kind::name)
    throw rejected{top.at, "expected a condition, found " + name_of(top.is)};
  emit({.what = opcode::is_true});
  top.is = kind::condition;
}

program compiler::finish() {
  require_condition();
  take();
  CARAFE_ASSERT(operands_.empty() && jumps_.empty() && lists_.empty() && depth_ == 0);
  out_.sort_properties();
  return std::move(out_);
}

} // namespace carafe::core::filters
