#include "cli/shell/command_line.hpp"
#include "cli/shell/commands.hpp"
#include "cli/shell/help.hpp"
#include "cli/shell/suggestion.hpp"

namespace carafe::shell {

command help_command() {
  auto path = std::make_shared<std::vector<std::string>>();
  command c{.name = "help", .summary = "List the commands, or explain one."};
  c.examples = {"carafe help", "carafe help topic create"};
  c.options = {
    text("COMMAND", "", *path, "The command's words.").many().completed_by(completes::command)};
  c.run = [path](command_context& context) {
    const auto commands = all_commands();
    std::vector<std::string> known;
    for (const auto& word : *path) {
      auto words = next_words(commands, known);
      if (std::find(words.begin(), words.end(), word) == words.end())
        return context.misused("no command '" + word + "'" + did_you_mean(word, words));
      known.push_back(word);
    }
    context.terminal.write(help_text(commands, known, context.terminal.colours()));
    return exit_code::ok;
  };
  return c;
}

} // namespace carafe::shell
