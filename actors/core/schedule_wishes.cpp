#include "actors/core/catalogue_core.hpp"
#include "actors/core/schedule_core.hpp"
#include "schema/batch.hpp"

#include <algorithm>

namespace carafe::core {

namespace {

failure unknown(std::string_view name) { return {errc::schedule_unknown, std::string{name}}; }

result<void> check_bounds(const schedule_definition& what, unix_ms now) {
  if (!check_topic_name(what.name))
    return {errc::schedule_invalid, "a schedule's name is 1 to 127 letters, digits, '.', '_' or "
                                    "'-', the first no '.' or '-'"};
  if (auto ok = check_topic_name(what.topic); !ok) return ok;
  if (what.until.value < 0 || what.until.value > message_time_max)
    return {errc::schedule_invalid, "the end is before 1970 or past the year 9999"};
  if (what.until.value != 0 && what.until <= now)
    return {errc::schedule_invalid, "the end is past already"};
  return {};
}

} // namespace

result<schedule_core::decision> schedule_core::put(const frames::schedule_put& wish,
                                                   schedule_id fresh, unix_ms now) const {
  if (const auto* made = std::get_if<schedule_definition>(&wish.wish))
    return make(*made, wish.if_missing, fresh, now);
  if (const auto* pause = std::get_if<frames::schedule_put::pause>(&wish.wish))
    return set_paused(pause->name, true, now);
  return set_paused(std::get<frames::schedule_put::resume>(wish.wish).name, false, now);
}

result<schedule_core::decision> schedule_core::make(const schedule_definition& what,
                                                    bool if_missing, schedule_id fresh,
                                                    unix_ms now) const {
  if (const auto* there = find(what.name)) {
    if (if_missing && there->what == what) return decision{std::nullopt, what.name};
    return {errc::schedule_exists, if_missing ? what.name + " is another one" : what.name};
  }
  if (auto ok = check_bounds(what, now); !ok) return ok.error();
  if (schedules_.size() >= limits_.schedules_max)
    return {errc::too_many_schedules, "at most " + std::to_string(limits_.schedules_max)};
  const auto rule = rule_of(what, now);
  if (!rule) return rule.error();
  const auto first = rule->next_after(now);
  if (!first) return {errc::schedule_invalid, "it is never due"};
  if (what.until.value != 0 && *first > what.until)
    return {errc::schedule_invalid, "it is not due before its end"};
  schedule_record record;
  record.id = fresh;
  record.what = what;
  record.created = now;
  record.begin.handled = now;
  return decision{effects::schedule_put{std::move(record)}, what.name};
}

result<schedule_core::decision> schedule_core::set_paused(const std::string& name, bool paused,
                                                          unix_ms now) const {
  const auto* there = entry_of(name);
  if (there == nullptr) return unknown(name);
  if (there->record.paused == paused) return decision{std::nullopt, name};
  auto record = there->record;
  record.paused = paused;
  record.begin = there->now;
  ++record.begin.step;
  // What passed meanwhile was not to be sent. Times dealt with stay so, wherever the clock is.
  if (!paused) record.begin.handled = std::max(record.begin.handled, now);
  return decision{effects::schedule_put{std::move(record)}, name};
}

result<schedule_core::decision> schedule_core::remove(const std::string& name) const {
  const auto* there = find(name);
  if (there == nullptr) return unknown(name);
  return decision{effects::schedule_deleted{there->id}, name};
}

frames::schedule_line schedule_core::line_of(const entry& e) const {
  frames::schedule_line out;
  out.what = e.record.what;
  out.progress = e.now;
  out.paused = e.record.paused;
  out.created = e.record.created;
  out.next = e.next.value_or(unix_ms{0});
  out.problem = e.problem;
  auto message = batch_reader::open(shared_bytes::copy_of(as_bytes(e.record.what.message)),
                                    codec::none, {~0u, 1, ~0u});
  if (message && message->count() == 1) out.body_bytes = message->message(0).body.size();
  return out;
}

result<frames::schedules> schedule_core::list(const frames::schedule_list& wish) const {
  frames::schedules out;
  out.total = names_.size();
  if (!wish.name.empty()) {
    const auto* there = entry_of(wish.name);
    if (there == nullptr) return unknown(wish.name);
    out.lines.push_back(line_of(*there));
    return out;
  }
  const auto limit = wish.limit == 0 ? listed_max : std::min(wish.limit, listed_max);
  for (auto at = names_.upper_bound(wish.after); at != names_.end() && out.lines.size() < limit;
       ++at) {
    out.lines.push_back(line_of(schedules_.at(at->second)));
    out.lines.back().what.message.clear();
  }
  return out;
}

} // namespace carafe::core
