#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command topic_delete_command() {
  struct options {
    std::string name;
    bool yes = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "topic delete", .summary = "Delete a topic and its messages."};
  c.details = "It asks first, or wants --yes where nobody can be asked. Groups go on without it; "
              "consumers without a group get queue_unknown.";
  c.examples = {"carafe topic delete orders", "carafe topic delete orders --yes"};
  c.options = {text("NAME", "", o->name, "The topic.").must().completed_by(completes::topic),
               flag("--yes", o->yes, "Do not ask.")};
  c.run = [o](command_context& context) {
    auto node = context.node();
    if (!o->yes && !context.asks()) return context.misused(nobody_to_ask("topic delete"));
    if (!o->yes) {
      auto topic = node->describe_topic(o->name);
      if (!topic) return context.fail(topic.error());
      if (!context.terminal.ask("Delete topic " + topic->name + " and its " +
                                counted(messages_of(*topic), "message") + "?"))
        return context.fail("cancelled", "nothing was deleted");
    }
    auto deleted = node->delete_topic(o->name);
    if (!deleted) return context.fail(deleted.error());
    record r;
    r.add("topic", value::text(o->name)).add("deleted", value::boolean(true));
    return context.done(r, "topic " + o->name + " deleted");
  };
  return c;
}

} // namespace carafe::shell
