#include "cli/shell/commands.hpp"

namespace carafe::shell {

command group_forget_command() {
  struct options {
    std::string group;
    std::string consumer;
    bool yes = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "group forget",
            .summary = "Forget a named consumer of a broadcast group and its offsets, or let go of "
                       "a member's queues."};
  c.details = "It asks first, or wants --yes where nobody can be asked. The consumer must not be "
              "connected; who comes with the name later begins as a new one. In an ordered group "
              "NAME is the id of a member that is away: its queues go to others at once.";
  c.examples = {"carafe group forget caches desk-1 --yes"};
  c.options = {text("GROUP", "", o->group, "The group.").must().completed_by(completes::group),
               text("NAME", "", o->consumer, "The consumer's name, or the member's id.").must(),
               flag("--yes", o->yes, "Do not ask.")};
  c.run = [o](command_context& context) {
    if (!o->yes && !context.asks()) return context.misused(nobody_to_ask("group forget"));
    if (!o->yes && !context.terminal.ask("Forget consumer " + o->consumer + " of group " +
                                         o->group + " and its offsets?"))
      return context.fail("cancelled", "nothing was forgotten");
    auto forgotten = context.node()->forget_consumer(o->group, o->consumer);
    if (!forgotten) return context.fail(forgotten.error());
    record r;
    r.add("group", value::text(o->group))
      .add("name", value::text(o->consumer))
      .add("forgotten", value::boolean(true));
    return context.done(r, "consumer " + o->consumer + " of group " + o->group + " forgotten");
  };
  return c;
}

} // namespace carafe::shell
