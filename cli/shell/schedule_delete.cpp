#include "cli/shell/commands.hpp"
#include "cli/shell/schedule_view.hpp"

namespace carafe::shell {

command schedule_delete_command() {
  auto name = std::make_shared<std::string>();
  command c{.name = "schedule delete", .summary = "Delete a schedule."};
  c.details = "What it has sent stays.";
  c.examples = {"carafe schedule delete nightly"};
  c.options = {schedule_name(*name)};
  c.run = [name](command_context& context) {
    if (auto gone = context.node()->delete_schedule(*name); !gone)
      return context.fail(gone.error());
    record r;
    r.add("name", value::text(*name));
    return context.done(r, "schedule " + *name + " is deleted");
  };
  return c;
}

} // namespace carafe::shell
