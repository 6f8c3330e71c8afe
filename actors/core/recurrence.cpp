#include "actors/core/recurrence.hpp"

#include "schema/batch.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe::core {

namespace {

/// Further ahead nothing is looked for; an expression that is due at all is due before.
constexpr std::int64_t horizon_s = std::int64_t{cron_expression::years_ahead + 1} * 366 * 86'400;

std::int64_t seconds_of(unix_ms at) {
  return at.value >= 0 ? at.value / 1'000 : (at.value - 999) / 1'000;
}

/// The first second at or after `from` of this span, by a rule that means single hours.
std::optional<std::int64_t> in_span(const cron_expression& what, const time_zone& zone,
                                    const time_zone::span& span, std::int64_t from) {
  auto local = from + span.offset_s;
  if (span.begin_s > std::numeric_limits<std::int64_t>::min()) {
    const auto before = zone.at(span.begin_s - 1).offset_s;
    // Clocks were set forward: what they left out is due at once.
    if (before < span.offset_s && from == span.begin_s) {
      const auto left_out = what.next(span.begin_s + before);
      if (left_out && *left_out < span.begin_s + span.offset_s) return span.begin_s;
    }
    // They were set back: what they show once more was due the first time.
    if (before > span.offset_s) local = std::max(local, span.begin_s + before);
  }
  const auto found = what.next(local);
  if (!found) return std::nullopt;
  return *found - span.offset_s;
}

} // namespace

result<recurrence> recurrence::make(const std::variant<cron_rule, every_rule>& when,
                                    unix_ms created, std::shared_ptr<const time_zone> zone) {
  recurrence out;
  if (const auto* cron = std::get_if<cron_rule>(&when)) {
    auto what = cron_expression::parse(cron->expression);
    if (!what) return what.error();
    CARAFE_ASSERT(zone != nullptr);
    out.rule_ = by_clock{*what, std::move(zone)};
    return out;
  }
  const auto& every = std::get<every_rule>(when);
  if (every.interval_ms < interval_ms_min || every.interval_ms > interval_ms_max)
    return {errc::schedule_invalid, "an interval of " + std::to_string(every.interval_ms) +
                                      " ms; it is at least 1 s, and at most 100 years"};
  if (every.from.value < 0 || every.from.value > message_time_max)
    return {errc::schedule_invalid, "the first time is before 1970 or past the year 9999"};
  const auto interval = static_cast<std::int64_t>(every.interval_ms);
  out.rule_ =
    by_interval{interval, every.from.value != 0 ? every.from.value : created.value + interval};
  return out;
}

std::optional<unix_ms> recurrence::next_after(unix_ms at) const {
  const auto found = std::visit([at](const auto& rule) { return next(rule, at); }, rule_);
  return found && found->value <= message_time_max ? found : std::nullopt;
}

std::optional<unix_ms> recurrence::next(const by_interval& rule, unix_ms at) {
  if (at.value < rule.first_ms) return unix_ms{rule.first_ms};
  if (at.value > message_time_max) return std::nullopt;
  const auto passed = (at.value - rule.first_ms) / rule.interval_ms;
  return unix_ms{rule.first_ms + (passed + 1) * rule.interval_ms};
}

std::optional<unix_ms> recurrence::next(const by_clock& rule, unix_ms at) {
  if (at.value > message_time_max || at.value < -message_time_max) return std::nullopt;
  const auto begin = seconds_of(at) + 1;
  for (auto from = begin; from < begin + horizon_s;) {
    const auto span = rule.zone->at(from);
    std::optional<std::int64_t> found;
    if (!rule.what.every_hour())
      found = in_span(rule.what, *rule.zone, span, from);
    else if (const auto local = rule.what.next(from + span.offset_s))
      found = *local - span.offset_s;
    if (found && *found < span.end_s) return unix_ms{*found * 1'000};
    if (span.end_s >= begin + horizon_s) return std::nullopt;
    from = span.end_s;
  }
  return std::nullopt;
}

} // namespace carafe::core
