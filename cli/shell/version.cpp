#include "cli/shell/commands.hpp"

namespace carafe::shell {

command version_command() {
  command c{.name = "version", .summary = "Show the version of this program."};
  c.details = "'node status' tells the node's.";
  c.examples = {"carafe version"};
  c.run = [](command_context& context) {
    record r;
    r.add("version", value::text(CARAFE_VERSION));
    return context.done(r, "carafe " CARAFE_VERSION);
  };
  return c;
}

} // namespace carafe::shell
