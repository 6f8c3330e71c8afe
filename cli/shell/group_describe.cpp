#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command group_describe_command() {
  auto name = std::make_shared<std::string>();
  command c{.name = "group describe",
            .summary = "Show a group's lag on each queue and its members."};
  c.details = "Lag counts the messages from the committed offset to the queue's end.";
  c.examples = {"carafe group describe billing"};
  c.options = {text("GROUP", "", *name, "The group.").must().completed_by(completes::group)};
  c.run = [name](command_context& context) {
    auto group = context.node()->describe_group(*name);
    if (!group) return context.fail(group.error());
    return context.show(group_view(*group));
  };
  return c;
}

} // namespace carafe::shell
