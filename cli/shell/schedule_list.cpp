#include "cli/shell/commands.hpp"
#include "cli/shell/schedule_view.hpp"

namespace carafe::shell {

command schedule_list_command() {
  command c{.name = "schedule list", .summary = "List what the node sends by itself."};
  c.details = "'last' is the time that the last message was for.";
  c.examples = {"carafe schedule list", "carafe schedule list --json"};
  c.run = [](command_context& context) {
    auto found = context.node()->list_schedules();
    if (!found) return context.fail(found.error());
    std::vector<record> rows;
    for (const auto& s : *found) rows.push_back(schedule_row(s));
    return context.show(rows, "no schedules");
  };
  return c;
}

} // namespace carafe::shell
