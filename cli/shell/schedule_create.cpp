#include "cli/shell/commands.hpp"
#include "cli/shell/schedule_view.hpp"
#include "cli/shell/timer_choice.hpp"

namespace carafe::shell {

namespace {

struct options {
  client::schedule_definition wanted;
  std::optional<std::string> cron, zone;
  std::optional<std::chrono::milliseconds> every;
  std::optional<unix_ms> from;
  bool if_missing = false;
};

std::string conflict_in(const options& o) {
  if (o.cron.has_value() == o.every.has_value()) return "give --cron or --every, one of them";
  if (o.zone && !o.cron) return "--zone is for --cron";
  if (o.from && !o.every) return "--from is for --every";
  return {};
}

exit_code create(options& o, command_context& context) {
  if (auto conflict = conflict_in(o); !conflict.empty())
    return context.misused("schedule create: " + conflict);
  if (o.cron)
    o.wanted.when = client::cron_times{*o.cron, o.zone.value_or("")};
  else
    o.wanted.when = client::interval_times{*o.every, o.from.value_or(unix_ms{0})};
  auto made = context.node()->create_schedule(o.wanted, o.if_missing);
  if (!made) return context.fail(made.error());
  return context.done(schedule_view(*made),
                      "schedule " + made->what.name + ": " + next_text(*made));
}

} // namespace

command schedule_create_command() {
  auto o = std::make_shared<options>();
  auto& m = o->wanted.message;
  command c{.name = "schedule create", .summary = "Have the node send a message again and again."};
  c.details =
    "Each time that it is due is dealt with once, also when the node is killed. Times that pass "
    "while the node is down are missed; --missed says what is sent for them.";
  c.examples = {"carafe schedule create nightly --topic reports --cron '30 2 * * mon-fri' --zone "
                "Europe/Berlin --body run",
                "carafe schedule create beat --topic health --every 5m --missed skip"};
  c.options = {
    text("NAME", "", o->wanted.name, "The new schedule.").must(),
    text("--topic", "T", o->wanted.topic, "Where the message is sent to.")
      .must()
      .completed_by(completes::topic),
    text("--cron", "EXPR", o->cron,
         "Minute, hour, day of the month, month, day of the week; six fields begin with the "
         "second. Or @hourly, @daily, @weekly, @monthly, @yearly."),
    name("--zone", "ZONE", o->zone,
         "The time zone of --cron, such as Europe/Berlin (default UTC)."),
    parsed("--every", "DURATION", o->every, "After this while, again and again: such as 30s, 5m.",
           parse_duration),
    parsed("--from", "TIME", o->from,
           "The first time of --every, such as 2026-11-22T10:00:00Z (default: a while from now).",
           parse_instant),
    choice("--missed", o->wanted.missed,
           "What is sent for times that passed while the node was down: nothing, one message "
           "(default), or one for each.",
           {{"skip", client::missed_times::skip},
            {"once", client::missed_times::once},
            {"all", client::missed_times::all}}),
    parsed("--until", "TIME", o->wanted.until, "It ends at this time.", parse_instant),
    number<std::uint64_t>("--count", "N", o->wanted.count_max, "It ends after so many messages.",
                          1),
    text("--body", "TEXT", m.body, "The message's body (default: empty)."),
    text("--key", "K", m.key, "Its key: it goes to that key's queue."),
    text("--tag", "T", m.tag, "Its tag."),
    parsed("--property", "K=V", m.properties, "A property.", parse_property).many(),
    number<std::uint8_t>("--priority", "N", m.priority,
                         "0 to 9 (default 4): in shared groups higher goes first.", 0,
                         priority_max),
    parsed("--ttl", "DURATION", m.ttl,
           "It is not delivered when it is older (default: as the topic says).", parse_duration),
    flag("--if-missing", o->if_missing, "No error if the same schedule is there already.")};
  c.run = [o](command_context& context) { return create(*o, context); };
  return c;
}

} // namespace carafe::shell
