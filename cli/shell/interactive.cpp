#include "cli/shell/interactive.hpp"

#include "cli/shell/commands.hpp"
#include "cli/shell/completion.hpp"
#include "cli/shell/line_editor.hpp"
#include "cli/shell/node_names.hpp"
#include "cli/shell/words.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

/// This very program, also after its file was replaced by another version's.
constexpr const char* own_program = "/proc/self/exe";

std::vector<std::string> arguments_of(const std::vector<std::string>& words,
                                      const global_options& globals) {
  std::vector<std::string> arguments{"carafe", "--node", globals.node};
  if (globals.json) arguments.emplace_back("--json");
  if (globals.timeout) {
    arguments.emplace_back("--timeout");
    arguments.push_back(std::to_string(globals.timeout->count()));
  }
  arguments.insert(arguments.end(), words.begin(), words.end());
  return arguments;
}

/// Starts the command with the signals' default actions, but for Ctrl-Z: nobody could continue it.
int spawn(std::vector<std::string> arguments, pid_t& child) {
  std::vector<char*> pointers;
  for (auto& a : arguments) pointers.push_back(a.data());
  pointers.push_back(nullptr);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (int signal : {SIGINT, SIGQUIT, SIGPIPE}) ::sigaddset(&defaults, signal);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error =
    ::posix_spawn(&child, own_program, nullptr, &attributes, pointers.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  return error;
}

void run_child(const std::vector<std::string>& words, surroundings& around) {
  pid_t child = 0;
  if (const int error = spawn(arguments_of(words, around.globals), child); error != 0) {
    report(around.terminal, false, "", "the command could not be started", std::strerror(error));
    return;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFSIGNALED(status)) return;
  const int signal = WTERMSIG(status);
  if (signal == SIGINT)
    around.terminal.write_error("\n");
  else
    report(around.terminal, false, "", "the command was ended by a signal", ::strsignal(signal));
}

std::string prompt_of(const surroundings& around) {
  const auto text = "carafe " + around.globals.node + '>';
  if (!around.terminal.colours()) return text + ' ';
  return "\1\x1b[1m\1" + text + "\1\x1b[0m\1 ";
}

void greet(surroundings& around, node_names& names) {
  const auto& node = around.globals.node;
  around.terminal.write_error("carafe " CARAFE_VERSION
                              "; 'help' lists the commands, Tab completes, "
                              "Ctrl-D ends\n");
  if (!names.node_answers())
    around.terminal.write_error(
      in_tone("no node answers at " + node, tone::warning, around.terminal.err_colours()) +
      "; start one with carafed, or give another with --node\n");
}

} // namespace

std::filesystem::path history_path() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/')
    return std::filesystem::path{state} / "carafe" / "history";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::filesystem::path{home} / ".local" / "state" / "carafe" / "history";
  return {};
}

exit_code run_interactive(surroundings& around) {
  // Between the lines, signals of the terminal are for the command that runs.
  for (int signal : {SIGINT, SIGQUIT, SIGTSTP}) ::signal(signal, SIG_IGN);
  const auto commands = all_commands();
  node_names names{around.nodes, around.globals.node};
  greet(around, names);
  line_editor editor{prompt_of(around), history_path(),
                     [&](std::string_view before) { return complete(commands, before, names); }};
  for (std::string line;;) {
    const auto event = editor.read(line);
    if (event == line_editor::event::end) return exit_code::ok;
    if (event == line_editor::event::interrupted) continue;
    auto words = split_line(line);
    const bool blank = words && words->empty();
    // As in other shells, a line that begins with a blank is not kept.
    if (!blank && !line.starts_with(' ')) editor.remember(line);
    if (!words) report(around.terminal, false, "", words.error().detail, {});
    if (!words || blank) continue;
    if (words->front() == "exit" || words->front() == "quit") return exit_code::ok;
    run_child(*words, around);
  }
}

} // namespace carafe::shell
