#include "cli/shell/commands.hpp"
#include "cli/shell/group_changes.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

client::group_definition as_it_is(client::group_info&& group) {
  client::group_definition same;
  same.name = std::move(group.name);
  same.mode = std::move(group.mode);
  same.topics = std::move(group.topics);
  same.delivery = std::move(group.delivery);
  same.filter = std::move(group.filter);
  same.version = group.version;
  return same;
}

} // namespace

command group_alter_command() {
  struct options {
    std::string name;
    group_changes changes;
  };
  auto o = std::make_shared<options>();
  command c{.name = "group alter", .summary = "Change a group's topics, filter or settings."};
  c.details = "Consumers may run, and go on with what the group is then; only another mode needs "
              "them stopped, but for shared to keyed and back. What is not given stays as it is. "
              "If somebody else changes the group at the same time, one of the two is refused.";
  c.examples = {"carafe group alter mailers --attempts 20 --backoff 1m,10m,1h",
                "carafe group alter mailers --topics orders,refunds",
                "carafe group alter mailers --where \"region = 'eu'\""};
  c.options = {text("GROUP", "", o->name, "The group.").must().completed_by(completes::group),
               topics_option(o->changes, "The topics it reads from now on."),
               mode_option(o->changes, "How it shares its work from now on.")};
  for (auto& each : filter_options(o->changes.filter)) c.options.push_back(std::move(each));
  for (auto& each : delivery_options(o->changes)) c.options.push_back(std::move(each));
  c.run = [o](command_context& context) {
    if (!o->changes.any()) return context.misused("group alter needs something to change");
    auto node = context.node();
    auto known = node->describe_group(o->name);
    if (!known) return context.fail(known.error());
    auto wanted = as_it_is(std::move(*known));
    o->changes.apply_to(wanted);
    if (auto conflict = o->changes.conflict_with(wanted.mode); !conflict.empty())
      return context.misused("group alter: " + conflict);
    auto group = node->put_group(wanted);
    if (!group) return context.fail(group.error());
    return context.show(group_view(*group));
  };
  return c;
}

} // namespace carafe::shell
