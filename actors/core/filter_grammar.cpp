#include "actors/core/filter_grammar.hpp"

#include "actors/core/filter_compiler.hpp"
#include "actors/core/filter_error.hpp"

#include <tao/pegtl.hpp>

#include <string_view>

namespace carafe::core::filters {
namespace {

/// Actions act as soon as their rule matches, so no rule that has one may be taken back: what comes
/// after an operator, a parenthesis or NOT must match. `wanted` says what would have.
namespace grammar {

using namespace tao::pegtl;

struct spaces : star<one<' ', '\t', '\r', '\n'>> {};

// A minus or point belongs to a name if a letter, digit or `_` follows.
struct name_letter : sor<alnum, one<'_'>> {};
struct name_rest : sor<name_letter, seq<plus<one<'.', '-'>>, name_letter>> {};
struct name : seq<sor<alpha, one<'_'>>, star<name_rest>> {};

template <char... Letters>
struct keyword : seq<istring<Letters...>, not_at<name_rest>, spaces> {};
struct word_and : keyword<'a', 'n', 'd'> {};
struct word_or : keyword<'o', 'r'> {};
struct word_not : keyword<'n', 'o', 't'> {};
struct word_between : keyword<'b', 'e', 't', 'w', 'e', 'e', 'n'> {};
struct word_in : keyword<'i', 'n'> {};
struct word_like : keyword<'l', 'i', 'k', 'e'> {};
struct word_escape : keyword<'e', 's', 'c', 'a', 'p', 'e'> {};
struct word_is : keyword<'i', 's'> {};
struct word_null : keyword<'n', 'u', 'l', 'l'> {};
struct word_true : keyword<'t', 'r', 'u', 'e'> {};
struct word_false : keyword<'f', 'a', 'l', 's', 'e'> {};
struct reserved : sor<word_and, word_or, word_not, word_between, word_in, word_like, word_escape,
                      word_is, word_null, word_true, word_false> {};

struct quote : one<'\''> {
  static constexpr std::string_view wanted = "a closing quote (')";
};
struct quoted_text : seq<quote, star<sor<two<'\''>, not_one<'\''>>>, must<quote>> {};
struct double_quote : one<'"'> {
  static constexpr std::string_view wanted = "a closing quote (\")";
};
struct quoted_name : seq<double_quote, star<sor<two<'"'>, not_one<'"'>>>, must<double_quote>> {};
struct exponent : seq<one<'e', 'E'>, opt<one<'+', '-'>>, plus<digit>> {};
struct decimal : sor<seq<plus<digit>, opt<one<'.'>>, star<digit>>, seq<one<'.'>, plus<digit>>> {};
struct number : seq<opt<one<'-'>>, decimal, opt<exponent>> {};
struct text : seq<quoted_text> {};
struct plain_name : seq<not_at<reserved>, name> {};

struct condition;
struct sum;
struct unary;

struct open : one<'('> {};
struct close : one<')'> {
  static constexpr std::string_view wanted = "an operator or ')'";
};
struct inner;
struct group : seq<open, spaces, must<inner>, must<close>, spaces> {};
struct primary
  : sor<group, word_true, word_false, seq<sor<text, number, plain_name, quoted_name>, spaces>> {};
struct minus_sign : one<'-'> {};
struct negative : seq<minus_sign, spaces, must<unary>> {};
struct unary : sor<primary, negative> {
  static constexpr std::string_view wanted = "a value";
};
struct times : seq<one<'*'>, spaces, must<unary>> {};
struct divided : seq<one<'/'>, spaces, must<unary>> {};
struct product : seq<unary, star<sor<times, divided>>> {
  static constexpr std::string_view wanted = "a value";
};
struct plus_that : seq<one<'+'>, spaces, must<product>> {};
struct minus_that : seq<one<'-'>, spaces, must<product>> {};
struct sum : seq<product, star<sor<plus_that, minus_that>>> {
  static constexpr std::string_view wanted = "a value";
};

template <relation How, char... Sign>
struct compared : seq<string<Sign...>, spaces, must<sum>> {};
struct comparison
  : sor<compared<relation::less_equal, '<', '='>, compared<relation::unequal, '<', '>'>,
        compared<relation::unequal, '!', '='>, compared<relation::greater_equal, '>', '='>,
        compared<relation::less, '<'>, compared<relation::greater, '>'>,
        compared<relation::equal, '='>> {};

struct between_and : word_and {
  static constexpr std::string_view wanted = "AND";
};
struct between : seq<word_between, must<sum>, must<between_and>, must<sum>> {};
struct list_open : one<'('> {};
struct list_close : one<')'> {
  static constexpr std::string_view wanted = "',' or ')'";
};
struct element : sum {};
struct in_list : seq<list_open, spaces, must<element>, star<one<','>, spaces, must<element>>,
                     must<list_close>, spaces> {
  static constexpr std::string_view wanted = "'('";
};
struct in_begin : word_in {};
struct in : seq<in_begin, must<in_list>> {};
struct pattern : seq<quoted_text> {
  static constexpr std::string_view wanted = "a text in single quotes";
};
struct escape : seq<quoted_text> {
  static constexpr std::string_view wanted = "a text in single quotes";
};
struct like : seq<word_like, must<pattern>, spaces, opt<word_escape, must<escape>, spaces>> {};
struct is_null : word_null {
  static constexpr std::string_view wanted = "NULL";
};
struct is_not_null : seq<word_not, must<is_null>> {};
struct null_or_not_null : sor<is_null, is_not_null> {
  static constexpr std::string_view wanted = "NULL or NOT NULL";
};
struct tested : seq<word_is, must<null_or_not_null>> {};
struct between_in_or_like : sor<between, in, like> {
  static constexpr std::string_view wanted = "BETWEEN, IN or LIKE";
};
struct not_that : seq<word_not, must<between_in_or_like>> {};
struct predicate : seq<sum, opt<sor<comparison, between_in_or_like, not_that, tested>>> {};

struct negation;
struct not_sign : word_not {};
struct inverted : seq<not_sign, must<negation>> {};
struct negation : sor<inverted, predicate> {
  static constexpr std::string_view wanted = "a condition";
};
struct and_sign : word_and {};
struct and_that : seq<and_sign, must<negation>> {};
struct conjunction : seq<negation, star<and_that>> {
  static constexpr std::string_view wanted = "a condition";
};
struct or_sign : word_or {};
struct or_that : seq<or_sign, must<conjunction>> {};
struct condition : seq<conjunction, star<or_that>> {
  static constexpr std::string_view wanted = "a condition";
};
struct inner : condition {
  static constexpr std::string_view wanted = "a condition or value";
};
struct end : eof {
  static constexpr std::string_view wanted = "an operator or the end";
};
struct sql : seq<spaces, must<condition>, must<end>> {};

struct tag : plus<not_one<' ', '\t', '\r', '\n', '|'>> {
  static constexpr std::string_view wanted = "a tag";
};
struct everything : seq<one<'*'>, not_at<tag>> {};
struct tag_or_everything : tag {
  static constexpr std::string_view wanted = "a tag or '*'";
};
struct list_begin : success {};
struct tag_list : seq<list_begin, must<tag_or_everything>, spaces,
                      star<string<'|', '|'>, spaces, must<tag>, spaces>> {};
struct all_end : eof {
  static constexpr std::string_view wanted = "the end";
};
struct tags_end : eof {
  static constexpr std::string_view wanted = "'||' or the end";
};
struct tags
  : seq<spaces, sor<seq<everything, spaces, must<all_end>>, seq<tag_list, must<tags_end>>>> {};

} // namespace grammar

/// Throws where PEGTL would throw an exception of its own: where a rule had to match and did not.
template <class Rule>
struct control : tao::pegtl::normal<Rule> {
  template <class Input>
  [[noreturn]] static void raise(const Input& in, compiler&) {
    const auto text = std::string_view{in.begin(), static_cast<std::size_t>(in.end() - in.begin())};
    const auto at = static_cast<std::size_t>(in.current() - in.begin());
    throw unexpected(text, at, Rule::wanted);
  }
};

/// Where in the text a match begins.
template <class Input>
[[nodiscard]] std::size_t place(const Input& matched) {
  return static_cast<std::size_t>(matched.begin() - matched.input().begin());
}

/// What a rule does when it has matched, given the matched text and its place.
template <class Rule>
struct action : tao::pegtl::nothing<Rule> {};

template <void (compiler::*Do)(std::size_t, std::string_view)>
struct with_text {
  template <class Input>
  static void apply(const Input& in, compiler& to) {
    (to.*Do)(place(in), in.string_view());
  }
};

template <void (compiler::*... Do)()>
struct without_text {
  static void apply0(compiler& to) { ((to.*Do)(), ...); }
};

template <opcode How>
struct calculation {
  static void apply0(compiler& to) { to.calculate(How); }
};

template <bool Yes>
struct constant {
  template <class Input>
  static void apply(const Input& in, compiler& to) {
    to.truth(place(in), Yes);
  }
};

struct nesting {
  template <class Input>
  static void apply(const Input& in, compiler& to) {
    to.enter(place(in));
  }
};

// clang-format off
template <> struct action<grammar::text> : with_text<&compiler::text> {};
template <> struct action<grammar::number> : with_text<&compiler::number> {};
template <> struct action<grammar::plain_name> : with_text<&compiler::name> {};
template <> struct action<grammar::quoted_name> : with_text<&compiler::quoted_name> {};
template <> struct action<grammar::word_true> : constant<true> {};
template <> struct action<grammar::word_false> : constant<false> {};
template <> struct action<grammar::open> : nesting {};
template <> struct action<grammar::close> : without_text<&compiler::leave> {};
template <> struct action<grammar::minus_sign> : nesting {};
template <> struct action<grammar::negative> : without_text<&compiler::negate, &compiler::leave> {};
template <> struct action<grammar::times> : calculation<opcode::multiply> {};
template <> struct action<grammar::divided> : calculation<opcode::divide> {};
template <> struct action<grammar::plus_that> : calculation<opcode::add> {};
template <> struct action<grammar::minus_that> : calculation<opcode::subtract> {};
template <relation How, char... Sign>
struct action<grammar::compared<How, Sign...>> {
  static void apply0(compiler& to) { to.compare(How); }
};
template <> struct action<grammar::between> : without_text<&compiler::between> {};
template <> struct action<grammar::in_begin> : without_text<&compiler::begin_in> {};
template <> struct action<grammar::element> : without_text<&compiler::element_of_in> {};
template <> struct action<grammar::in> : without_text<&compiler::end_in> {};
template <> struct action<grammar::pattern> : with_text<&compiler::pattern> {};
template <> struct action<grammar::escape> : with_text<&compiler::escape> {};
template <> struct action<grammar::like> : without_text<&compiler::like> {};
template <> struct action<grammar::is_null> : without_text<&compiler::is_null> {};
template <> struct action<grammar::is_not_null> : without_text<&compiler::invert> {};
template <> struct action<grammar::not_that> : without_text<&compiler::invert> {};
template <> struct action<grammar::not_sign> : nesting {};
template <> struct action<grammar::inverted> : without_text<&compiler::invert, &compiler::leave> {};
template <> struct action<grammar::and_sign> : without_text<&compiler::begin_and> {};
template <> struct action<grammar::and_that> : without_text<&compiler::end_and> {};
template <> struct action<grammar::or_sign> : without_text<&compiler::begin_or> {};
template <> struct action<grammar::or_that> : without_text<&compiler::end_or> {};
template <> struct action<grammar::everything> : constant<true> {};
template <> struct action<grammar::list_begin> : without_text<&compiler::begin_tags> {};
template <> struct action<grammar::tag> : with_text<&compiler::listed_tag> {};
template <> struct action<grammar::tag_or_everything> : with_text<&compiler::listed_tag> {};
template <> struct action<grammar::tag_list> : without_text<&compiler::end_in> {};
// clang-format on

template <class Rule>
[[nodiscard]] result<program> parse(std::string_view text) {
  using input = tao::pegtl::memory_input<tao::pegtl::tracking_mode::lazy>;
  try {
    auto to = compiler{};
    auto in = input{text.data(), text.data() + text.size(), ""};
    // Rules that must match throw, so that nothing else is left.
    const auto matched = tao::pegtl::parse<Rule, action, control>(in, to);
    CARAFE_ASSERT(matched);
    return to.finish();
  } catch (const rejected& why) {
    return to_failure(text, why);
  }
}

} // namespace

result<program> parse_tags(std::string_view text) { return parse<grammar::tags>(text); }

result<program> parse_sql(std::string_view text) { return parse<grammar::sql>(text); }

} // namespace carafe::core::filters
