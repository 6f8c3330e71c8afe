#include "test/e2e/process.hpp"

#include "test/e2e/waiting.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace carafe::test {

namespace {

namespace fs = std::filesystem;

/// Everything that exec needs, laid out before the fork: after it only system calls are allowed.
struct exec_plan {
  explicit exec_plan(const process_options& options) {
    words.push_back(options.program);
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    for (char** at = environ; *at != nullptr; ++at) variables.emplace_back(*at);
    variables.insert(variables.end(), options.environment.begin(), options.environment.end());
    for (auto& word : words) argv.push_back(word.data());
    for (auto& variable : variables) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    in = options.folder / "stdin";
    out = options.folder / "stdout";
    err = options.folder / "stderr";
  }

  [[noreturn]] void become() const {
    constexpr mode_t mode = 0600;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int input = ::open(in.c_str(), O_RDONLY);
    const int output = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, mode);
    const int errors = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, mode);
    if (input < 0 || output < 0 || errors < 0) ::_exit(126);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execve(argv.front(), argv.data(), envp.data());
    ::_exit(127);
  }

  std::vector<std::string> words, variables;
  std::vector<char*> argv, envp;
  std::string in, out, err;
};

process_end end_of(int status) {
  return WIFSIGNALED(status) ? killed_by(WTERMSIG(status)) : exited(WEXITSTATUS(status));
}

} // namespace

std::string to_string(process_end end) {
  return (end.by_signal ? "signal " : "exit code ") + std::to_string(end.code);
}

process::process(const process_options& options) : folder_(options.folder) {
  fs::create_directories(folder_);
  std::ofstream{folder_ / "stdin", std::ios::binary} << options.input;
  // An earlier process of this folder must not answer for this one.
  fs::remove(folder_ / "stdout");
  fs::remove(folder_ / "stderr");
  const exec_plan plan{options};
  id_ = ::fork();
  if (id_ < 0) throw std::system_error{errno, std::generic_category(), "fork"};
  if (id_ == 0) plan.become();
}

process::~process() { kill(); }

bool process::running() {
  if (end_) return false;
  int status = 0;
  if (::waitpid(id_, &status, WNOHANG) != id_) return true;
  end_ = end_of(status);
  return false;
}

void process::signal(int number) {
  if (running()) ::kill(id_, number);
}

std::optional<process_end> process::wait(std::chrono::milliseconds within) {
  if (!eventually([this] { return !running(); }, within)) return std::nullopt;
  return end_;
}

process_end process::kill() {
  if (running()) {
    ::kill(id_, SIGKILL);
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    end_ = end_of(status);
  }
  return *end_;
}

std::string process::out() const { return read_file(folder_ / "stdout"); }

std::string process::err() const { return read_file(folder_ / "stderr"); }

finished_process run_process(const process_options& options, std::chrono::milliseconds within) {
  process child{options};
  const auto end = child.wait(within);
  if (!end)
    throw std::runtime_error{options.program + " still runs; stdout: " + child.out() +
                             "; stderr: " + child.err()};
  return {*end, child.out(), child.err()};
}

std::string read_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace carafe::test
