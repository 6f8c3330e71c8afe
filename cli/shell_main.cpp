/// `carafe`: runs one command, a script of them from stdin, or the interactive shell.

#include "cli/shell/command_line.hpp"
#include "cli/shell/commands.hpp"
#include "cli/shell/interactive.hpp"
#include "cli/shell/run.hpp"
#include "cli/standard_streams.hpp"

#include <csignal>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

int main(int argc, char** argv) {
  using namespace carafe::shell;
  carafe::hold_standard_streams();
  // A closed pipe is seen where it is written to.
  std::signal(SIGPIPE, SIG_IGN);
  console terminal{streams{}};
  surroundings around{.terminal = terminal, .nodes = remote_nodes(), .globals = {}};
  if (const char* node = std::getenv("CARAFE_NODE"); node && *node) {
    auto address = carafe::shell::parse_address(node);
    if (!address) {
      report(terminal, false, "", "CARAFE_NODE: " + address.error().detail, {});
      return static_cast<int>(exit_code::usage);
    }
    around.globals.node = *address;
  }
  std::vector<std::string> words{argv + 1, argv + argc};
  if (words == std::vector<std::string>{"--version"}) words = {"version"};
  const auto commands = all_commands();
  auto globals = around.globals;
  const auto line = parse_command_line(commands, globals, words);
  if (!std::holds_alternative<no_command>(line))
    return static_cast<int>(run_command(words, around));
  around.globals = globals;
  return static_cast<int>(terminal.in_is_terminal() ? run_interactive(around) : run_script(around));
}
