#pragma once

#include "cli/shell/command.hpp"

#include <string>
#include <variant>
#include <vector>

namespace carafe::shell {

/// The options that every command takes, writing to `target`.
[[nodiscard]] std::vector<option> global_option_list(global_options& target);

/// How far a command line has come: what it has said, and what may come next.
struct command_line_state {
  /// Command words so far: "topic", "create".
  std::vector<std::string> path;
  /// The command, once its words are complete.
  const command* chosen = nullptr;
  /// The option whose value comes next.
  const option* awaiting = nullptr;
  std::vector<std::string> given_options;
  std::vector<std::string> positionals;
  bool help_wanted = false;
  /// After `--` nothing is an option.
  bool options_over = false;
  /// The first word that is no command, and the first that is no option, of those possible there.
  std::string unknown_command;
  std::string unknown_option;
  /// A flag that was given as `--flag=value`.
  std::string flag_with_value;
  /// Words that belong to no command word: the arguments of the parser.
  std::vector<std::string> arguments;
};

/// Reads `words` as far as they can be understood.
[[nodiscard]] command_line_state read_command_line(const std::vector<command>& commands,
                                                   const std::vector<option>& globals,
                                                   const std::vector<std::string>& words);

/// The words that may follow `path`: "create", "list", ... after "topic".
[[nodiscard]] std::vector<std::string> next_words(const std::vector<command>& commands,
                                                  const std::vector<std::string>& path);

/// A command line that can be run.
struct ready_command {
  const command* chosen = nullptr;
};
/// Help was asked for, of the commands under `path`.
struct help_request {
  std::vector<std::string> path;
};
/// No command was named: only global options, if any.
struct no_command {};
/// One sentence: cause and fix.
struct usage_error {
  std::string sentence;
};
using parsed_command_line = std::variant<ready_command, help_request, no_command, usage_error>;

/// Parses `words`, writes the values to their targets and `globals`.
/// @param commands must outlive the result
[[nodiscard]] parsed_command_line parse_command_line(const std::vector<command>& commands,
                                                     global_options& globals,
                                                     const std::vector<std::string>& words);

} // namespace carafe::shell
