#include "cli/shell/json_writer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <limits>

using carafe::shell::json_writer;

TEST_CASE("JSON text is escaped so that it comes back the same") {
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  every += "ä€\xf0\x9f\x98\x80";
  std::string out;
  json_writer{out}.text(every);
  CHECK(nlohmann::json::parse(out) == every);
  CHECK(out.find('\n') == std::string::npos);
}

TEST_CASE("JSON text replaces what is not UTF-8") {
  std::string out;
  json_writer{out}.text("a\xff"
                        "b");
  CHECK(nlohmann::json::parse(out) == "a\xef\xbf\xbd"
                                      "b");
}

TEST_CASE("JSON values are separated by commas, members named") {
  std::string out;
  json_writer w{out};
  w.begin_object().name("a").number(std::uint64_t{1}).name("b").begin_array();
  w.null().boolean(true).begin_object().end_object().end_array();
  w.name("c").number(-2.5).end_object();
  CHECK(out == R"({"a":1,"b":[null,true,{}],"c":-2.5})");
}

TEST_CASE("JSON numbers have no needless digits") {
  auto written = [](double value) {
    std::string out;
    json_writer{out}.number(value);
    return out;
  };
  CHECK(written(0) == "0");
  CHECK(written(3.14159) == "3.142");
  CHECK(written(1500) == "1500");
  CHECK(written(std::numeric_limits<double>::infinity()) == "null");
  CHECK(nlohmann::json::parse(written(std::numeric_limits<double>::max())).get<double>() > 1e308);
}

TEST_CASE("bytes that are not text are written as base64 under another name") {
  auto written = [](std::string_view bytes) {
    std::string out;
    json_writer{out}.begin_object().bytes_member("body", bytes).end_object();
    return out;
  };
  CHECK(written("plain") == R"({"body":"plain"})");
  CHECK(written("\xff") == R"({"body_base64":"/w=="})");
  CHECK(written("\xff\xee") == R"({"body_base64":"/+4="})");
  CHECK(written("\xff\xee\xdd") == R"({"body_base64":"/+7d"})");
  CHECK(written("\xff\xee\xdd\xcc") == R"({"body_base64":"/+7dzA=="})");
}
