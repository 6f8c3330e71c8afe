#include "actors/core/recurrence.hpp"

#include "test/core/dice.hpp"
#include "test/core/zones.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <set>
#include <string>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

recurrence cron(const std::string& expression, made_up_zone zone) {
  auto out = recurrence::make(cron_rule{expression, "x"}, unix_ms{0},
                              std::make_shared<const made_up_zone>(std::move(zone)));
  REQUIRE(out.ok());
  return *out;
}

unix_ms utc(const char* text) {
  std::tm t{};
  REQUIRE(::strptime(text, "%Y-%m-%d %H:%M:%S", &t) != nullptr);
  return unix_ms{::timegm(&t) * 1'000};
}

/// The next `count` times, in UTC, without their year.
std::vector<std::string> next(const recurrence& rule, const char* from, std::size_t count) {
  std::vector<std::string> out;
  auto at = utc(from);
  while (out.size() < count) {
    const auto found = rule.next_after(at);
    REQUIRE(found);
    REQUIRE(*found > at);
    at = *found;
    const auto time = static_cast<std::time_t>(at.value / 1'000);
    std::tm t{};
    ::gmtime_r(&time, &t);
    char text[32];
    std::strftime(text, sizeof text, "%m-%d %H:%M:%S", &t);
    out.emplace_back(text);
  }
  return out;
}

using times = std::vector<std::string>;

} // namespace

TEST_CASE("recurrence: a cron expression is local time") {
  CHECK(next(cron("30 2 * * *", berlin()), "2026-01-01 00:00:00", 2) ==
        times{"01-01 01:30:00", "01-02 01:30:00"});
  CHECK(next(cron("30 2 * * *", berlin()), "2026-07-01 00:00:00", 2) ==
        times{"07-01 00:30:00", "07-02 00:30:00"});
}

TEST_CASE("recurrence: a time that does not exist comes at the first instant after the gap, once") {
  // On 29 March clocks go from 02:00 to 03:00, at 01:00 UTC.
  CHECK(next(cron("30 2 * * *", berlin()), "2026-03-28 00:00:00", 3) ==
        times{"03-28 01:30:00", "03-29 01:00:00", "03-30 00:30:00"});
  CHECK(next(cron("*/10 2 * * *", berlin()), "2026-03-29 00:00:00", 2) ==
        times{"03-29 01:00:00", "03-30 00:00:00"});
  CHECK(next(cron("0,30 2,3 * * *", berlin()), "2026-03-29 00:00:00", 3) ==
        times{"03-29 01:00:00", "03-29 01:30:00", "03-30 00:00:00"});
}

TEST_CASE("recurrence: a time that comes twice is the first of the two") {
  // On 25 October clocks go from 03:00 to 02:00, at 01:00 UTC.
  CHECK(next(cron("30 2 * * *", berlin()), "2026-10-24 00:00:00", 3) ==
        times{"10-24 00:30:00", "10-25 00:30:00", "10-26 01:30:00"});
  // Asked between the two.
  CHECK(next(cron("30 2 * * *", berlin()), "2026-10-25 00:45:00", 1) == times{"10-26 01:30:00"});
  CHECK(next(cron("30 2 * * *", berlin()), "2026-10-25 01:10:00", 1) == times{"10-26 01:30:00"});
  CHECK(next(cron("0 3 * * *", berlin()), "2026-10-25 00:00:00", 1) == times{"10-25 02:00:00"});
}

TEST_CASE("recurrence: what means every hour goes by the time that passes") {
  CHECK(next(cron("30 * * * *", berlin()), "2026-03-29 00:00:00", 3) ==
        times{"03-29 00:30:00", "03-29 01:30:00", "03-29 02:30:00"});
  CHECK(next(cron("30 * * * *", berlin()), "2026-10-25 00:00:00", 3) ==
        times{"10-25 00:30:00", "10-25 01:30:00", "10-25 02:30:00"});
}

TEST_CASE("recurrence: an interval begins where it is told, or an interval after it was made") {
  const auto every = [](std::uint64_t ms, std::int64_t from) {
    return *recurrence::make(every_rule{ms, unix_ms{from}}, unix_ms{1'000}, nullptr);
  };
  CHECK(every(5'000, 0).next_after(unix_ms{1'000}) == unix_ms{6'000});
  CHECK(every(5'000, 0).next_after(unix_ms{6'000}) == unix_ms{11'000});
  CHECK(every(5'000, 0).next_after(unix_ms{10'999}) == unix_ms{11'000});
  CHECK(every(5'000, 3'000).next_after(unix_ms{1'000}) == unix_ms{3'000});
  CHECK(every(5'000, 3'000).next_after(unix_ms{3'000}) == unix_ms{8'000});
  CHECK(every(5'000, 3'000).next_after(unix_ms{1'000'000'000}) == unix_ms{1'000'003'000});
  for (const auto wrong : {std::uint64_t{0}, std::uint64_t{999}, ~std::uint64_t{0}})
    CHECK(recurrence::make(every_rule{wrong, {}}, {}, nullptr).code() == errc::schedule_invalid);
  CHECK(recurrence::make(every_rule{5'000, unix_ms{-1}}, {}, nullptr).code() ==
        errc::schedule_invalid);
}

TEST_CASE("recurrence: nothing comes after the year 9999, or what there never is") {
  CHECK_FALSE(cron("0 0 30 2 *", berlin()).next_after(unix_ms{0}));
  CHECK_FALSE(cron("0 0 * * *", berlin()).next_after(unix_ms{253'402'300'799'999}));
  const auto yearly = every_rule{3'153'600'000'000, unix_ms{0}};
  CHECK_FALSE(recurrence::make(yearly, unix_ms{253'402'300'000'000}, nullptr)
                ->next_after(unix_ms{253'402'300'000'000}));
}

namespace {

bool in_field(std::uint64_t set, int member) { return (set >> member & 1) != 0; }

/// Whether a local time is meant, told by the C library's calendar.
bool meant(const cron_expression& e, std::int64_t local_s) {
  const auto time = static_cast<std::time_t>(local_s);
  std::tm t{};
  ::gmtime_r(&time, &t);
  const bool by_month = in_field(e.days, t.tm_mday);
  const bool by_week = in_field(e.weekdays, t.tm_wday);
  const bool day = e.any_day || e.any_weekday ? by_month && by_week : by_month || by_week;
  return day && in_field(e.seconds, t.tm_sec) && in_field(e.minutes, t.tm_min) &&
         in_field(e.hours, t.tm_hour) && in_field(e.months, t.tm_mon + 1);
}

/// Every time from `begin` to `end`, by the rule's words alone, minute by minute.
std::set<std::int64_t> all_times(const cron_expression& e, const made_up_zone& zone,
                                 std::int64_t begin, std::int64_t end) {
  std::set<std::int64_t> out;
  std::set<std::int64_t> shown; // Local times that were there before.
  for (auto at = begin - 3 * 86'400; at < end; at += 60) {
    const auto local = at + zone.at(at).offset_s;
    const bool again = !shown.insert(local).second;
    if (meant(e, local) && (!again || e.every_hour())) out.insert(at);
  }
  if (!e.every_hour())
    for (const auto& [when, offset] : zone.changes())
      for (auto gone = when + zone.at(when - 1).offset_s; gone < when + offset; gone += 60)
        if (when < end && meant(e, gone)) out.insert(when);
  return out;
}

std::string field(dice& d, int low, int high) {
  const auto number = [&] {
    return static_cast<int>(
      d.between(static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)));
  };
  switch (d.below(5)) {
  case 0:
    return "*";
  case 1:
    return "*/" + std::to_string(d.between(1, 30) % static_cast<std::uint64_t>(high) + 1);
  case 2: {
    const auto a = number();
    const auto b = number();
    return std::to_string(std::min(a, b)) + "-" + std::to_string(std::max(a, b));
  }
  case 3:
    return std::to_string(number()) + "," + std::to_string(number());
  default:
    return std::to_string(number());
  }
}

} // namespace

TEST_CASE("recurrence: the next time is the one that looking at each minute finds", "[property]") {
  with_seeds(60, [](dice& d) {
    const std::int64_t begin = 1'790'000'040 / 60 * 60;
    const std::int64_t end = begin + 8 * 86'400;
    // Changes by up to three hours, at whole minutes, at least a day apart.
    std::vector<std::pair<std::int64_t, std::int64_t>> changes;
    for (auto at = begin; at < end;) {
      at += static_cast<std::int64_t>(d.between(1'440, 4'000)) * 60;
      changes.emplace_back(at, (static_cast<std::int64_t>(d.below(180)) - 90) * 60);
    }
    const made_up_zone zone{static_cast<std::int64_t>(d.below(60)) * 60, changes};
    const auto text = field(d, 0, 59) + " " + (d.percent(30) ? "*" : field(d, 0, 23)) + " " +
                      (d.percent(60) ? "*" : field(d, 1, 31)) + " * " +
                      (d.percent(60) ? "*" : field(d, 0, 6));
    INFO(text);
    const auto expression = *cron_expression::parse(text);
    const auto rule = cron(text, zone);
    const auto expected = all_times(expression, zone, begin, end);
    for (int i = 0; i < 50; ++i) {
      const auto from = begin + static_cast<std::int64_t>(d.below(6 * 86'400));
      const auto after = expected.upper_bound(from);
      if (after == expected.end()) continue;
      const auto found = rule.next_after(unix_ms{from * 1'000 + 500});
      REQUIRE(found);
      INFO("after " << from);
      REQUIRE(found->value / 1'000 == *after);
    }
  });
}
