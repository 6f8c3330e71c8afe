#pragma once

/// From the command line and the config file to checked settings.

#include "config/system_config.hpp"

#include <carafe/result.hpp>

namespace carafe::config {

/// What the command line asks the node to do.
enum class command {
  run,
  /// Print `help_text()`.
  help,
  /// Print the version.
  version,
  /// Print `effective_config()`.
  dump_config,
  /// Print `example_config()`.
  print_example,
  /// Print `settings_table()`.
  print_table,
};

/// Reads `--config-file=FILE` if given (no other file is looked for) and then the command line,
/// which overrides it, into `to`. For `help`, `version`, `print_example` and `print_table` nothing
/// else is read or checked.
///
/// @param argv  As `main` gets it, the program's name first.
/// @errors config_unknown_key, config_wrong_type, config_out_of_range, config_unreadable; the
///         detail names the key, its origin ("FILE:LINE" or "command line") and what is allowed.
///         The program exits with code 78 (EX_CONFIG). `to` is then half filled: do not use it.
result<command> load(system_config& to, int argc, const char* const* argv);

} // namespace carafe::config
