#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

void put(wire::schedule::Definition::Builder to, const schedule_definition& from) {
  to.setName(wire_text{from.name});
  to.setTopic(wire_text{from.topic});
  if (const auto* cron = std::get_if<cron_rule>(&from.when)) {
    auto rule = to.getWhen().initCron();
    rule.setExpression(wire_text{cron->expression});
    rule.setZone(wire_text{cron->zone});
  } else {
    const auto& every = std::get<every_rule>(from.when);
    auto rule = to.getWhen().initEvery();
    rule.setIntervalMs(every.interval_ms);
    rule.setFromMs(every.from.value);
  }
  to.setMissed(enum_to_wire<wire::schedule::Missed>(from.missed));
  to.setUntilMs(from.until.value);
  to.setCountMax(from.count_max);
  to.setMessage(kj::ArrayPtr<const char>{from.message.data(), from.message.size()}.asBytes());
}

schedule_definition get(wire::schedule::Definition::Reader from, decoding& state) {
  auto to = schedule_definition{};
  to.name = state.text(from.getName());
  to.topic = state.text(from.getTopic());
  const auto when = from.getWhen();
  if (when.isCron())
    to.when =
      cron_rule{state.text(when.getCron().getExpression()), state.text(when.getCron().getZone())};
  else if (when.isEvery())
    to.when = every_rule{when.getEvery().getIntervalMs(), unix_ms{when.getEvery().getFromMs()}};
  else
    state.refuse(errc::frame_malformed, "when a schedule is due");
  const auto missed = enum_from_wire(from.getMissed(), missed_policy::all);
  if (!missed) state.refuse(errc::frame_malformed, "unknown enumerator");
  to.missed = missed.value_or(missed_policy::once);
  to.until = unix_ms{from.getUntilMs()};
  to.count_max = from.getCountMax();
  const auto message = from.getMessage().asChars();
  to.message.assign(message.begin(), message.size());
  return to;
}

void put(wire::schedule::Progress::Builder to, const schedule_progress& from) {
  to.setStep(from.step);
  to.setFired(from.fired);
  to.setMissed(from.missed);
  to.setFailed(from.failed);
  to.setHandledMs(from.handled.value);
  to.setLastDueMs(from.last_due.value);
  to.setLastFiredMs(from.last_fired.value);
  to.setError(wire_text{from.error});
}

schedule_progress get(wire::schedule::Progress::Reader from, decoding& state) {
  return {from.getStep(),
          from.getFired(),
          from.getMissed(),
          from.getFailed(),
          unix_ms{from.getHandledMs()},
          unix_ms{from.getLastDueMs()},
          unix_ms{from.getLastFiredMs()},
          state.text(from.getError())};
}

} // namespace

void put(wire::schedule::Put::Builder to, const schedule_put& from) {
  if (const auto* made = std::get_if<schedule_definition>(&from.wish))
    put(to.initMake(), *made);
  else if (const auto* pause = std::get_if<schedule_put::pause>(&from.wish))
    to.setPause(wire_text{pause->name});
  else
    to.setResume(wire_text{std::get<schedule_put::resume>(from.wish).name});
  to.setIfMissing(from.if_missing);
}

schedule_put get(wire::schedule::Put::Reader from, decoding& state) {
  auto to = schedule_put{};
  to.if_missing = from.getIfMissing();
  switch (from.which()) {
  case wire::schedule::Put::MAKE:
    to.wish = get(from.getMake(), state);
    return to;
  case wire::schedule::Put::PAUSE:
    to.wish = schedule_put::pause{state.text(from.getPause())};
    return to;
  case wire::schedule::Put::RESUME:
    to.wish = schedule_put::resume{state.text(from.getResume())};
    return to;
  }
  state.refuse(errc::frame_malformed, "what becomes of a schedule");
  return to;
}

void put(wire::schedule::Query::Builder to, const schedule_list& from) {
  to.setName(wire_text{from.name});
  to.setAfter(wire_text{from.after});
  to.setLimit(from.limit);
}

schedule_list get(wire::schedule::Query::Reader from, decoding& state) {
  return {state.text(from.getName()), state.text(from.getAfter()), from.getLimit()};
}

void put(wire::schedule::Schedules::Builder to, const schedules& from) {
  auto list = to.initSchedules(size_of(from.lines.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& each = from.lines[i];
    auto row = list[i];
    put(row.initDefinition(), each.what);
    put(row.initProgress(), each.progress);
    row.setPaused(each.paused);
    row.setCreatedMs(each.created.value);
    row.setNextMs(each.next.value);
    row.setProblem(wire_text{each.problem});
    row.setBodyBytes(each.body_bytes);
  }
  to.setTotal(from.total);
}

schedules get(wire::schedule::Schedules::Reader from, decoding& state) {
  auto to = schedules{};
  const auto list = from.getSchedules(); // Once: each look at it counts against the limit.
  to.lines.reserve(list.size());
  for (auto row : list) {
    auto& each = to.lines.emplace_back();
    each.what = get(row.getDefinition(), state);
    each.progress = get(row.getProgress(), state);
    each.paused = row.getPaused();
    each.created = unix_ms{row.getCreatedMs()};
    each.next = unix_ms{row.getNextMs()};
    each.problem = state.text(row.getProblem());
    each.body_bytes = row.getBodyBytes();
  }
  to.total = from.getTotal();
  return to;
}

} // namespace carafe::frames
