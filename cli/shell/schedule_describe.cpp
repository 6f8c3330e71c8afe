#include "cli/shell/commands.hpp"
#include "cli/shell/schedule_view.hpp"

namespace carafe::shell {

command schedule_describe_command() {
  auto name = std::make_shared<std::string>();
  command c{.name = "schedule describe", .summary = "Show a schedule and its message."};
  c.examples = {"carafe schedule describe nightly"};
  c.options = {schedule_name(*name)};
  c.run = [name](command_context& context) {
    auto found = context.node()->describe_schedule(*name);
    if (!found) return context.fail(found.error());
    return context.show(schedule_view(*found));
  };
  return c;
}

} // namespace carafe::shell
