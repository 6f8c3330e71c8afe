#include "cli/shell/record.hpp"
#include "cli/shell/table.hpp"
#include "cli/shell/utf8.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::shell;

TEST_CASE("table columns are as wide as their widest cell") {
  table t{{{"topic"}, {"messages", true}, {"note"}}};
  t.add_row({{"orders"}, {"7"}, {"x"}});
  t.add_row({{"o"}, {"1,234,567"}, {""}});
  CHECK(t.layout(false) == "topic    messages  note\n"
                           "orders          7  x\n"
                           "o       1,234,567\n");
}

TEST_CASE("table widths count columns of the terminal, not bytes") {
  table t{{{"name"}, {"n", true}}};
  t.add_row({{"größe"}, {"1"}});
  t.add_row({{"日本"}, {"2"}});
  t.add_row({{"e\xcc\x81t\xc3\xa9"}, {"3"}});
  CHECK(t.layout(false) == "name   n\n"
                           "größe  1\n"
                           "日本   2\n"
                           "e\xcc\x81t\xc3\xa9    3\n");
}

TEST_CASE("colours wrap the text only") {
  table t{{{"a"}, {"b", true}}};
  t.add_row({{"x", tone::bad}, {"10", tone::plain}});
  CHECK(t.layout(true) == "\x1b[1ma\x1b[0m   \x1b[1mb\x1b[0m\n"
                          "\x1b[31mx\x1b[0m  10\n");
}

TEST_CASE("foreign text cannot steer the terminal") {
  CHECK(printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\x0a");
  CHECK(printable("\xc2\x9b"
                  "5n") == "\\xc2\\x9b5n");
  CHECK(printable("bad \xff\xfe") == "bad \\xff\\xfe");
  CHECK(printable("schön 日本") == "schön 日本");
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const char* good : {"", "abc", "ä", "€", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(good));
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "abc\xe2\x82"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("a record is the same for programs and for people") {
  record row;
  row.add("queue", value::id(1234)).add("last_time", value::time(unix_ms{0}));
  record r;
  r.add("topic", value::text("or\"ders"));
  r.add_hidden("topic_id", value::id(5));
  r.add("log_bytes", value::size(65'536));
  r.add("uptime_ms", value::span(3'200));
  r.add("topics", value::names({"a", "b"}));
  r.add("queues", value::table({row}));
  r.add_shown("only_shown", value::text("x"));
  CHECK(to_json(r) == R"({"topic":"or\"ders","topic_id":5,"log_bytes":65536,"uptime_ms":3200,)"
                      R"("topics":["a","b"],"queues":[{"queue":1234,"last_time":null}]})");
  CHECK(to_details(r, false) == "topic       or\"ders\n"
                                "log         64.0 KiB\n"
                                "uptime      3.2 s\n"
                                "topics      a, b\n"
                                "only shown  x\n"
                                "\n"
                                "queues\n"
                                "queue  last time\n"
                                " 1234  -\n");
}

TEST_CASE("an empty table says so") {
  record r;
  r.add("group", value::text("g")).add("members", value::table({}));
  CHECK(to_details(r, false) == "group  g\n\nmembers\nnone\n");
  CHECK(to_json(r) == R"({"group":"g","members":[]})");
}
