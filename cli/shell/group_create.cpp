#include "cli/shell/commands.hpp"
#include "cli/shell/group_changes.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command group_create_command() {
  struct options {
    std::string name;
    group_changes wanted;
    bool if_missing = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "group create", .summary = "Create a group, with its way of delivering."};
  c.details =
    "A group is also made by its first consumer, with the default settings. In an ordered group a "
    "queue has one consumer at a time; in a shared one any consumer gets any message, and each is "
    "done, tried again or given up by itself; keyed is shared, but of the messages of a key in a "
    "queue one at a time, in order; in a broadcast one every consumer gets every message. The "
    "options from --lease on are for shared and keyed groups.";
  c.examples = {"carafe group create mailers --topics orders --mode shared --attempts 5",
                "carafe group create billing --topics orders,refunds --mode keyed "
                "--backoff exponential:1s,2,10m --jitter 20%"};
  c.options = {text("NAME", "", o->name, "The new group.").must(),
               topics_option(o->wanted, "The topics it reads.").must(),
               mode_option(o->wanted, "How it shares its work.").must()};
  for (auto& each : filter_options(o->wanted.filter)) c.options.push_back(std::move(each));
  for (auto& each : delivery_options(o->wanted)) c.options.push_back(std::move(each));
  c.options.push_back(
    flag("--if-missing", o->if_missing, "No error if the group is there already and is the same."));
  c.run = [o](command_context& context) {
    client::group_definition group;
    group.name = o->name;
    group.if_missing = o->if_missing;
    o->wanted.apply_to(group);
    if (auto conflict = o->wanted.conflict_with(group.mode); !conflict.empty())
      return context.misused("group create: " + conflict);
    auto made = context.node()->put_group(group);
    if (!made) return context.fail(made.error());
    return context.done(group_view(*made), "group " + made->name + ": " + made->mode + ", " +
                                             counted(made->topics.size(), "topic"));
  };
  return c;
}

} // namespace carafe::shell
