#include "cli/shell/schedule_view.hpp"

#include "cli/shell/value_text.hpp"

#include <utility>

namespace carafe::shell {

namespace {

std::string_view policy_text(client::missed_times missed) {
  switch (missed) {
  case client::missed_times::skip:
    return "skip";
  case client::missed_times::once:
    return "once";
  case client::missed_times::all:
    return "all";
  }
  return "unknown";
}

std::string_view state_text(const client::schedule_info& s) {
  if (s.paused) return "paused";
  if (!s.problem.empty()) return "blocked";
  return s.next.value == 0 ? "ended" : "active";
}

/// As it is typed: "5m".
std::string interval_text(std::chrono::milliseconds every) {
  constexpr std::pair<std::int64_t, std::string_view> units[] = {
    {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}};
  for (const auto& [ms, unit] : units)
    if (every.count() % ms == 0) return std::to_string(every.count() / ms) + std::string{unit};
  return {};
}

std::string when_text(const client::schedule_info& s) {
  if (const auto* cron = std::get_if<client::cron_times>(&s.what.when))
    return cron->expression + (cron->zone.empty() ? " UTC" : " " + cron->zone);
  const auto& every = std::get<client::interval_times>(s.what.when);
  return "every " + interval_text(every.every);
}

void add_times(record& r, const client::schedule_info& s) {
  r.add_shown("when", value::text(when_text(s)));
  if (const auto* cron = std::get_if<client::cron_times>(&s.what.when)) {
    r.add_hidden("cron", value::text(cron->expression));
    r.add_hidden("zone", value::text(cron->zone.empty() ? "UTC" : cron->zone));
    r.add_hidden("every_ms", value::none()).add_hidden("from", value::none());
  } else {
    const auto& every = std::get<client::interval_times>(s.what.when);
    r.add_hidden("cron", value::none()).add_hidden("zone", value::none());
    r.add_hidden("every_ms", value::id(static_cast<std::uint64_t>(every.every.count())));
    r.add_hidden("from", value::time(every.from));
  }
}

/// Of JSON always; people see it where it says something.
void add_text(record& r, std::string_view name, const std::string& text) {
  if (text.empty())
    r.add_hidden(name, value::text(text));
  else
    r.add(name, value::text(text));
}

record beginning(const client::schedule_info& s) {
  record r;
  r.add("name", value::text(s.what.name)).add("topic", value::text(s.what.topic));
  add_times(r, s);
  r.add("state", value::text(state_text(s)).in(s.problem.empty() ? tone::plain : tone::warning));
  r.add("next", value::time(s.next)).add("last", value::time(s.last_due));
  r.add("fired", value::count(s.fired));
  r.add("missed", value::count(s.missed)).add("failed", value::count(s.failed));
  return std::move(r.add("policy", value::text(policy_text(s.what.missed))));
}

} // namespace

record schedule_row(const client::schedule_info& schedule) {
  auto r = beginning(schedule);
  r.add_hidden("last_sent", value::time(schedule.last_fired));
  r.add_hidden("until", value::time(schedule.what.until));
  r.add_hidden("count_max", value::id(schedule.what.count_max));
  r.add_hidden("created", value::time(schedule.created));
  r.add_hidden("bytes", value::count(schedule.body_bytes));
  r.add_hidden("error", value::text(schedule.error));
  return std::move(r.add_hidden("problem", value::text(schedule.problem)));
}

record schedule_view(const client::schedule_info& schedule) {
  const auto& message = schedule.what.message;
  auto r = beginning(schedule);
  r.add("last_sent", value::time(schedule.last_fired));
  r.add("until", value::time(schedule.what.until));
  r.add("count_max", value::id(schedule.what.count_max));
  r.add("created", value::time(schedule.created));
  add_text(r, "error", schedule.error);
  add_text(r, "problem", schedule.problem);
  add_text(r, "key", message.key);
  add_text(r, "tag", message.tag);
  record properties;
  std::string shown;
  for (const auto& [name, text] : message.properties) {
    properties.add(name, value::text(text));
    shown += (shown.empty() ? "" : ", ") + name + "=" + text;
  }
  r.add("properties", value::object(properties, shown));
  r.add("priority", value::id(message.priority));
  r.add("ttl_ms", value::span(static_cast<std::uint64_t>(message.ttl.count())));
  return std::move(r.add("body", value::text(message.body)));
}

std::string next_text(const client::schedule_info& schedule) {
  return schedule.next.value == 0 ? std::string{"none comes any more"}
                                  : "next at " + time_text(schedule.next);
}

option schedule_name(std::string& target) {
  return text("NAME", "", target, "The schedule.").must();
}

} // namespace carafe::shell
