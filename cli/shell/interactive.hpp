#pragma once

#include "cli/shell/run.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace carafe::shell {

/// $XDG_STATE_HOME/carafe/history, else ~/.local/state/carafe/history; empty without a home.
[[nodiscard]] std::filesystem::path history_path();

/// The shell on a terminal: reads lines and runs each as a child process with the terminal to
/// itself. So Ctrl-C reaches the command as it would outside, and the shell outlives whatever
/// becomes of it.
exit_code run_interactive(surroundings& around);

} // namespace carafe::shell
