#include "cli/shell/commands.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command producer_list_command() {
  command c{.name = "producer list", .summary = "List the names of producers."};
  c.details =
    "A name stays until it is forgotten. It was opened as often as `epoch` says; only who "
    "opened it last may send.";
  c.examples = {"carafe producer list", "carafe producer list --json"};
  c.run = [](command_context& context) {
    auto found = context.node()->list_producers();
    if (!found) return context.fail(found.error());
    std::vector<record> rows;
    for (const auto& each : *found) {
      record row;
      row.add("name", value::text(each.name));
      row.add("epoch", value::count(each.epoch));
      row.add("created", value::time(each.created));
      row.add("opened", value::time(each.opened));
      rows.push_back(std::move(row));
    }
    return context.show(rows, "no producer has a name; carafe produce --producer gives one");
  };
  return c;
}

} // namespace carafe::shell
