#include "test/sim/schedule_oracle.hpp"

#include "test/sim/content.hpp"

#include <string_view>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::string_view body_begin = "schedule ";

std::string text(const planned_schedule& plan) { return "schedule " + plan.what.name; }

/// Unix ms, at or after 0.
std::int64_t next_multiple(std::int64_t after, std::int64_t base, std::int64_t period) {
  return after < base ? base : base + ((after - base) / period + 1) * period;
}

} // namespace

std::string schedule_body(std::uint64_t number) {
  return std::string{body_begin} + std::to_string(number);
}

schedule_oracle::life& schedule_oracle::find(std::uint64_t number) {
  expect(number < lives_.size(), "schedule number " + std::to_string(number) + " was never made");
  return lives_[number];
}

schedule_oracle::life& schedule_oracle::answer_of(std::uint64_t number) {
  auto& known = find(number);
  known.open = false;
  known.touched = ++moments_;
  return known;
}

std::int64_t schedule_oracle::next_after(const life& known, std::int64_t time) {
  const auto& plan = known.plan;
  if (plan.phase_ms) {
    const auto base = *plan.phase_ms;
    return next_multiple(std::max(time, *known.created_ms), base, plan.period_ms);
  }
  const auto first = plan.from_ms != 0 ? plan.from_ms : *known.created_ms + plan.period_ms;
  return next_multiple(std::max(time, *known.created_ms), first, plan.period_ms);
}

bool schedule_oracle::rests_at(const life& known, std::int64_t time, bool surely) {
  return std::ranges::any_of(known.rests, [&](const rest& each) {
    return time > each.from && time <= each.until && (!surely || (each.exact && !each.ending));
  });
}

// -- what clients ask for -------------------------------------------------------------------------

std::uint64_t schedule_oracle::making(planned_schedule what) {
  lives_.push_back({std::move(what)});
  return lives_.size() - 1;
}

void schedule_oracle::check_line(const life& known, const frames::schedule_line& told) const {
  const auto which = text(known.plan);
  auto what = told.what;
  if (what.message.empty()) what.message = known.plan.what.message; // In a list of all.
  expect(what == known.plan.what, which + " is told as another one");
  expect(told.body_bytes ==
           schedule_body(static_cast<std::uint64_t>(&known - lives_.data())).size(),
         which + " is told with another message");
  expect(!known.created_ms || told.created.value == *known.created_ms,
         which + " was made at two times");
  expect(told.progress.failed == 0, which + " has failed: " + told.progress.error);
}

void schedule_oracle::made(std::uint64_t number, const frames::schedule_line& told) {
  auto& known = answer_of(number);
  check_line(known, told);
  known.created_ms = told.created.value;
  note_(text(known.plan) + ", number " + std::to_string(number) + ", was made at " +
        std::to_string(told.created.value) + ", and is due at " + std::to_string(told.next.value));
}

void schedule_oracle::refused(std::uint64_t number) {
  auto& known = answer_of(number);
  known.refused = true;
  expect(known.seen.empty(), text(known.plan) + " was refused, and sends");
}

void schedule_oracle::paused(std::uint64_t number, const frames::schedule_line& told) {
  auto& known = answer_of(number);
  check_line(known, told);
  const auto from = told.progress.handled.value;
  note_(text(known.plan) + " is paused, after " + std::to_string(from));
  expect(told.paused && told.next.value == 0, text(known.plan) + " was paused, and is not");
  known.rests.push_back({from});
  const auto late = known.seen.upper_bound(from);
  expect(late == known.seen.end(), text(known.plan) + " was paused after " + std::to_string(from) +
                                     ", and has sent for " +
                                     std::to_string(late == known.seen.end() ? 0 : late->first));
}

void schedule_oracle::going_on(std::uint64_t number) {
  auto& known = find(number);
  known.open = true;
  auto& last = known.rests.back();
  last.ending = true;
  last.moves = moves_;
  last.asked_ms = wall_ms_;
}

void schedule_oracle::goes_on(std::uint64_t number, const frames::schedule_line& told, bool exact) {
  auto& known = answer_of(number);
  check_line(known, told);
  expect(!told.paused, text(known.plan) + " was to go on, and is paused");
  auto& last = known.rests.back();
  last.until = told.progress.handled.value;
  expect(last.moves != moves_ || last.until >= last.asked_ms,
         text(known.plan) + " goes on after " + std::to_string(last.until) +
           ", and rested at least until " + std::to_string(last.asked_ms));
  last.ending = false;
  last.exact = exact;
  note_(text(known.plan) + " goes on, after " + std::to_string(last.until));
  const auto early = known.seen.upper_bound(last.from);
  expect(!exact || early == known.seen.end() || early->first > last.until,
         text(known.plan) + " rested, and has sent for " +
           std::to_string(early == known.seen.end() ? 0 : early->first));
}

