#include "cli/shell/commands.hpp"
#include "cli/shell/timer_choice.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command timer_cancel_command() {
  auto o = std::make_shared<timer_choice>();
  command c{.name = "timer cancel", .summary = "Cancel messages that wait for their time."};
  c.details =
    "They are never delivered. A message that was delivered already, or was cancelled, is "
    "timer_unknown, and the exit code 1: so it is known whether it was in time.";
  c.examples = {"carafe timer cancel orders --id 0123456789abcdef-42",
                "carafe timer cancel orders --name 'close order 4711'"};
  c.options = timer_options(*o);
  c.run = [o](command_context& context) {
    auto which = selection_of(*o);
    if (!which) return context.misused("timer cancel: " + which.error().detail);
    auto count = context.node()->cancel_timers(*which);
    if (!count) return context.fail(count.error());
    record r;
    r.add("topic", value::text(o->topic)).add("cancelled", value::count(*count));
    return context.done(r, counted(*count, "message") + " cancelled");
  };
  return c;
}

} // namespace carafe::shell
