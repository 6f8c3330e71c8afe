#include "actors/core/cron.hpp"

#include <date/date.h>

#include <bit>

namespace carafe::core {

namespace {

constexpr std::int64_t day_s = 86'400;

/// The first member at or after `from`; 64 if there is none.
unsigned first_in(std::uint64_t set, unsigned from) {
  if (from >= 64) return 64;
  return static_cast<unsigned>(std::countr_zero(set >> from << from));
}

bool has(std::uint64_t set, unsigned member) { return (set >> member & 1) != 0; }

/// The first second of a day at or after `from` that fits.
std::optional<std::int64_t> second_of_day(const cron_expression& e, std::int64_t from) {
  const auto hour = static_cast<unsigned>(from / 3'600);
  const auto minute = static_cast<unsigned>(from / 60 % 60);
  const auto second = static_cast<unsigned>(from % 60);
  for (auto h = first_in(e.hours, hour); h < 24; h = first_in(e.hours, h + 1)) {
    const bool this_hour = h == hour;
    auto m = first_in(e.minutes, this_hour ? minute : 0);
    for (; m < 60; m = first_in(e.minutes, m + 1)) {
      const auto s = first_in(e.seconds, this_hour && m == minute ? second : 0);
      if (s < 60) return (std::int64_t{h} * 60 + m) * 60 + s;
    }
  }
  return std::nullopt;
}

bool fits(const cron_expression& e, const date::year_month_day& day, date::sys_days count) {
  const bool by_month = has(e.days, static_cast<unsigned>(day.day()));
  const bool by_week = has(e.weekdays, date::weekday{count}.c_encoding());
  return e.any_day || e.any_weekday ? by_month && by_week : by_month || by_week;
}

} // namespace

std::optional<std::int64_t> cron_expression::next(std::int64_t local_s) const {
  const auto days_before = local_s >= 0 ? local_s / day_s : (local_s - day_s + 1) / day_s;
  auto count = date::sys_days{date::days{static_cast<int>(days_before)}};
  auto from = local_s - days_before * day_s;
  const auto last = date::year_month_day{count}.year() + date::years{years_ahead};
  for (;;) {
    const date::year_month_day day{count};
    if (day.year() > last) return std::nullopt;
    if (!has(months, static_cast<unsigned>(day.month()))) {
      const auto later = date::year_month{day.year(), day.month()} + date::months{1};
      count = date::sys_days{later / 1};
      from = 0;
      continue;
    }
    if (fits(*this, day, count))
      if (const auto second = second_of_day(*this, from))
        return std::int64_t{count.time_since_epoch().count()} * day_s + *second;
    count += date::days{1};
    from = 0;
  }
}

} // namespace carafe::core
