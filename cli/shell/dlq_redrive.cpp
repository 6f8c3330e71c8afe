#include "cli/shell/commands.hpp"
#include "cli/shell/dead_letters.hpp"

namespace carafe::shell {

command dlq_redrive_command() {
  struct options {
    letter_choice choice;
    std::uint32_t rate = 0;
  };
  auto o = std::make_shared<options>();
  command c{.name = "dlq redrive", .summary = "Have dead letters delivered again, to their group."};
  c.details = "Only the group gets them, from its first attempt on and with their history in their "
              "properties; other groups of the topic do not. It shows what became of each; the "
              "exit code is 1 if one could not be brought back.";
  c.examples = {"carafe dlq redrive mailers", "carafe dlq redrive mailers --count 500 --rate 50",
                "carafe dlq redrive mailers --error timeout"};
  c.options = letter_options(o->choice);
  c.options.push_back(number<std::uint32_t>(
    "--rate", "MSG_PER_S", o->rate, "About so many a second (default: as fast as they go).", 1));
  c.run = [o](command_context& context) {
    return deal_with(o->choice, {.rate = o->rate}, context);
  };
  return c;
}

} // namespace carafe::shell
