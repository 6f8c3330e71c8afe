#include "actors/core/cron.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <string>

using namespace carafe;
using namespace carafe::core;

namespace {

cron_expression parsed(const std::string& text) {
  auto out = cron_expression::parse(text);
  INFO(text);
  REQUIRE(out.ok());
  return *out;
}

std::int64_t local(const char* text) {
  std::tm t{};
  REQUIRE(::strptime(text, "%Y-%m-%d %H:%M:%S", &t) != nullptr);
  return ::timegm(&t);
}

std::string shown(std::int64_t at) {
  const auto time = static_cast<std::time_t>(at);
  std::tm t{};
  ::gmtime_r(&time, &t);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t);
  return text;
}

/// The next one at or after a time.
std::string next(const std::string& expression, const char* from) {
  const auto found = parsed(expression).next(local(from));
  return found ? shown(*found) : "never";
}

std::string wrong(const std::string& expression) {
  auto out = cron_expression::parse(expression);
  INFO(expression);
  REQUIRE(out.code() == errc::schedule_invalid);
  return out.error().detail;
}

} // namespace

TEST_CASE("cron: fields are numbers, ranges, steps, lists and names") {
  CHECK(next("30 2 * * *", "2026-01-01 00:00:00") == "2026-01-01 02:30:00");
  CHECK(next("30 2 * * *", "2026-01-01 02:30:00") == "2026-01-01 02:30:00");
  CHECK(next("30 2 * * *", "2026-01-01 02:30:01") == "2026-01-02 02:30:00");
  CHECK(next("*/15 * * * *", "2026-01-01 10:16:00") == "2026-01-01 10:30:00");
  CHECK(next("5,10-12,50-59/4 * * * *", "2026-01-01 10:13:00") == "2026-01-01 10:50:00");
  CHECK(next("5,10-12,50-59/4 * * * *", "2026-01-01 10:51:00") == "2026-01-01 10:54:00");
  CHECK(next("0 9 * * mon-fri", "2026-11-27 09:00:01") == "2026-11-30 09:00:00");
  CHECK(next("0 9 * * Sat-sun", "2026-11-26 12:00:00") == "2026-11-28 09:00:00");
  CHECK(next("0 9 * * 7", "2026-11-26 12:00:00") == "2026-11-29 09:00:00");
  CHECK(next("0 9 * * 0", "2026-11-26 12:00:00") == "2026-11-29 09:00:00");
  CHECK(next("0 0 1 jan,JUL *", "2026-02-01 00:00:00") == "2026-07-01 00:00:00");
  CHECK(next("  0\t0  1 1 * ", "2026-02-01 00:00:00") == "2027-01-01 00:00:00");
}

TEST_CASE("cron: a sixth field before the others is the second") {
  CHECK(next("*/20 * * * * *", "2026-01-01 10:16:21") == "2026-01-01 10:16:40");
  CHECK(next("59 59 23 31 12 *", "2026-01-01 00:00:00") == "2026-12-31 23:59:59");
}

TEST_CASE("cron: words stand for whole expressions") {
  CHECK(next("@hourly", "2026-01-01 10:16:00") == "2026-01-01 11:00:00");
  CHECK(next("@daily", "2026-01-01 10:16:00") == "2026-01-02 00:00:00");
  CHECK(next("@midnight", "2026-01-01 10:16:00") == "2026-01-02 00:00:00");
  CHECK(next("@weekly", "2026-11-26 10:16:00") == "2026-11-29 00:00:00");
  CHECK(next("@monthly", "2026-01-01 10:16:00") == "2026-02-01 00:00:00");
  CHECK(next("@yearly", "2026-01-01 10:16:00") == "2027-01-01 00:00:00");
  CHECK(next("@annually", "2026-01-01 10:16:00") == "2027-01-01 00:00:00");
}

TEST_CASE("cron: with both day fields a day that fits either one fits") {
  // 13 November 2026 is a Friday; the first Monday after it is the 16th.
  CHECK(next("0 0 13 * mon", "2026-11-10 00:00:00") == "2026-11-13 00:00:00");
  CHECK(next("0 0 13 * mon", "2026-11-13 00:00:01") == "2026-11-16 00:00:00");
  // A field that begins with `*` restricts both, as in Vixie's cron.
  CHECK(next("0 0 */2 * mon", "2026-11-10 00:00:00") == "2026-11-23 00:00:00");
}

TEST_CASE("cron: leap days come, and days that there are not never do") {
  CHECK(next("0 0 29 2 *", "2026-01-01 00:00:00") == "2028-02-29 00:00:00");
  CHECK(next("0 0 29 2 *", "2097-01-01 00:00:00") == "2104-02-29 00:00:00");
  CHECK(next("0 0 30 2 *", "2026-01-01 00:00:00") == "never");
  CHECK(next("0 0 31 4,6,9,11 *", "2026-01-01 00:00:00") == "never");
  CHECK(next("0 0 31 * *", "2026-02-01 00:00:00") == "2026-03-31 00:00:00");
}

TEST_CASE("cron: what is wrong is told with column and field") {
  CHECK(wrong("75 2 * * *") == "column 1: minute: 75 is not within 0 to 59");
  CHECK(wrong("0 2 * 13 *") == "column 7: month: 13 is not within 1 to 12");
  CHECK(wrong("0 2 * * mon-foo") ==
        "column 13: day of the week: 'foo' is no number and no name such as sun");
  CHECK(wrong("0 25 * * *") == "column 3: hour: 25 is not within 0 to 23");
  CHECK(wrong("0 2 0 * *") == "column 5: day of the month: 0 is not within 1 to 31");
  CHECK(wrong("0 8-6 * * *") == "column 5: hour: the range ends before it begins");
  CHECK(wrong("0 5/2 * * *") == "column 5: hour: a step is for a range or *");
  CHECK(wrong("0 */0 * * *") == "column 5: hour: 0 is not within 1 to 23");
  CHECK(wrong("0 1,,2 * * *") == "column 5: hour: a number is missing");
  CHECK(wrong("-1 2 * * *") == "column 1: minute: '-1' is no number");
  CHECK(wrong("* * * * 8") == "column 9: day of the week: 8 is not within 0 to 7");
  CHECK(wrong("60 * * * * *").starts_with("column 1: second"));
  CHECK(wrong("0 2 * *").starts_with("column 8: 4 fields; there are five"));
  CHECK(wrong("0 2 * * * * 7").starts_with("column 13: 7 fields"));
  CHECK(wrong("").starts_with("column 1: 0 fields"));
  CHECK(wrong("@reboot").starts_with("column 1: '@reboot' is none of"));
  CHECK(wrong(std::string(300, '*')).starts_with("column 256"));
  CHECK(wrong("\x01 * * * *").starts_with("column 1: minute: '?'"));
}

TEST_CASE("cron: every hour means all of them") {
  CHECK(parsed("0 * * * *").every_hour());
  CHECK(parsed("0 0-23 * * *").every_hour());
  CHECK_FALSE(parsed("0 1-23 * * *").every_hour());
}
