#include "cli/shell/run.hpp"

#include "cli/shell/command_line.hpp"
#include "cli/shell/commands.hpp"
#include "cli/shell/help.hpp"
#include "cli/shell/line_input.hpp"
#include "cli/shell/words.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace carafe::shell {

namespace {

unix_ms now() {
  using namespace std::chrono;
  return unix_ms{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

exit_code misused(surroundings& around, bool json, std::string_view sentence) {
  report(around.terminal, json, json ? "usage" : "", sentence, {});
  return exit_code::usage;
}

/// A command whose output could not be written has failed, unless its reader had enough of it.
exit_code check_output(surroundings& around, bool json, exit_code code) {
  const int error = around.terminal.out_error();
  if (error == 0 || error == EPIPE) return code;
  report(around.terminal, json, "output_failed",
         std::string{"writing to stdout failed: "} + std::strerror(error), {});
  return exit_code::failed;
}

} // namespace

exit_code run_command(const std::vector<std::string>& words, surroundings& around) {
  auto globals = around.globals;
  const auto commands = all_commands();
  const auto line = parse_command_line(commands, globals, words);
  // The line may be too wrong to be parsed; who asks for JSON gets the error as JSON all the same.
  const bool json = globals.json || std::find(words.begin(), words.end(), "--json") != words.end();
  if (const auto* wrong = std::get_if<usage_error>(&line))
    return misused(around, json, wrong->sentence);
  if (const auto* help = std::get_if<help_request>(&line)) {
    around.terminal.write(help_text(commands, help->path, around.terminal.colours()));
    return check_output(around, json, exit_code::ok);
  }
  const auto* ready = std::get_if<ready_command>(&line);
  if (!ready) return misused(around, json, "no command; 'help' lists them");
  interruption stop;
  command_context context{.terminal = around.terminal,
                          .nodes = around.nodes,
                          .stop = stop,
                          .globals = globals,
                          .now = now(),
                          .stdin_taken = around.stdin_taken};
  return check_output(around, json, ready->chosen->run(context));
}

exit_code run_script(surroundings& around) {
  around.stdin_taken = true;
  interruption never;
  line_input input{around.terminal.in(), line_input::unit::line, never};
  for (;;) {
    const auto event = input.next();
    if (event == line_input::event::end) return exit_code::ok;
    if (event != line_input::event::piece) {
      report(around.terminal, around.globals.json, "input_unreadable",
             "reading the commands failed", std::strerror(input.error()));
      return exit_code::failed;
    }
    const auto at_line = "line " + std::to_string(input.number());
    auto words = split_line(input.piece());
    if (!words) return misused(around, around.globals.json, at_line + ": " + words.error().detail);
    if (words->empty()) continue;
    if (words->front() == "exit") return exit_code::ok;
    const auto code = run_command(*words, around);
    if (code == exit_code::ok && around.terminal.out_error() == 0) continue;
    if (code != exit_code::ok && !around.globals.json)
      around.terminal.write_error("stopped at " + at_line + " of the input\n");
    return code;
  }
}

} // namespace carafe::shell
