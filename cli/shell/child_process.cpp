#include "cli/shell/child_process.hpp"

#include "cli/shell/value_text.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

using clock = std::chrono::steady_clock;

/// How soon Ctrl-C and the end of the time are noticed.
constexpr int look_interval_ms = 50;
/// What a command that is asked to end has for it.
constexpr std::chrono::milliseconds grace{1'000};

/// A descriptor that is closed with its owner.
class handle {
public:
  handle() = default;
  ~handle() { close(); }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;

  void take(int fd) noexcept { fd_ = fd; }
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// Makes a pipe of which `ours` does not block. @returns errno, or 0.
int make_pipe(handle& reads, handle& writes, const handle& ours) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  reads.take(ends[0]);
  writes.take(ends[1]);
  return ::fcntl(ours.fd(), F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

class child {
public:
  child(std::string_view input, const child_limits& limits, const interruption& stop)
    : input_(input), limits_(limits), stop_(stop) {}

  child_outcome run(const std::string& command) {
    if (const int error = start(command); error != 0)
      return {child_outcome::end::not_started, error, {}};
    const auto begun = clock::now();
    while (!ended_) {
      wait();
      if (feed_.open()) feed();
      if (output_.open()) drain();
      const auto now = clock::now();
      if (outcome_.output.size() > limits_.output_bytes_max)
        kill(child_outcome::end::output_too_large);
      else if (now - begun > limits_.time_max)
        kill(child_outcome::end::too_slow);
      else if (stop_.requested())
        ask_to_end(now);
    }
    // What it wrote last is still in the pipe.
    if (output_.open()) drain();
    reap();
    return std::move(outcome_);
  }

private:
  int start(const std::string& command) {
    handle its_input, its_output;
    if (const int error = make_pipe(its_input, feed_, feed_); error != 0) return error;
    if (const int error = make_pipe(output_, its_output, output_); error != 0) return error;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&how);
    ::posix_spawn_file_actions_adddup2(&files, its_input.fd(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, its_output.fd(), STDOUT_FILENO);
    sigset_t usual, none;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    for (int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&usual, signal);
    ::posix_spawnattr_setsigdefault(&how, &usual);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setpgroup(&how, 0);
    ::posix_spawnattr_setflags(
      &how,
      static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP));
    std::string shell = "sh", option = "-c", script = command;
    std::array<char*, 4> arguments{shell.data(), option.data(), script.data(), nullptr};
    const int error = ::posix_spawn(&id_, "/bin/sh", &files, &how, arguments.data(), environ);
    ::posix_spawnattr_destroy(&how);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) return error;
    // glibc 2.36 declares pidfd_open for C only.
    end_.take(static_cast<int>(::syscall(SYS_pidfd_open, id_, 0)));
    if (end_.open()) return 0;
    const int refused = errno;
    ::kill(-id_, SIGKILL);
    reap();
    return refused;
  }

  void wait() {
    if (input_.empty()) feed_.close();
    std::array<pollfd, 3> watched{
      {{end_.fd(), POLLIN, 0}, {feed_.fd(), POLLOUT, 0}, {output_.fd(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), look_interval_ms);
    ended_ = watched[0].revents != 0;
  }

  void feed() {
    while (!input_.empty()) {
      const auto written = ::write(feed_.fd(), input_.data(), input_.size());
      if (written > 0) {
        input_.remove_prefix(static_cast<std::size_t>(written));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;
      input_ = {}; // It does not want more.
    }
    feed_.close();
  }

  void drain() {
    std::array<char, 64 * 1024> piece;
    while (outcome_.output.size() <= limits_.output_bytes_max) {
      const auto count = ::read(output_.fd(), piece.data(), piece.size());
      if (count > 0) {
        outcome_.output.append(piece.data(), static_cast<std::size_t>(count));
        continue;
      }
      if (count < 0 && errno == EINTR) continue;
      if (count == 0) output_.close();
      return;
    }
  }

  void kill(child_outcome::end why) {
    if (!killed_) outcome_.how = why;
    killed_ = true;
    ::kill(-id_, SIGKILL);
  }

  void ask_to_end(clock::time_point now) {
    if (!asked_) {
      asked_ = now;
      ::kill(-id_, SIGTERM);
    } else if (now - *asked_ > grace) {
      kill(child_outcome::end::interrupted);
    }
  }

  void reap() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    if (killed_) return;
    if (outcome_.output.size() > limits_.output_bytes_max)
      outcome_.how = child_outcome::end::output_too_large;
    else if (asked_)
      outcome_.how = child_outcome::end::interrupted;
    else if (WIFSIGNALED(status))
      outcome_ = {child_outcome::end::killed, WTERMSIG(status), std::move(outcome_.output)};
    else
      outcome_.number = WEXITSTATUS(status);
  }

  std::string_view input_;
  const child_limits& limits_;
  const interruption& stop_;
  pid_t id_ = -1;
  handle feed_, output_, end_;
  bool ended_ = false;
  bool killed_ = false;
  std::optional<clock::time_point> asked_;
  child_outcome outcome_;
};

} // namespace

std::string child_outcome::text(const child_limits& limits) const {
  switch (how) {
  case end::exited:
    return "exit code " + std::to_string(number);
  case end::killed:
    return "killed by signal " + std::to_string(number);
  case end::output_too_large:
    return "more output than " + size_text(limits.output_bytes_max);
  case end::too_slow:
    return "not done after " + span_text(static_cast<std::uint64_t>(limits.time_max.count()));
  case end::interrupted:
    return "interrupted";
  case end::not_started:
    return std::string{"not started: "} + std::strerror(number);
  }
  return "unknown";
}

child_outcome run_child(const std::string& command, std::string_view input,
                        const child_limits& limits, const interruption& stop) {
  return child{input, limits, stop}.run(command);
}

} // namespace carafe::shell
