#include "cli/shell/commands.hpp"
#include "cli/shell/timer_choice.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command timer_move_command() {
  struct options {
    timer_choice choice;
    std::optional<unix_ms> at;
    std::optional<std::chrono::milliseconds> in;
  };
  auto o = std::make_shared<options>();
  command c{.name = "timer move", .summary = "Give waiting messages another time of delivery."};
  c.details = "It may be sooner or later than before, or past: then they are delivered at once. "
              "timer_unknown and the exit code 1 tell that it was too late.";
  c.examples = {"carafe timer move orders --name 'close order 4711' --in 48h",
                "carafe timer move orders --id 0123456789abcdef-42 --at 2026-12-24T18:00:00+01:00"};
  c.options = timer_options(o->choice);
  c.options.push_back(
    parsed("--at", "TIME", o->at, "The new time, such as 2026-11-22T10:00:00Z.", parse_instant));
  c.options.push_back(parsed("--in", "DURATION", o->in,
                             "The new time, from now: such as 90s, 12h, or level1 to level18.",
                             parse_delay));
  c.run = [o](command_context& context) {
    auto which = selection_of(o->choice);
    if (!which) return context.misused("timer move: " + which.error().detail);
    if (o->at.has_value() == o->in.has_value())
      return context.misused("timer move: give --at or --in, one of them");
    const auto to = o->at ? client::delivery_time{*o->at} : client::delivery_time{*o->in};
    auto count = context.node()->move_timers(*which, to);
    if (!count) return context.fail(count.error());
    record r;
    r.add("topic", value::text(o->choice.topic)).add("moved", value::count(*count));
    return context.done(r, counted(*count, "message") + " moved");
  };
  return c;
}

} // namespace carafe::shell
