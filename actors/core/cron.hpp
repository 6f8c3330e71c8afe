#pragma once

#include <carafe/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace carafe::core {

/// A cron expression: which seconds of local time it means.
///
/// Five fields between blanks: minute 0-59, hour 0-23, day of the month 1-31, month 1-12 or
/// jan-dec, day of the week 0-7 or sun-sat (0 and 7 are Sunday). With a sixth, the first is the
/// second 0-59; otherwise the second is 0. A field is a list of numbers, ranges `a-b` and `*`,
/// ranges and `*` perhaps with a step `/n`. If both day fields are restricted (none begins with
/// `*`), a day that fits either one fits, as in Vixie's cron. Or one of @yearly, @annually,
/// @monthly, @weekly, @daily, @midnight, @hourly.
class cron_expression {
public:
  static constexpr std::size_t text_bytes_max = 255;

  /// @errors schedule_invalid, with column and field.
  static result<cron_expression> parse(std::string_view text);

  /// The first second at or after `local_s` that it means; seconds of local time are counted as if
  /// it were UTC, since 1970.
  /// @returns Nothing if none comes within `years_ahead`.
  /// @cost    O(days until then that have no such second), months at a time where none fits
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t local_s) const;

  /// 29 February is at most 8 years away.
  static constexpr int years_ahead = 9;

  /// Whether it means every hour of its days: then it goes by the time that passes, also where
  /// clocks are set.
  [[nodiscard]] bool every_hour() const noexcept { return hours == (std::uint64_t{1} << 24) - 1; }

  /// Sets of numbers, a bit each.
  std::uint64_t seconds = 1, minutes = 0, hours = 0, days = 0, months = 0, weekdays = 0;
  /// The field begins with `*`.
  bool any_day = false, any_weekday = false;
};

} // namespace carafe::core
