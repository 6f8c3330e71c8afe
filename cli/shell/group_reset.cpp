#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command group_reset_command() {
  struct options {
    std::string group;
    std::string to;
    std::string topic;
    std::optional<queue_number> queue;
    std::string name;
  };
  auto o = std::make_shared<options>();
  command c{.name = "group reset", .summary = "Move a group's committed offsets."};
  c.details =
    "Consumers may run. In an ordered group they give their queues back and get them again at the "
    "new place, and so do named consumers of a broadcast one, whose offsets move. In a shared or "
    "keyed one, what they have and what waits counts no more. Messages from the new place on are "
    "delivered (again).";
  c.examples = {"carafe group reset billing --to earliest", "carafe group reset billing --to -15m",
                "carafe group reset billing --to 1200 --topic orders --queue 2"};
  c.options = {
    text("GROUP", "", o->group, "The group.").must().completed_by(completes::group),
    text("--to", "PLACE", o->to,
         "earliest, latest, an offset, a time (2026-11-22T10:00:00Z) or a time ago (-15m).")
      .must(),
    text("--topic", "TOPIC", o->topic, "Only this topic's queues (default: all of the group's).")
      .completed_by(completes::topic),
    number<queue_number>("--queue", "Q", o->queue, "Only the queue of this number."),
    name("--name", "N", o->name,
         "Only this named consumer of a broadcast group (default: all of them).")};
  c.run = [o](command_context& context) {
    auto to = parse_start(o->to, context.now);
    if (!to) return context.misused("group reset: --to: " + to.error().detail);
    auto group = context.node()->reset_group(o->group, o->topic, o->queue, *to, o->name);
    if (!group) return context.fail(group.error());
    return context.show(group_view(*group));
  };
  return c;
}

} // namespace carafe::shell
