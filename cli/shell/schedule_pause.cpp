#include "cli/shell/commands.hpp"
#include "cli/shell/schedule_view.hpp"

namespace carafe::shell {

command schedule_pause_command() {
  auto name = std::make_shared<std::string>();
  command c{.name = "schedule pause", .summary = "Have a schedule send nothing for a while."};
  c.details = "Times that pass until schedule resume are not missed.";
  c.examples = {"carafe schedule pause nightly"};
  c.options = {schedule_name(*name)};
  c.run = [name](command_context& context) {
    auto changed = context.node()->pause_schedule(*name);
    if (!changed) return context.fail(changed.error());
    return context.done(schedule_view(*changed), "schedule " + *name + " is paused");
  };
  return c;
}

command schedule_resume_command() {
  auto name = std::make_shared<std::string>();
  command c{.name = "schedule resume", .summary = "Have a paused schedule send again."};
  c.examples = {"carafe schedule resume nightly"};
  c.options = {schedule_name(*name)};
  c.run = [name](command_context& context) {
    auto changed = context.node()->resume_schedule(*name);
    if (!changed) return context.fail(changed.error());
    return context.done(schedule_view(*changed), "schedule " + *name + ": " + next_text(*changed));
  };
  return c;
}

} // namespace carafe::shell
