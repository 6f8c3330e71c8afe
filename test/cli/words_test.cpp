#include "cli/shell/suggestion.hpp"
#include "cli/shell/words.hpp"

#include <catch2/catch.hpp>

using namespace carafe::shell;
using words = std::vector<std::string>;

TEST_CASE("a line is split as a shell splits it") {
  CHECK(*split_line("topic  create\torders") == words{"topic", "create", "orders"});
  CHECK(*split_line(R"(produce o --body '{"a": 1}')") ==
        words{"produce", "o", "--body", R"({"a": 1})"});
  CHECK(*split_line(R"("a \"b\" 'c'" d\ e f'g'h)") == words{R"(a "b" 'c')", "d e", "fgh"});
  CHECK(*split_line(R"('\n' "")") == words{"\\n", ""});
  CHECK(*split_line("a\r\n") == words{"a"});
}

TEST_CASE("empty lines and comments have no words") {
  for (const char* line : {"", "   ", "\t", "# topic list", "  #x"})
    CHECK(split_line(line)->empty());
  CHECK(*split_line("a #b") == words{"a", "#b"});
}

TEST_CASE("an open quote is an error") {
  CHECK(split_line("a 'b").error().detail == "the quote ' is not closed");
  CHECK(split_line("a \"b").error().detail == "the quote \" is not closed");
}

TEST_CASE("a quoted word is split back to itself") {
  for (const char* text : {"plain", "with blank", "quote'\"\\", "", "$x*", "größe"})
    CHECK(*split_line(quoted_word(text)) == words{text});
}

TEST_CASE("the nearest word is suggested") {
  const words known{"topic", "group", "node", "log", "produce", "consume", "version", "help"};
  CHECK(nearest("tpoic", known) == "topic");
  CHECK(nearest("produec", known) == "produce");
  CHECK(nearest("consumer", known) == "consume");
  CHECK(nearest("groups", known) == "group");
  CHECK(nearest("prod", known) == "produce");
  CHECK(nearest("lgo", known) == "log");
  CHECK(nearest("frobnicate", known) == std::nullopt);
  CHECK(nearest("", known) == std::nullopt);
  CHECK(nearest(std::string(10'000, 'x'), known) == std::nullopt);
  CHECK(did_you_mean("tpoic", known) == "; did you mean 'topic'?");
  CHECK(did_you_mean("xyzzy", known).empty());
}
