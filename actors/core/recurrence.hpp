#pragma once

#include "actors/core/cron.hpp"
#include "actors/core/time_zone.hpp"
#include "schema/schedule.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <memory>
#include <optional>
#include <variant>

namespace carafe::core {

/// When a schedule is due.
///
/// A cron expression is local time. Where clocks are set forward, times that do not exist become
/// one, the first instant after the gap; where they are set back, a time that comes twice is the
/// first of the two. But an expression that means every hour goes by the time that passes: nothing
/// is made up for an hour that does not exist, and an hour that comes twice is due twice.
class recurrence {
public:
  /// Of `every` rules; the longest is 100 years.
  static constexpr std::uint64_t interval_ms_min = 1'000;
  static constexpr std::uint64_t interval_ms_max = 3'153'600'000'000;

  /// @param zone Of a cron rule; not null then.
  /// @errors schedule_invalid
  static result<recurrence> make(const std::variant<cron_rule, every_rule>& when, unix_ms created,
                                 std::shared_ptr<const time_zone> zone);

  /// The first time after `at`; nothing if none comes.
  [[nodiscard]] std::optional<unix_ms> next_after(unix_ms at) const;

private:
  struct by_clock {
    cron_expression what;
    std::shared_ptr<const time_zone> zone;
  };
  struct by_interval {
    std::int64_t interval_ms = 0;
    /// A time that it is due at, and the first one.
    std::int64_t first_ms = 0;
  };

  [[nodiscard]] static std::optional<unix_ms> next(const by_clock& rule, unix_ms at);
  [[nodiscard]] static std::optional<unix_ms> next(const by_interval& rule, unix_ms at);

  std::variant<by_clock, by_interval> rule_;
};

} // namespace carafe::core