void schedule_oracle::ending(std::uint64_t number) { find(number).open = true; }

void schedule_oracle::ended(std::uint64_t number) {
  auto& known = answer_of(number);
  note_(text(known.plan) + " is deleted");
  known.ended = true;
  known.ended_ms = wall_most_ms_;
}

void schedule_oracle::silent_from(std::uint64_t number, const frames::topic_description& topic) {
  auto& known = find(number);
  for (const auto& queue : topic.queues) known.silent_from.emplace(queue.queue, queue.end);
}

// -- what comes -----------------------------------------------------------------------------------

void schedule_oracle::delivered(const watcher::message& what) {
  const auto& view = what.view;
  expect(view.body.starts_with(body_begin), "a message came that no schedule sends");
  const auto number = number_in(view.body.substr(body_begin.size()));
  auto& known = find(number);
  std::map<std::string, std::string> says;
  for (const auto& [name, value] : view.properties)
    says.insert_or_assign(std::string{name}, std::string{value});
  const auto due = static_cast<std::int64_t>(number_in(says["carafe-schedule-due-ms"]));
  const auto which = text(known.plan) + ", for " + std::to_string(due) + ",";
  note_(which + " comes at offset " + std::to_string(what.place.at.value) + " of queue " +
        std::to_string(what.place.queue.value) + ", at " + std::to_string(what.time.value));
  expect(view.body == schedule_body(number) && view.key == known.plan.key &&
           says["carafe-schedule"] == known.plan.what.name && what.producer == producer_id{0},
         which + " is not what was to be sent");
  expect(!known.refused, which + " was refused, and comes");
  message here{what.place};
  here.passed = static_cast<std::int64_t>(number_in(says["carafe-schedule-missed"]));
  const auto [at, fresh] = known.seen.emplace(due, here);
  expect(fresh, which + " comes twice: at offset " + std::to_string(at->second.place.at.value) +
                  " of queue " + std::to_string(at->second.place.queue.value) + ", and at offset " +
                  std::to_string(what.place.at.value) + " of queue " +
                  std::to_string(what.place.queue.value));
  ++deliveries_;
  // When it was due the clock may be set back before it is stored.
  expect(due <= wall_most_ms_ && (what.time.value >= due || moved_from_ms_ >= due),
         which + " came before its time, at " + std::to_string(what.time.value));
  expect(!rests_at(known, due, true), which + " comes, and it rested then");
  expect(!known.ended || due <= known.ended_ms, which + " comes, and it was deleted before");
  if (const auto end = known.silent_from.find(what.place.queue); end != known.silent_from.end())
    expect(what.place.at < end->second, which + " came after it was deleted");
}

void schedule_oracle::listed(std::uint64_t asked, const frames::schedules& what) const {
  std::map<std::string, const life*> there;
  for (const auto& known : lives_)
    if (known.created_ms && !known.ended && !known.open && known.touched < asked)
      there[known.plan.what.name] = &known;
  std::string before;
  for (const auto& line : what.lines) {
    expect(before < line.what.name, "schedules are not listed by their names");
    before = line.what.name;
    const auto at = there.find(line.what.name);
    if (at == there.end()) continue;
    const auto& known = *at->second;
    check_line(known, line);
    const bool rests = !known.rests.empty() && known.rests.back().until == never;
    expect(line.paused == rests, text(known.plan) + " is listed as " +
                                   (rests ? "going on, and was paused" : "paused, and was not"));
    there.erase(at);
  }
  expect(there.empty(), there.empty() ? "" : text(there.begin()->second->plan) + " is not listed");
}

// -- what is lost ---------------------------------------------------------------------------------

void schedule_oracle::lost_end() {
  for (auto& known : lives_) known.unsure = true;
}

void schedule_oracle::ends_at(queue_id queue, offset end) {
  for (auto& known : lives_) {
    std::erase_if(known.seen, [&](const auto& each) {
      return each.second.place.queue == queue && each.second.place.at >= end;
    });
    if (const auto at = known.silent_from.find(queue); at != known.silent_from.end())
      at->second = std::min(at->second, end);
  }
}

// -- the end --------------------------------------------------------------------------------------

