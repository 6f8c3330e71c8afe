#include "cli/shell/commands.hpp"
#include "cli/shell/timer_choice.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

record timer_row(const client::pending_timer& t) {
  record row;
  row.add("due", value::time(t.due));
  row.add("queue", value::id(t.number.value));
  row.add_hidden("queue_id", value::id(t.queue.value));
  row.add("number", value::id(t.place));
  row.add("id", value::text(client::to_string(t.id)));
  row.add("name", value::text(t.name));
  row.add("key", value::text(t.key));
  row.add("bytes", value::count(t.body_bytes));
  row.add_hidden("stored", value::time(t.armed));
  return row;
}

} // namespace

command timer_list_command() {
  struct options {
    std::string topic;
    std::optional<unix_ms> after;
    std::uint32_t limit = 20;
  };
  auto o = std::make_shared<options>();
  command c{.name = "timer list", .summary = "List messages that wait for their time."};
  c.details = "The soonest come first. People are told how many there are in all.";
  c.examples = {"carafe timer list orders", "carafe timer list orders --limit 1000 --json",
                "carafe timer list orders --after 2026-12-24T00:00:00Z"};
  c.options = {
    text("TOPIC", "", o->topic, "The topic.").must().completed_by(completes::topic),
    parsed("--after", "TIME", o->after, "Only those due after this time.", parse_instant),
    number<std::uint32_t>("--limit", "N", o->limit, "At most so many (default 20).", 1, 10'000)};
  c.run = [o](command_context& context) {
    auto found = context.node()->list_timers(o->topic, o->after.value_or(unix_ms{0}), o->limit);
    if (!found) return context.fail(found.error());
    std::vector<record> rows;
    for (const auto& t : found->timers) rows.push_back(timer_row(t));
    const auto shown = context.show(rows, "no message of " + o->topic + " waits for its time");
    if (!rows.empty() && !context.globals.json && found->total > rows.size())
      context.terminal.write_error(std::to_string(rows.size()) + " of " +
                                   counted(found->total, "message") + "\n");
    return shown;
  };
  return c;
}

} // namespace carafe::shell
