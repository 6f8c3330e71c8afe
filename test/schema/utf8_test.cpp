#include "schema/utf8.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace std::string_literals;

TEST_CASE("text on the wire is UTF-8 in its shortest form without NUL") {
  for (auto& good : {""s, "plain"s, "größe"s, "\x7f"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s,
                     "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xef\xbf\xbf"s, "\xf0\x90\x80\x80"s,
                     "\xf4\x8f\xbf\xbf"s, "🍷 carafe"s}) {
    CAPTURE(good);
    CHECK(is_wire_text(good));
    CHECK(to_wire_text(good) == good);
  }
}

TEST_CASE("what is not UTF-8 is refused, and mended byte by byte") {
  struct row {
    std::string text;
    std::string mended;
  };
  for (auto& [text, mended] : {
         row{"a\0b"s, "a?b"s},              // NUL
         row{"\x80"s, "?"s},                // continuation alone
         row{"\xc3"s, "?"s},                // cut
         row{"\xc3(x"s, "?(x"s},            // broken off
         row{"\xc0\x80"s, "??"s},           // too long for what it says
         row{"\xc1\xbf"s, "??"s},           //
         row{"\xe0\x9f\xbf"s, "???"s},      //
         row{"\xf0\x8f\xbf\xbf"s, "????"s}, //
         row{"\xed\xa0\x80"s, "???"s},      // surrogate
         row{"\xf4\x90\x80\x80"s, "????"s}, // past U+10FFFF
         row{"\xf8\x88\x80\x80\x80"s, "?????"s},
         row{"x\xff\xc3\xa4y"s, "x?\xc3\xa4y"s},
         row{"\xe2\x82"s, "??"s},
       }) {
    CAPTURE(mended);
    CHECK_FALSE(is_wire_text(text));
    CHECK(to_wire_text(text) == mended);
    CHECK(is_wire_text(to_wire_text(text)));
  }
}
