#include "cli/shell/value_syntax.hpp"
#include "cli/shell/value_text.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace std::chrono_literals;

namespace {

constexpr unix_ms now{1'795'341'600'000}; // 2026-11-22T10:00:00Z
constexpr auto any = std::numeric_limits<std::uint64_t>::max();

} // namespace

TEST_CASE("durations are numbers with a unit, or 0") {
  CHECK(*parse_duration("0") == 0ms);
  CHECK(*parse_duration("250ms") == 250ms);
  CHECK(*parse_duration("90s") == 90s);
  CHECK(*parse_duration("15m") == 15min);
  CHECK(*parse_duration("12H") == 12h);
  CHECK(*parse_duration("7d") == 168h);
  for (const char* wrong : {"", "7", "d", "-1s", "1.5h", "1w", "7 d", "1h30m", "40000d",
                            "99999999999999999999s", "18446744073709551615d"}) {
    INFO(wrong);
    auto parsed = parse_duration(wrong);
    REQUIRE(!parsed);
    CHECK(parsed.error().detail.find("'" + std::string{wrong} + "' is not a duration") == 0);
  }
}

TEST_CASE("sizes are bytes or binary multiples") {
  CHECK(*parse_size("0") == 0);
  CHECK(*parse_size("1500") == 1500);
  CHECK(*parse_size("64KiB") == 65'536);
  CHECK(*parse_size("8mib") == 8u << 20);
  CHECK(*parse_size("2GiB") == 2ull << 30);
  CHECK(*parse_size("12B") == 12);
  for (const char* wrong : {"", "KiB", "64K", "1.5MiB", "-1", "17179869184GiB"}) {
    INFO(wrong);
    CHECK(!parse_size(wrong));
  }
}

TEST_CASE("times are RFC 3339 with a zone") {
  CHECK(parse_time("2026-11-22T10:00:00Z", now)->value == now.value);
  CHECK(parse_time("2026-11-22t10:00:00.123z", now)->value == now.value + 123);
  CHECK(parse_time("2026-11-22 10:00:00.1239Z", now)->value == now.value + 123);
  CHECK(parse_time("2026-11-22T12:30:00+02:30", now)->value == now.value);
  CHECK(parse_time("2026-11-22T05:00:00-05:00", now)->value == now.value);
  CHECK(parse_time("2024-02-29T00:00:00Z", now)->value == 1'709'164'800'000);
  CHECK(parse_time("1969-12-31T23:59:59Z", now)->value == -1'000);
  for (const char* wrong :
       {"2026-11-22T10:00:00", "2026-11-22", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z", "2026-11-22T10:00:60Z",
        "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00+24:00", "2026-11-22T10:00:00Zx",
        "26-11-22T10:00:00Z", "2026-11-22T10:00Z", "yesterday", ""}) {
    INFO(wrong);
    CHECK(!parse_time(wrong, now));
  }
}

TEST_CASE("a time ago counts back from now") {
  CHECK(parse_time("-15m", now)->value == now.value - 900'000);
  CHECK(parse_time("-2h", now)->value == now.value - 7'200'000);
  CHECK(!parse_time("-", now));
  CHECK(!parse_time("-15", now));
  CHECK(!parse_time("+15m", now));
}

TEST_CASE("a start is a word, an offset or a time") {
  using kind = start_position::kind;
  CHECK(parse_start("earliest", now)->at == kind::earliest);
  CHECK(parse_start("latest", now)->at == kind::latest);
  CHECK(*parse_start("1200", now) == start_position{.at = kind::at_offset, .from = offset{1200}});
  CHECK(*parse_start("-1s", now) ==
        start_position{.at = kind::at_time, .time = unix_ms{now.value - 1000}});
  auto wrong = parse_start("newest", now);
  REQUIRE(!wrong);
  CHECK(wrong.error().detail.find("'newest' is not a place to start") == 0);
}

TEST_CASE("numbers are checked against their range") {
  CHECK(*parse_number("42", 0, any) == 42);
  CHECK(!parse_number("x", 0, any));
  CHECK(!parse_number("-1", 0, any));
  CHECK(!parse_number("18446744073709551616", 0, any));
  CHECK(parse_number("0", 1, 9).error().detail ==
        "'0' is not in range: a whole number from 1 to 9 is expected");
  CHECK(*parse_rate("0.5") == 0.5);
  CHECK(*parse_rate("0.001") == 0.001);
  CHECK(*parse_rate("1e9") == 1e9);
  for (const char* wrong : {"0", "-1", "inf", "nan", "1x", "", "1e-9", "1e-300", "1e20", "1e400"})
    CHECK(!parse_rate(wrong));
  CHECK(*parse_size("8MiB", 1'024, 8u << 20) == 8u << 20);
  CHECK(parse_size("16GiB", 0, 64u << 20).error().detail ==
        "'16GiB' is not in range: a size from 0 to 64MiB is expected");
  CHECK(parse_size("5", 1'024, 1'500).error().detail ==
        "'5' is not in range: a size from 1KiB to 1500 is expected");
}

TEST_CASE("addresses need a host and a port") {
  for (const char* good : {"127.0.0.1:7470", "node-1.example:1", "[::1]:65535"})
    CHECK(*parse_address(good) == good);
  for (const char* wrong : {"", "localhost", ":7470", "host:", "host:0", "host:65536", "::1:7470",
                            "[::1]", "http://host:80", "host :80"}) {
    INFO(wrong);
    CHECK(!parse_address(wrong));
  }
}

TEST_CASE("properties have a name") {
  CHECK(*parse_property("a=b=c") == std::pair<std::string, std::string>{"a", "b=c"});
  CHECK(*parse_property("a=") == std::pair<std::string, std::string>{"a", ""});
  CHECK(!parse_property("=b"));
  CHECK(!parse_property("a"));
}

TEST_CASE("numbers are written for people") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1'234'567) == "1,234,567");
  CHECK(size_text(1023) == "1023 B");
  CHECK(size_text(65'536) == "64.0 KiB");
  CHECK(size_text(1'048'575) == "1.0 MiB");
  CHECK(size_text(any) == "16777216.0 TiB");
  CHECK(span_text(250) == "250 ms");
  CHECK(span_text(3'290) == "3.2 s");
  CHECK(span_text(192'000) == "3m 12s");
  CHECK(span_text(7'500'000) == "2h 05m");
  CHECK(span_text(273'600'000) == "3d 04h");
  CHECK(latency_text(850) == "850 us");
  CHECK(latency_text(1'240) == "1.2 ms");
  CHECK(rate_text(0.44) == "0.4/s");
  CHECK(rate_text(4'888.4) == "4,888/s");
  CHECK(size_rate_text(5'000'000) == "4.8 MiB/s");
}

TEST_CASE("a written time is read back") {
  for (std::int64_t ms : {1ll, 1'795'341'600'123ll, -1'000ll, 253'402'300'799'999ll}) {
    auto text = time_text(unix_ms{ms});
    INFO(text);
    CHECK(parse_time(text, now)->value == ms);
  }
  CHECK(time_text(unix_ms{1'795'341'600'123}) == "2026-11-22T10:00:00.123Z");
}

TEST_CASE("names stand between commas") {
  CHECK(*parse_names("a,b") == std::vector<std::string>{"a", "b"});
  CHECK(*parse_names("a") == std::vector<std::string>{"a"});
  for (auto wrong : {"", ",", "a,", ",a", "a,,b"}) CHECK_FALSE(parse_names(wrong).ok());
}

TEST_CASE("a percentage may have its sign") {
  CHECK(*parse_percent("20%") == 20);
  CHECK(*parse_percent("0") == 0);
  CHECK(*parse_percent("100%") == 100);
  for (auto wrong : {"", "%", "101", "-1", "1.5", "20 %"}) CHECK_FALSE(parse_percent(wrong).ok());
}

TEST_CASE("pauses are a list, or grow to an end") {
  using pauses = std::vector<std::uint64_t>;
  CHECK(*parse_backoff("10s,30s,1m") == pauses{10'000, 30'000, 60'000});
  CHECK(*parse_backoff("0") == pauses{0});
  CHECK(*parse_backoff("exponential:1s,2,10s") == pauses{1'000, 2'000, 4'000, 8'000, 10'000});
  CHECK(*parse_backoff("exponential:1s,2.5,5s") == pauses{1'000, 2'500, 5'000});
  CHECK(*parse_backoff("exponential:10s,2,10s") == pauses{10'000});
  CHECK(parse_backoff("exponential:1ms,2,36500d")->size() == 43);
  for (auto wrong : {"", "1s,", "soon", "exponential:", "exponential:1s,2", "exponential:1s,1,10s",
                     "exponential:0,2,10s", "exponential:20s,2,10s", "exponential:1s,x,10s",
                     "exponential:1s,1.01,10h"})
    CHECK(parse_backoff(wrong).code() == errc::invalid_argument);
  std::string many = "1s";
  for (auto i = 1; i < 64; ++i) many += ",1s";
  CHECK(parse_backoff(many).ok());
  CHECK_FALSE(parse_backoff(many + ",1s").ok());
}
