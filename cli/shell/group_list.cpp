#include "cli/shell/commands.hpp"

#include <algorithm>

namespace carafe::shell {

command group_list_command() {
  command c{.name = "group list", .summary = "List the consumer groups."};
  c.examples = {"carafe group list"};
  c.run = [](command_context& context) {
    auto groups = context.node()->list_groups();
    if (!groups) return context.fail(groups.error());
    std::sort(groups->begin(), groups->end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    std::vector<record> rows;
    for (const auto& g : *groups) {
      record row;
      row.add("group", value::text(g.name));
      row.add_hidden("group_id", value::id(g.group.value));
      row.add("mode", value::text(g.mode));
      row.add("topics", value::names(g.topics));
      row.add("members", value::count(g.members));
      row.add("lag", value::count(g.lag).in(g.lag == 0 ? tone::good : tone::warning));
      rows.push_back(std::move(row));
    }
    return context.show(rows, "no groups; 'consume TOPIC --group GROUP' makes one");
  };
  return c;
}

} // namespace carafe::shell
