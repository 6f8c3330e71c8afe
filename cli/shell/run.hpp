#pragma once

#include "cli/shell/command.hpp"

#include <string>
#include <vector>

namespace carafe::shell {

/// What is around a command: the same for every command of a shell or script.
struct surroundings {
  console& terminal;
  node_source nodes{};
  /// The defaults of the global options.
  global_options globals{};
  bool stdin_taken = false;
};

/// Runs one command line, without the program's name, and reports what goes wrong.
exit_code run_command(const std::vector<std::string>& words, surroundings& around);

/// Runs a command a line from stdin; the first that fails ends it.
exit_code run_script(surroundings& around);

} // namespace carafe::shell
