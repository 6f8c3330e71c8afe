#include "cli/shell/commands.hpp"

namespace carafe::shell {

command node_actors_command() {
  command c{.name = "node actors",
            .summary = "List the node's actors with the lengths of their mailboxes."};
  c.details = "A mailbox that stays long belongs to an actor that does not keep up.";
  c.examples = {"carafe node actors"};
  c.run = [](command_context& context) {
    auto actors = context.node()->node_actors();
    if (!actors) return context.fail(actors.error());
    std::vector<record> rows;
    for (const auto& a : *actors) {
      record row;
      row.add("actor", value::text(a.name));
      row.add("kind", value::text(a.kind));
      row.add("mailbox", value::count(a.mailbox).in(a.mailbox == 0 ? tone::plain : tone::warning));
      rows.push_back(std::move(row));
    }
    return context.show(rows, "no actors");
  };
  return c;
}

} // namespace carafe::shell
