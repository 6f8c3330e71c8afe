#include "schema/log_codec.hpp"

#include <string>
#include <variant>

namespace carafe {
namespace {

capnp::Text::Reader text_of(const std::string& text) { return {text.c_str(), text.size()}; }

std::string text_of(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

void put(wire::schedule::Definition::Builder to, const schedule_definition& from) {
  to.setName(text_of(from.name));
  to.setTopic(text_of(from.topic));
  if (const auto* cron = std::get_if<cron_rule>(&from.when)) {
    auto rule = to.getWhen().initCron();
    rule.setExpression(text_of(cron->expression));
    rule.setZone(text_of(cron->zone));
  } else {
    const auto& every = std::get<every_rule>(from.when);
    auto rule = to.getWhen().initEvery();
    rule.setIntervalMs(every.interval_ms);
    rule.setFromMs(every.from.value);
  }
  to.setMissed(static_cast<wire::schedule::Missed>(from.missed));
  to.setUntilMs(from.until.value);
  to.setCountMax(from.count_max);
  to.setMessage(kj::ArrayPtr<const char>{from.message.data(), from.message.size()}.asBytes());
}

errc get(wire::schedule::Definition::Reader from, schedule_definition& to) {
  to.name = text_of(from.getName());
  to.topic = text_of(from.getTopic());
  const auto when = from.getWhen();
  if (when.isCron())
    to.when = cron_rule{text_of(when.getCron().getExpression()), text_of(when.getCron().getZone())};
  else if (when.isEvery())
    to.when = every_rule{when.getEvery().getIntervalMs(), unix_ms{when.getEvery().getFromMs()}};
  else
    return errc::format_newer;
  if (from.getMissed() > wire::schedule::Missed::ALL) return errc::format_newer;
  to.missed = static_cast<missed_policy>(from.getMissed());
  to.until = unix_ms{from.getUntilMs()};
  to.count_max = from.getCountMax();
  const auto message = from.getMessage().asChars();
  to.message.assign(message.begin(), message.size());
  return errc::none;
}

} // namespace

void put(wire::schedule::Progress::Builder to, const schedule_progress& from) {
  to.setStep(from.step);
  to.setFired(from.fired);
  to.setMissed(from.missed);
  to.setFailed(from.failed);
  to.setHandledMs(from.handled.value);
  to.setLastDueMs(from.last_due.value);
  to.setLastFiredMs(from.last_fired.value);
  to.setError(text_of(from.error));
}

errc get(wire::schedule::Progress::Reader from, schedule_progress& to) {
  to.step = from.getStep();
  to.fired = from.getFired();
  to.missed = from.getMissed();
  to.failed = from.getFailed();
  to.handled = unix_ms{from.getHandledMs()};
  to.last_due = unix_ms{from.getLastDueMs()};
  to.last_fired = unix_ms{from.getLastFiredMs()};
  to.error = text_of(from.getError());
  return errc::none;
}

void put(wire::schedule::Record::Builder to, const schedule_record& from) {
  to.setSchedule(from.id.value);
  put(to.initDefinition(), from.what);
  to.setPaused(from.paused);
  to.setCreatedMs(from.created.value);
  put(to.initBegin(), from.begin);
}

errc get(wire::schedule::Record::Reader from, schedule_record& to) {
  to.id = schedule_id{from.getSchedule()};
  to.paused = from.getPaused();
  to.created = unix_ms{from.getCreatedMs()};
  if (auto wrong = get(from.getBegin(), to.begin); wrong != errc::none) return wrong;
  return get(from.getDefinition(), to.what);
}

} // namespace carafe
