#pragma once

#include "test/e2e/node_process.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace carafe::test {

/// What one run of `carafe` said.
struct shell_answer {
  int code = 0;
  std::string out;
  std::string err;

  [[nodiscard]] std::vector<std::string> lines() const;
  /// stdout as one JSON object.
  [[nodiscard]] nlohmann::json object() const;
  /// stdout as one JSON object a line.
  [[nodiscard]] std::vector<nlohmann::json> objects() const;
  /// `error.code` of the object on stderr.
  [[nodiscard]] std::string error_code() const;
};

/// Runs `carafe` against a node, with arguments of its own for each run.
class shell {
public:
  shell(std::filesystem::path folder, const node_process& node);

  /// @throws std::runtime_error when it still runs after `within`.
  shell_answer operator()(std::vector<std::string> arguments, std::string input = {},
                          std::chrono::milliseconds within = std::chrono::seconds{30});
  /// The same with `--json`.
  shell_answer json(std::vector<std::string> arguments, std::string input = {});
  /// Starts one that goes on by itself.
  std::unique_ptr<process> launch(std::vector<std::string> arguments, std::string input = {});

private:
  process_options options(std::vector<std::string> arguments, std::string input);

  std::filesystem::path folder_;
  std::string address_;
  int runs_ = 0;
};

} // namespace carafe::test
