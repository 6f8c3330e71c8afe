#include "cli/shell/commands.hpp"

namespace carafe::shell {

command producer_forget_command() {
  struct options {
    std::string name;
    bool yes = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "producer forget",
            .summary = "Forget a producer's name, and what it has stored."};
  c.details = "It asks first, or wants --yes where nobody can be asked. Messages stay. Who sends "
              "under this name is refused; who opens it again begins anew, and what was sent "
              "before would be stored once more.";
  c.examples = {"carafe producer forget importer --yes"};
  c.options = {text("NAME", "", o->name, "The producer's name.").must(),
               flag("--yes", o->yes, "Do not ask.")};
  c.run = [o](command_context& context) {
    if (!o->yes && !context.asks()) return context.misused(nobody_to_ask("producer forget"));
    if (!o->yes && !context.terminal.ask("Forget producer " + o->name + " and what it has stored?"))
      return context.fail("cancelled", "nothing was forgotten");
    auto forgotten = context.node()->forget_producer(o->name);
    if (!forgotten) return context.fail(forgotten.error());
    record r;
    r.add("name", value::text(o->name)).add("forgotten", value::boolean(true));
    return context.done(r, "producer " + o->name + " forgotten");
  };
  return c;
}

} // namespace carafe::shell
