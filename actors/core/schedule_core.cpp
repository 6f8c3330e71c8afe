#include "actors/core/schedule_core.hpp"

#include <algorithm>

namespace carafe::core {

schedule_core::schedule_core(schedule_limits limits, zone_source zones)
  : limits_(limits), zones_(std::move(zones)) {}

// -- what there is --------------------------------------------------------------------------------

result<recurrence> schedule_core::rule_of(const schedule_definition& what, unix_ms created) const {
  std::shared_ptr<const time_zone> zone;
  if (const auto* cron = std::get_if<cron_rule>(&what.when)) {
    auto found = zones_(cron->zone);
    if (!found) return found.error();
    zone = std::move(*found);
  }
  return recurrence::make(what.when, created, std::move(zone));
}

void schedule_core::put(const schedule_record& record) {
  auto& e = schedules_[record.id];
  unqueue(e);
  e.record = record;
  if (record.begin.step >= e.now.step) e.now = record.begin;
  e.problem.clear();
  if (auto rule = rule_of(record.what, record.created)) {
    e.rule = std::move(*rule);
  } else {
    e.rule.reset();
    e.problem = rule.error().message();
  }
  names_[record.what.name] = record.id;
}

void schedule_core::load(const schedule_record& record) { put(record); }

bool schedule_core::learn(schedule_id schedule, const schedule_progress& progress) {
  const auto at = schedules_.find(schedule);
  if (at == schedules_.end()) return false;
  if (progress.step > at->second.now.step) at->second.now = progress;
  return true;
}

void schedule_core::loaded() {
  for (auto& [id, e] : schedules_) queue(e);
}

void schedule_core::apply(const effects::effect& effect) {
  if (const auto* made = std::get_if<effects::schedule_put>(&effect)) {
    put(made->schedule);
    auto& e = schedules_.at(made->schedule.id);
    e.is = state::idle;
    queue(e);
  } else if (const auto* gone = std::get_if<effects::schedule_deleted>(&effect)) {
    const auto at = schedules_.find(gone->schedule);
    if (at == schedules_.end()) return;
    unqueue(at->second);
    names_.erase(at->second.record.what.name);
    schedules_.erase(at);
  }
}

const schedule_record* schedule_core::find(schedule_id schedule) const {
  const auto at = schedules_.find(schedule);
  return at == schedules_.end() ? nullptr : &at->second.record;
}

const schedule_record* schedule_core::find(std::string_view name) const {
  const auto* e = entry_of(name);
  return e == nullptr ? nullptr : &e->record;
}

const schedule_progress* schedule_core::progress(schedule_id schedule) const {
  const auto at = schedules_.find(schedule);
  return at == schedules_.end() ? nullptr : &at->second.now;
}

const schedule_core::entry* schedule_core::entry_of(std::string_view name) const {
  const auto at = names_.find(name);
  return at == names_.end() ? nullptr : &schedules_.at(at->second);
}

// -- who takes steps ------------------------------------------------------------------------------

void schedule_core::queue(entry& e) {
  e.next = e.record.paused ? std::nullopt : following(e, e.now.handled);
  if (e.next && e.is == state::idle) queue_.emplace(*e.next, e.record.id);
}

void schedule_core::unqueue(entry& e) {
  if (e.next) queue_.erase({*e.next, e.record.id});
}

bool schedule_core::is_busy(std::string_view name) const {
  const auto* e = entry_of(name);
  return e != nullptr && e->is == state::busy;
}

void schedule_core::claim(std::string_view name) {
  const auto at = names_.find(name);
  if (at == names_.end()) return;
  auto& e = schedules_.at(at->second);
  unqueue(e);
  e.is = state::busy;
}

void schedule_core::unclaim(std::string_view name) {
  const auto at = names_.find(name);
  if (at == names_.end()) return;
  auto& e = schedules_.at(at->second);
  e.is = state::idle;
  queue(e);
}

void schedule_core::settled(schedule_id schedule, const schedule_progress& progress) {
  const auto at = schedules_.find(schedule);
  if (at == schedules_.end()) return;
  auto& e = at->second;
  CARAFE_ASSERT(progress.step > e.now.step && progress.handled > e.now.handled);
  e.now = progress;
  e.problem.clear();
  e.is = state::idle;
  queue(e);
}

void schedule_core::hold(schedule_id schedule, std::string why) {
  const auto at = schedules_.find(schedule);
  if (at == schedules_.end()) return;
  at->second.is = state::held;
  at->second.problem = std::move(why);
}

void schedule_core::release(schedule_id schedule) {
  const auto at = schedules_.find(schedule);
  if (at == schedules_.end() || at->second.is != state::held) return;
  at->second.is = state::idle;
  queue(at->second);
}

// -- time -----------------------------------------------------------------------------------------

std::optional<unix_ms> schedule_core::following(const entry& e, unix_ms at) {
  const auto& what = e.record.what;
  if (!e.rule || (what.count_max != 0 && e.now.fired >= what.count_max)) return std::nullopt;
  const auto found = e.rule->next_after(at);
  return found && what.until.value != 0 && *found > what.until ? std::nullopt : found;
}

std::optional<unix_ms> schedule_core::next() const {
  return queue_.empty() ? std::nullopt : std::optional{queue_.begin()->first};
}

std::vector<schedule_core::firing> schedule_core::due(unix_ms now, std::size_t max) {
  std::vector<firing> out;
  while (out.size() < max && !queue_.empty() && queue_.begin()->first <= now) {
    auto& e = schedules_.at(queue_.begin()->second);
    queue_.erase(queue_.begin());
    e.is = state::busy;
    out.push_back(step_of(e, now));
  }
  return out;
}

schedule_core::firing schedule_core::step_of(const entry& e, unix_ms now) {
  std::vector<unix_ms> times;
  for (auto at = e.next; at && *at <= now && times.size() < skip_max + catch_up_max + 2;
       at = following(e, *at))
    times.push_back(*at);
  const bool more = times.size() == skip_max + catch_up_max + 2;
  const bool on_time = !more && now.value - times.back().value <= late_ms;
  const auto missed = times.size() - (on_time ? 1 : 0);

  // The one that is sent, or up to which all are passed over.
  std::size_t chosen = 0;
  bool sends = true;
  if (more) {
    chosen = skip_max - 1;
    sends = false;
  } else if (missed > 0) {
    switch (e.record.what.missed) {
    case missed_policy::skip:
      chosen = times.size() - 1;
      sends = on_time;
      break;
    case missed_policy::once:
      chosen = missed - 1;
      break;
    case missed_policy::all:
      sends = missed <= catch_up_max;
      chosen = sends ? 0 : missed - catch_up_max - 1;
      break;
    }
  }
  firing out;
  out.schedule = e.record.id;
  out.due = times[chosen];
  out.passed = sends ? chosen : chosen + 1;
  out.sends = sends;
  out.number = e.now.fired + e.now.failed;
  out.before = out.after = e.now;
  ++out.after.step;
  out.after.handled = out.due;
  out.after.missed += out.passed;
  if (sends) {
    ++out.after.fired;
    out.after.last_due = out.due;
    out.after.last_fired = now;
  }
  return out;
}

schedule_progress schedule_core::failed(const firing& step, std::string why) {
  auto out = step.before;
  out.step = step.after.step;
  out.handled = step.after.handled;
  out.missed = step.after.missed;
  ++out.failed;
  why.resize(std::min(why.size(), error_bytes_max));
  out.error = std::move(why);
  return out;
}

} // namespace carafe::core
