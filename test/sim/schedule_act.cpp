#include "test/sim/schedule_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace carafe::sim {

namespace {

constexpr const char* topic_name = "alarms";
constexpr std::uint64_t clerks = 2;
constexpr std::size_t running_max = 3;
constexpr int rounds_max = 400;

struct cron_text {
  const char* expression;
  std::int64_t period_ms;
  std::int64_t phase_ms;
};
constexpr cron_text crons[] = {
  {"* * * * * *", 1'000, 0},
  {"*/2 * * * * *", 2'000, 0},
  {"*/5 * * * * *", 5'000, 0},
  {"3-59/10 * * * * *", 10'000, 3'000},
  {"1,16,31,46 * * * * *", 15'000, 1'000},
  {"30 * * * * *", 60'000, 30'000},
  {"* * * * *", 60'000, 0},
};
/// None whose offset has seconds.
constexpr const char* zones[] = {"", "Europe/Berlin", "Asia/Kolkata"};

void make_message(planned_schedule& plan, std::uint64_t number) {
  batch_builder builder;
  const auto body = schedule_body(number);
  message_view m;
  m.body = body;
  m.key = plan.key;
  expect(builder.add(m).ok(), "a batch cannot be made");
  const auto batch = builder.finish(codec::none);
  expect(batch.ok(), "a batch cannot be made");
  plan.what.message = batch->bytes.text();
}

planned_schedule some_plan(dice& d, std::int64_t now_ms) {
  planned_schedule out;
  const missed_policy policies[] = {missed_policy::skip, missed_policy::once, missed_policy::all};
  out.what.missed = policies[d.below(std::size(policies))];
  if (d.percent(30)) out.key = "key " + std::to_string(d.below(3));
  if (d.percent(50)) {
    const auto& cron = crons[d.below(std::size(crons))];
    out.what.when = cron_rule{cron.expression, zones[d.below(std::size(zones))]};
    out.period_ms = cron.period_ms;
    out.phase_ms = cron.phase_ms;
  } else {
    out.period_ms = static_cast<std::int64_t>(d.between(1'000, d.percent(80) ? 3'000 : 15'000));
    if (d.percent(40)) out.from_ms = now_ms + static_cast<std::int64_t>(d.below(8'000)) - 4'000;
    out.what.when = every_rule{static_cast<std::uint64_t>(out.period_ms), unix_ms{out.from_ms}};
  }
  if (d.percent(15))
    out.what.until = unix_ms{now_ms + static_cast<std::int64_t>(d.between(1'000, 30'000))};
  if (d.percent(15)) out.what.count_max = d.between(1, 8);
  return out;
}

} // namespace

// -- a clerk --------------------------------------------------------------------------------------

void schedule_clerk::step(dice& d) {
  take();
  if (!link_.ready()) return;
  if (d.percent(2)) return link_.cut();
  if (!open_) choose(d);
  if (open_ && link_.ready()) ask();
}

bool schedule_clerk::finish() {
  take();
  if (open_ && link_.ready()) ask();
  return !open_;
}

void schedule_clerk::choose(dice& d) {
  if (d.percent(10)) {
    open_ = wish{kind::list, 0, frames::schedule_list{}};
    return;
  }
  if (running_.empty() || (running_.size() < running_max && d.percent(30))) return make(d);
  if (d.percent(40)) return; // They run.
  auto& [number, schedule] = d.pick(running_);
  if (d.percent(25)) {
    told_->ending(number);
    open_ = wish{kind::end, number, frames::schedule_delete{schedule.name}};
  } else if (schedule.paused) {
    told_->going_on(number);
    const frames::schedule_put::resume how{schedule.name};
    open_ = wish{kind::go_on, number, frames::schedule_put{how, false}};
  } else {
    told_->pausing(number);
    const frames::schedule_put::pause how{schedule.name};
    open_ = wish{kind::pause, number, frames::schedule_put{how, false}};
  }
}

void schedule_clerk::make(dice& d) {
  std::set<std::string> taken;
  for (const auto& [number, schedule] : running_) taken.insert(schedule.name);
  std::string name;
  for (std::size_t i = 0; name.empty() || taken.contains(name); ++i)
    name = std::to_string(number_) + "-" + std::to_string(i);
  auto plan = some_plan(d, rig_->clocks->wall().value);
  plan.what.name = name;
  plan.what.topic = topic_;
  make_message(plan, told_->schedules());
  const auto definition = plan.what;
  const auto number = told_->making(std::move(plan));
  running_[number] = {name};
  open_ = wish{kind::make, number, frames::schedule_put{definition, true}};
}

void schedule_clerk::ask() {
  ++open_->asked;
  if (open_->what == kind::list) open_->listed_at = told_->listing_now();
  link_.ask(open_->body);
}

void schedule_clerk::take() {
  const auto news = link_.take();
  if (news.answer && open_) answered(*news.answer);
}

void schedule_clerk::answered(const frames::body& answer) {
  if (const auto* error = std::get_if<frames::error>(&answer))
    return failed(error->why.code, error->why.message());
  if (const auto* all = std::get_if<frames::schedules>(&answer)) {
    if (open_->what == kind::list) {
      told_->listed(open_->listed_at, *all);
      open_.reset();
      return;
    }
    expect(all->lines.size() == 1, "a wish for a schedule was answered with another number");
    return put(all->lines.front());
  }
  if (const auto* topic = std::get_if<frames::topic_description>(&answer)) {
    told_->silent_from(open_->schedule, *topic);
    open_.reset();
    return;
  }
  expect(std::holds_alternative<frames::ok>(answer) && open_->what == kind::end,
         "a wish for a schedule was answered with another frame");
  ended();
}

void schedule_clerk::put(const frames::schedule_line& line) {
  const auto number = open_->schedule;
  switch (open_->what) {
  case kind::make:
    told_->made(number, line);
    break;
  case kind::pause:
    told_->paused(number, line);
    running_.at(number).paused = true;
    break;
  default:
    told_->goes_on(number, line, open_->asked == 1);
    running_.at(number).paused = false;
  }
  open_.reset();
}

void schedule_clerk::ended() {
  const auto number = open_->schedule;
  told_->ended(number);
  running_.erase(number);
  open_ = wish{kind::look_at_ends, number, frames::topic_describe{topic_, false}};
}

void schedule_clerk::failed(errc code, const std::string& why) {
  if (open_->what == kind::end && open_->asked > 1 && code == errc::schedule_unknown)
    return ended();
  if (open_->what == kind::make && code == errc::schedule_invalid) { // Too late for its end.
    told_->refused(open_->schedule);
    running_.erase(open_->schedule);
    open_.reset();
    return;
  }
  expect(code == errc::too_many_requests || code == errc::storage_full ||
           code == errc::shutting_down || code == errc::shard_unavailable ||
           code == errc::outcome_unknown || code == errc::storage_failed,
         "a wish for a schedule was answered with " + why);
}

// -- the act --------------------------------------------------------------------------------------

schedule_act::schedule_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }),
    downtime_(d.below(~std::uint64_t{0})),
    watcher_(*stage_.node, "watcher of " + std::string{topic_name},
             [this](const watcher::message& m) {
               told_.wall_is(stage_.wall_ms());
               told_.delivered(m);
             }) {
  stage_.node->schedule_settings.make_id = [this] { return schedule_id{++ids_}; };
  if (d.percent(60)) stage_.node->shard_settings.retention_bytes = 0;
}

void schedule_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 4));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(70) ? 0 : d.between(1, 2)];
  topic_ = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : topic_.queues) watcher_.watch(queue.queue);
  for (std::uint64_t i = 1; i <= clerks; ++i)
    clerks_.emplace_back(*stage_.node, i, topic_name, told_);
}

void schedule_act::step(dice& d) {
  told_.wall_is(stage_.wall_ms());
  if (d.percent(50)) return watcher_.step(d);
  d.pick(clerks_).step(d);
}

void schedule_act::node_died() {
  told_.wall_is(stage_.wall_ms());
  for (auto& c : clerks_) c.node_died();
  watcher_.node_died();
  if (downtime_.percent(20)) stage_.node->clocks->now_ms += downtime_.between(500, 25'000);
}

void schedule_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  bool any = false;
  for (const auto& queue : topic_.queues) {
    if (queue.shard != shard) continue;
    any = true;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    watcher_.ends_at(queue.queue, end);
  }
  if (any) told_.lost_end();
}

void schedule_act::node_started() { topic_ = stage_.topic(topic_name); }

void schedule_act::look() {
  told_.wall_is(stage_.wall_ms());
  watcher_.hurry();
  stage_.pass(std::chrono::milliseconds{50});
  told_.wall_is(stage_.wall_ms());
}

void schedule_act::finish(dice&) {
  const auto open = [this] {
    bool any = false;
    for (auto& c : clerks_) any = !c.finish() || any;
    return any;
  };
  for (int round = 0; round < rounds_max && open(); ++round) look();
  expect(!open(), "a clerk of schedules gets no answer");
  // The longest time between two looks of the node at its clock, and more.
  for (int round = 0; round < 30; ++round) {
    stage_.skip(std::chrono::milliseconds{500});
    told_.wall_is(stage_.wall_ms());
  }
  look();
  told_.calm_from(stage_.wall_ms());
  for (int round = 0; round < 80; ++round) look();
  const auto wall_ms = stage_.wall_ms();
  const auto last = stage_.ask<frames::schedules>(frames::schedule_list{});
  const auto unread = [this] {
    return std::ranges::any_of(stage_.topic(topic_name).queues, [this](const auto& queue) {
      return watcher_.next(queue.queue) < queue.end;
    });
  };
  for (int round = 0; round < rounds_max && unread(); ++round) look();
  expect(!unread(), "the queues of schedules cannot be read to their ends");
  told_.check_finished(last, wall_ms, topic_.queues, watcher_.missed());
}

} // namespace carafe::sim