void schedule_oracle::check_times(const life& known, bool lacking) const {
  const auto which = text(known.plan);
  const auto period = known.plan.period_ms;
  const auto policy = known.plan.what.missed;
  const auto until = known.plan.what.until.value;
  std::int64_t last = 0;
  for (const auto& [due, came] : known.seen) {
    const auto where = which + ", for " + std::to_string(due) + ",";
    expect(next_after(known, due - 1) == due, where + " comes, and it is not due then");
    expect(until == 0 || due <= until, where + " comes after its end");
    expect(came.passed == 0 || policy != missed_policy::all,
           where + " stands for others, and all are to be sent");
    const auto first = due - came.passed * period;
    if (!lacking)
      expect(first > last,
             where + " stands for " + std::to_string(came.passed) + " more, of which one was sent");
    last = due;
    if (!lacking) {
      std::int64_t passed = 0;
      for (auto at = next_after(known, first - 1); at < due; at = next_after(known, at)) ++passed;
      expect(passed == came.passed && !rests_at(known, first, true),
             where + " stands for more than it was due");
    }
  }
  const auto limit = known.plan.what.count_max;
  expect(limit == 0 || known.seen.size() <= limit, which + " has sent too often");
}

void schedule_oracle::check_counts(const life& known, const frames::schedule_line& told,
                                   bool lacking) const {
  const auto which = text(known.plan);
  const auto& progress = told.progress;
  const auto period = known.plan.period_ms;
  std::uint64_t sent = 0, passed = 0, times = 0, rested = 0;
  auto ahead = known.seen.begin();
  for (auto at = next_after(known, 0); at <= progress.handled.value; at = next_after(known, at)) {
    if (known.plan.what.until.value != 0 && at > known.plan.what.until.value) break;
    while (ahead != known.seen.end() && ahead->first < at) ++ahead;
    const bool here = ahead != known.seen.end() && ahead->first == at;
    const bool behind =
      ahead != known.seen.end() && !here && at >= ahead->first - ahead->second.passed * period;
    if (!here && !behind && rests_at(known, at, false)) {
      ++rested;
      continue;
    }
    ++times;
    sent += here ? 1 : 0;
    passed += here ? 0 : 1;
    const bool calm = at > calm_from_ms_;
    if (lacking && !calm) continue;
    expect(here || (behind && !calm) || (known.plan.what.missed == missed_policy::skip && !calm),
           which + ", for " + std::to_string(at) + ", is lost: it has sent up to " +
             std::to_string(progress.handled.value));
  }
  if (lacking) return;
  const auto late = static_cast<std::uint64_t>(
    std::distance(known.seen.upper_bound(progress.handled.value), known.seen.end()));
  expect(progress.fired == known.seen.size() - late,
         which + " has sent " + std::to_string(progress.fired) + ", and " +
           std::to_string(known.seen.size() - late) + " came");
  const bool all_exact = std::ranges::all_of(known.rests, [](const rest& r) { return r.exact; });
  if (all_exact)
    expect(progress.missed == passed, which + " has missed " + std::to_string(progress.missed) +
                                        " times, and " + std::to_string(passed) + " were not sent");
}

/// Those without a key go to the queues in turn.
void schedule_oracle::check_queues(const life& known,
                                   const std::vector<frames::topic_queue>& queues) const {
  const auto count = static_cast<std::uint32_t>(queues.size());
  std::uint32_t turn = 0;
  for (const auto& [due, came] : known.seen) {
    const auto number =
      known.plan.key.empty() ? turn % count : queue_of_key(known.plan.key, count).value;
    ++turn;
    expect(came.place.queue == queues[number].queue,
           text(known.plan) + ", for " + std::to_string(due) + ", is in another's queue");
  }
}

void schedule_oracle::check_finished(const frames::schedules& last, std::int64_t wall_ms,
                                     const std::vector<frames::topic_queue>& queues,
                                     std::uint64_t missed) const {
  std::map<std::string, const frames::schedule_line*> lines;
  for (const auto& line : last.lines) lines[line.what.name] = &line;
  for (const auto& known : lives_) {
    if (known.refused || !known.created_ms) continue;
    const bool lacking = known.unsure || missed > 0;
    check_times(known, lacking);
    if (!lacking) check_queues(known, queues);
    if (known.ended) continue;
    const auto which = text(known.plan);
    const auto at = lines.find(known.plan.what.name);
    expect(at != lines.end(), which + " is gone");
    const auto& line = *at->second;
    check_line(known, line);
    check_counts(known, line, lacking);
    const auto next = next_after(known, line.progress.handled.value);
    const auto& what = known.plan.what;
    const bool over = line.paused || (what.until.value != 0 && next > what.until.value) ||
                      (what.count_max != 0 && line.progress.fired >= what.count_max);
    expect(line.next.value == (over ? 0 : next),
           which + " is to be sent next at " + std::to_string(line.next.value) +
             ", and its next time is " + std::to_string(over ? 0 : next));
    expect(over || next > wall_ms - 500, which + " is late: it is due at " + std::to_string(next) +
                                           ", and the clock shows " + std::to_string(wall_ms));
    lines.erase(at);
  }
  expect(lines.empty(),
         lines.empty() ? "" : "schedule " + lines.begin()->first + " is still there");
}

} // namespace carafe::sim
