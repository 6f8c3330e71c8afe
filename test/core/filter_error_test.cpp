#include "actors/core/filter.hpp"

#include "test/core/filter_message.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

struct row {
  std::string_view text;
  std::string_view detail;
};

void check(filter_kind kind, const std::vector<row>& table) {
  for (const auto& [text, detail] : table) {
    INFO(text);
    const auto parsed = filter::parse(kind, text);
    REQUIRE(parsed.code() == errc::filter_invalid);
    CHECK(parsed.error().detail == detail);
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string detail_of(const std::string& text) {
  const auto parsed = filter::parse(filter_kind::sql, text);
  return parsed ? "" : parsed.error().detail;
}

} // namespace

TEST_CASE("A syntax error names the column, and what was expected and found") {
  check(filter_kind::sql,
        {{"", "column 1: expected a condition, found the end"},
         {"   ", "column 4: expected a condition, found the end"},
         {"a =", "column 4: expected a value after '=', found the end"},
         {"amount    = AND b", "column 13: expected a value after '=', found 'AND'"},
         {"a = = 1", "column 5: expected a value after '=', found '='"},
         {"a == 1", "column 4: expected a value after '=', found '='"},
         {"a = NULL", "column 5: expected a value after '=', found 'NULL'"},
         {"a b", "column 3: expected an operator or the end after 'a', found 'b'"},
         {"a = 1 b = 2", "column 7: expected an operator or the end after '1', found 'b'"},
         {"a = 1 = 2", "column 7: expected an operator or the end after '1', found '='"},
         {"(a = 1", "column 7: expected an operator or ')' after '1', found the end"},
         {"a = 1)", "column 6: expected an operator or the end after '1', found ')'"},
         {"()", "column 2: expected a condition or value after '(', found ')'"},
         {"a AND", "column 6: expected a condition after 'AND', found the end"},
         {"a OR OR b", "column 6: expected a condition after 'OR', found 'OR'"},
         {"NOT", "column 4: expected a condition after 'NOT', found the end"},
         {"a + = 1", "column 5: expected a value after '+', found '='"},
         {"a = 2 * ", "column 9: expected a value after '*', found the end"},
         {"- = 1", "column 3: expected a value after '-', found '='"},
         {"a BETWEEN 1", "column 12: expected AND after '1', found the end"},
         {"a BETWEEN 1 OR 2", "column 13: expected AND after '1', found 'OR'"},
         {"a NOT = 1", "column 7: expected BETWEEN, IN or LIKE after 'NOT', found '='"},
         {"a IN 1", "column 6: expected '(' after 'IN', found '1'"},
         {"a IN ()", "column 7: expected a value after '(', found ')'"},
         {"a IN (1 2)", "column 9: expected ',' or ')' after '1', found '2'"},
         {"a IN (1,)", "column 9: expected a value after ',', found ')'"},
         {"a LIKE b", "column 8: expected a text in single quotes after 'LIKE', found 'b'"},
         {"a LIKE 'b' ESCAPE",
          "column 18: expected a text in single quotes after 'ESCAPE', found the end"},
         {"a IS 1", "column 6: expected NULL or NOT NULL after 'IS', found '1'"},
         {"a IS NOT 1", "column 10: expected NULL after 'NOT', found '1'"},
         {"a = 'b", "column 7: expected a closing quote (') after 'b', found the end"},
         {"\"a = 1", "column 7: expected a closing quote (\") after '1', found the end"},
         {"a = ?", "column 5: expected a value after '=', found '?'"},
         {"a = 1 ; drop", "column 7: expected an operator or the end after '1', found ';'"},
         {"a = 0x10", "column 6: expected an operator or the end after '0', found 'x10'"},
         {"a ! b", "column 3: expected an operator or the end after 'a', found '!'"}});
}

TEST_CASE("Columns count characters, and bytes that cannot be shown have numbers") {
  check(filter_kind::sql,
        {{"\"\xc3\xb6\xc3\xa4\" == 1", "column 7: expected a value after '=', found '='"},
         {"a = \xc3\xb6", "column 5: expected a value after '=', found byte 0xC3"},
         {{"a = \0", 5}, "column 5: expected a value after '=', found byte 0x00"}});
  const auto long_word = std::string(4'000, 'w');
  CHECK(detail_of("a " + long_word) ==
        "column 3: expected an operator or the end after 'a', found '" + long_word.substr(0, 32) +
          "...'");
}

TEST_CASE("Operands that do not fit their operator are refused where they begin") {
  check(filter_kind::sql,
        {{"1", "column 1: expected a condition, found a number"},
         {"a + 1", "column 1: expected a condition, found a number"},
         {"a = 1 AND 'b'", "column 11: expected a condition, found a text"},
         {"NOT 5", "column 5: expected a condition, found a number"},
         {"(a = 1) + 1 = 2", "column 2: expected a value, found a condition"},
         {"1 + TRUE = 2", "column 5: expected a value, found a condition"},
         {"-(a = 1) = 2", "column 3: expected a value, found a condition"},
         {"a BETWEEN 1 AND (b = 1)", "column 18: expected a value, found a condition"},
         {"a IN (1, TRUE)", "column 10: expected a value, found a condition"},
         {"(a = 1) IS NULL", "column 2: expected a value, found a condition"},
         {"TRUE LIKE 'x'", "column 1: expected a value, found a condition"},
         {"a + 1 LIKE 'x'", "column 1: expected a text before LIKE, found a number"},
         {"TRUE < FALSE", "column 1: conditions can be compared only with = and <>"},
         {"TRUE = 'true'", "column 8: expected a condition or a name, found a text"},
         {"1 = TRUE", "column 1: expected a condition or a name, found a number"},
         {"\"\" = 1", "column 1: expected a name between the quotes"},
         {"a > 1e999", "column 5: the number is too large or too small"},
         {"a LIKE 'b' ESCAPE ''", "column 19: expected one ASCII character after ESCAPE"},
         {"a LIKE 'b' ESCAPE 'xx'", "column 19: expected one ASCII character after ESCAPE"},
         {"a LIKE 'b!' ESCAPE '!'",
          "column 8: the escape character may stand only before %, _ and itself"},
         {"a LIKE '!b' ESCAPE '!'",
          "column 8: the escape character may stand only before %, _ and itself"}});
}

TEST_CASE("A list of tags that is none is refused with its column") {
  check(filter_kind::tags, {{"", "column 1: expected a tag or '*', found the end"},
                            {"|| a", "column 1: expected a tag or '*', found '|'"},
                            {"a ||", "column 5: expected a tag after '|', found the end"},
                            {"a || || b", "column 6: expected a tag after '|', found '|'"},
                            {"a | b", "column 3: expected '||' or the end after 'a', found '|'"},
                            {"a b", "column 3: expected '||' or the end after 'a', found 'b'"},
                            {"a || *", "column 6: '*' stands alone"},
                            {"* || a", "column 3: expected the end after '*', found '|'"}});
  const auto longest = std::string(255, 't');
  CHECK(filter::parse(filter_kind::tags, "a || " + longest).ok());
  const auto refused = filter::parse(filter_kind::tags, "a || " + longest + "t");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().detail == "column 6: a tag has at most 255 bytes");
}

TEST_CASE("A filter has at most 4 KiB") {
  auto text = "a = '" + std::string(filter_bytes_max - 6, 'x') + "'";
  CHECK(filter::parse(filter_kind::sql, text).ok());
  text += ' ';
  for (const auto kind : {filter_kind::sql, filter_kind::tags}) {
    const auto parsed = filter::parse(kind, text);
    REQUIRE(parsed.code() == errc::filter_invalid);
    CHECK(parsed.error().detail == "4097 bytes; a filter has at most 4096");
  }
}

TEST_CASE("A filter is nested at most 64 deep") {
  CHECK(detail_of(repeated("(", 64) + "a = 1" + repeated(")", 64)).empty());
  CHECK(detail_of(repeated("(", 65) + "a = 1" + repeated(")", 65)) ==
        "column 65: nested more than 64 deep");
  CHECK(detail_of(repeated("NOT ", 64) + "a").empty());
  CHECK(detail_of(repeated("NOT ", 65) + "a") == "column 257: nested more than 64 deep");
  CHECK(detail_of("a = " + repeated("- ", 64) + "a").empty());
  CHECK(detail_of("a = " + repeated("- ", 65) + "a") == "column 133: nested more than 64 deep");
  CHECK(detail_of(repeated("(", 32) + repeated("NOT ", 33) + "a" + repeated(")", 32)) ==
        "column 161: nested more than 64 deep");
  CHECK(detail_of(repeated("(", 4'000)) == "column 65: nested more than 64 deep");
  CHECK(detail_of("(a) AND " + repeated("(a) AND ", 200) + "TRUE").empty());
}

TEST_CASE("A filter has at most 1,000 operands and operators") {
  const auto terms = repeated("a=1 OR ", 249) + "a=1";
  CHECK(detail_of(terms).empty());
  CHECK(detail_of("NOT " + terms).empty());
  CHECK(detail_of("NOT NOT " + terms).ends_with(": more than 1000 operands and operators"));
  CHECK(detail_of("a IN (" + repeated("1,", 997) + "1)").empty());
  CHECK(detail_of("a IN (" + repeated("1,", 998) + "1)") ==
        "column 2003: more than 1000 operands and operators");
  const auto tags = repeated("a||", 997);
  CHECK(filter::parse(filter_kind::tags, tags + "b").ok());
  CHECK_FALSE(filter::parse(filter_kind::tags, tags + "a||b").ok());
}

TEST_CASE("The deepest and the longest expressions run") {
  const auto levels = repeated("FALSE OR TRUE AND TRUE = (", 64);
  CHECK(verdict(levels + "a = 1" + repeated(")", 64), {{{"a", "1"}}, "", ""}) == "TRUE");
  const auto sums = "a BETWEEN 1 AND " + repeated("1 + 2 * (", 62) + "0" + repeated(")", 62);
  CHECK(verdict(sums, {{{"a", "1"}}, "", ""}) == "TRUE");
  const auto lists = repeated("a + a * (", 62) + "a" + repeated(")", 62);
  CHECK(verdict("0 IN (0, " + lists + ")", {{{"a", "0"}}, "", ""}) == "TRUE");
  CHECK(verdict("1 IN (0, " + lists + ")", {{{"a", "0"}}, "", ""}) == "FALSE");
}
