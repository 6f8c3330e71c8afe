#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

/// Letters that nobody has dealt with stay, and the topic with them.
std::string what_stays(node_api& node, const std::string& group) {
  const auto open = node.dead_letters(group);
  if (!open) return ""; // A group that has none, or the deletion says what is wrong.
  std::uint64_t count = 0;
  for (const auto& range : *open) count += range.count;
  if (count == 0) return "";
  return " " + counted(count, "open dead letter") + (count == 1 ? " stays" : " stay") +
         " in %DLQ%" + group + ".";
}

} // namespace

command group_delete_command() {
  struct options {
    std::string name;
    bool yes = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "group delete", .summary = "Delete a group and its committed offsets."};
  c.details =
    "It asks first, or wants --yes where nobody can be asked. The group must have no consumers.";
  c.examples = {"carafe group delete billing --yes"};
  c.options = {text("GROUP", "", o->name, "The group.").must().completed_by(completes::group),
               flag("--yes", o->yes, "Do not ask.")};
  c.run = [o](command_context& context) {
    if (!o->yes && !context.asks()) return context.misused(nobody_to_ask("group delete"));
    auto node = context.node();
    if (!o->yes && !context.terminal.ask("Delete group " + o->name + " and its committed offsets?" +
                                         what_stays(*node, o->name)))
      return context.fail("cancelled", "nothing was deleted");
    auto deleted = node->delete_group(o->name);
    if (!deleted) return context.fail(deleted.error());
    record r;
    r.add("group", value::text(o->name)).add("deleted", value::boolean(true));
    return context.done(r, "group " + o->name + " deleted");
  };
  return c;
}

} // namespace carafe::shell
