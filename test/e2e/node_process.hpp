#pragma once

#include "test/e2e/process.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::test {

/// A port that nobody listens on now, outside the range from which the kernel takes ports for
/// outgoing connections: a client that waits for a node to come back must not meet itself there.
[[nodiscard]] std::uint16_t free_port();

/// A `carafed` with its data in `folder`/data. It keeps its port over restarts.
class node_process {
public:
  /// Settings by key without `carafe.`; small segments and a small disk reserve unless told
  /// otherwise.
  using settings = std::map<std::string, std::string>;

  explicit node_process(std::filesystem::path folder, settings wanted = {});

  /// Starts it and waits for the ready line.
  /// @throws std::runtime_error with its stderr.
  void start();
  /// Starts it and returns; see `wait_ready`.
  void launch();
  void wait_ready(std::chrono::milliseconds within = std::chrono::seconds{20});
  /// kill -9.
  void kill();
  void signal(int number) { child_->signal(number); }
  /// SIGTERM, and waits for the end.
  /// @throws std::runtime_error when it still runs after `within`.
  process_end stop(std::chrono::milliseconds within = std::chrono::seconds{10});

  [[nodiscard]] bool running() { return child_ && child_->running(); }
  [[nodiscard]] std::optional<process_end> wait(std::chrono::milliseconds within) {
    return child_->wait(within);
  }
  /// Loads a library into the process from the next start on, with variables for it.
  void preload(const std::string& library, std::vector<std::string> variables);
  /// Another program than the one that was built with the tests.
  void run_program(std::string path) { program_ = std::move(path); }
  void set(const std::string& key, const std::string& value) { settings_[key] = value; }

  /// HOST:PORT.
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::filesystem::path data_dir() const { return folder_ / "data"; }
  /// Standard error of the process that runs now, or ran last.
  [[nodiscard]] std::string log() const { return child_ ? child_->err() : std::string{}; }
  /// Memory that is its own, as the kernel counts it.
  [[nodiscard]] std::uint64_t memory_bytes() const;
  [[nodiscard]] std::size_t open_sockets() const;
  /// From the last launch to the ready line.
  [[nodiscard]] std::chrono::milliseconds start_took() const noexcept { return took_; }

private:
  std::filesystem::path folder_;
  std::string program_;
  settings settings_;
  std::vector<std::string> environment_;
  std::uint16_t port_ = 0;
  std::unique_ptr<process> child_;
  std::chrono::steady_clock::time_point launched_;
  std::chrono::milliseconds took_{};
};

/// Runs `carafed` with these arguments to its end, for starts that must fail.
finished_process run_node(const std::filesystem::path& folder,
                          const std::vector<std::string>& arguments);

} // namespace carafe::test
