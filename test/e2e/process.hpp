#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace carafe::test {

/// How a process ended.
struct process_end {
  bool by_signal = false;
  /// Exit code, or the signal's number.
  int code = 0;

  friend bool operator==(process_end, process_end) = default;
};

[[nodiscard]] constexpr process_end exited(int code) { return {false, code}; }
[[nodiscard]] constexpr process_end killed_by(int signal) { return {true, signal}; }
[[nodiscard]] std::string to_string(process_end end);

struct process_options {
  std::string program;
  std::vector<std::string> arguments;
  /// What it reads on stdin.
  std::string input;
  /// "NAME=value", besides the environment of this process.
  std::vector<std::string> environment;
  /// Takes its stdin, stdout and stderr; each process needs one of its own.
  std::filesystem::path folder;
};

/// A process that this one started. It is killed, by its id, when the object goes away; and when
/// the thread that started it ends, however that comes.
class process {
public:
  /// @throws std::system_error
  explicit process(const process_options& options);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  [[nodiscard]] bool running();
  void signal(int number);
  /// @returns Nothing if it still runs when the time is over.
  std::optional<process_end> wait(std::chrono::milliseconds within);
  /// SIGKILL, and waits for the end.
  process_end kill();

  /// What it has written so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

private:
  std::filesystem::path folder_;
  pid_t id_ = -1;
  std::optional<process_end> end_;
};

/// Runs a process to its end.
struct finished_process {
  process_end end;
  std::string out;
  std::string err;
};
/// @throws std::runtime_error when it still runs after `within`.
finished_process run_process(const process_options& options, std::chrono::milliseconds within);

/// The whole file, or nothing if there is none.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

} // namespace carafe::test
