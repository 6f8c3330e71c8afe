#include "cli/shell/commands.hpp"
#include "cli/shell/dead_letters.hpp"

namespace carafe::shell {

command dlq_purge_command() {
  struct options {
    letter_choice choice;
    bool yes = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "dlq purge", .summary = "Strike dead letters off the list."};
  c.details =
    "They can then not be brought back; their messages stay in %DLQ%GROUP until retention "
    "passes them. It asks first, or wants --yes where nobody can be asked.";
  c.examples = {"carafe dlq purge mailers --yes", "carafe dlq purge mailers --offset 12 --yes"};
  c.options = letter_options(o->choice);
  c.options.push_back(flag("--yes", o->yes, "Do not ask."));
  c.run = [o](command_context& context) {
    if (!o->yes && !context.asks()) return context.misused(nobody_to_ask("dlq purge"));
    return deal_with(o->choice, {.purge = true, .asks = !o->yes}, context);
  };
  return c;
}

} // namespace carafe::shell
