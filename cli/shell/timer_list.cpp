#include "cli/shell/commands.hpp"
#include "cli/shell/timer_choice.hpp"
#include "cli/shell/value_syntax.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <limits>

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

/// A time, or a time, a queue's id and a number: the place of one message, as `text_of` writes it.
result<client::timer_place> parse_place(std::string_view text) {
  const auto queue_at = text.find('/');
  auto due = parse_instant(text.substr(0, queue_at));
  if (!due) return due.error();
  client::timer_place out;
  out.due = *due;
  if (queue_at == std::string_view::npos) return out;
  const auto rest = text.substr(queue_at + 1);
  const auto number_at = rest.find('/');
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const auto queue = parse_number(rest.substr(0, number_at), 1, most);
  const auto number =
    parse_number(number_at == std::string_view::npos ? "" : rest.substr(number_at + 1), 0, most);
  if (!queue || !number)
    return {errc::invalid_argument,
            "'" + std::string{text} +
              "' is no place; give TIME, or TIME/QUEUE_ID/NUMBER, as the list before said"};
  out.queue = queue_id{*queue};
  out.number = *number;
  return out;
}

std::string text_of(const client::pending_timer& at) {
  return time_text(at.due) + '/' + std::to_string(at.queue.value) + '/' + std::to_string(at.place);
}

} // namespace

command timer_list_command() {
  struct options {
    std::string topic;
    std::optional<client::timer_place> after;
    std::uint32_t limit = 20;
  };
  auto o = std::make_shared<options>();
  command c{.name = "timer list", .summary = "List messages that wait for their time."};
  c.details = "The soonest come first. People are told how many there are in all.";
  c.examples = {"carafe timer list orders", "carafe timer list orders --limit 1000 --json",
                "carafe timer list orders --after 2026-12-24T00:00:00Z"};
  c.options = {
    text("TOPIC", "", o->topic, "The topic.").must().completed_by(completes::topic),
    parsed("--after", "TIME", o->after,
           "Only those due after this time; TIME/QUEUE_ID/NUMBER: only those behind this one.",
           parse_place),
    number<std::uint32_t>("--limit", "N", o->limit, "At most so many (default 20).", 1, 10'000)};
  c.run = [o](command_context& context) {
    auto found =
      context.node()->list_timers(o->topic, o->after.value_or(client::timer_place{}), o->limit);
    if (!found) return context.fail(found.error());
    std::vector<record> rows;
    for (const auto& t : found->timers) rows.push_back(timer_row(t));
    const auto none = o->after && found->total > 0
                        ? "none of " + counted(found->total, "message") + " is due after that"
                        : "no message of " + o->topic + " waits for its time";
    const auto shown = context.show(rows, none);
    if (!rows.empty() && !context.globals.json && found->total > rows.size())
      context.terminal.write_error(std::to_string(rows.size()) + " of " +
                                   counted(found->total, "message") + "; go on with --after " +
                                   text_of(found->timers.back()) + "\n");
    return shown;
  };
  return c;
}

} // namespace carafe::shell
