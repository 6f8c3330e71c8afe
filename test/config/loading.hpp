#pragma once

/// Loads settings as `carafed` does, from a file that exists only for that.

#include "config/load.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace carafe::test {

/// A file of its own in the system's folder for temporary files; gone with the object.
class temporary_file {
public:
  explicit temporary_file(std::string_view content) {
    static std::atomic<int> count{0};
    const auto name =
      "carafe-config-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".conf";
    path_ = (std::filesystem::temp_directory_path() / name).string();
    std::ofstream{path_, std::ios::binary} << content;
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

struct loaded {
  std::unique_ptr<config::system_config> system;
  result<config::command> what;
  /// "" without a config file.
  std::string path;

  [[nodiscard]] const config::node_options& node() const { return system->node; }
  [[nodiscard]] errc code() const { return what.code(); }
  [[nodiscard]] std::string detail() const { return what ? "" : what.error().detail; }
  [[nodiscard]] bool says(std::string_view text) const {
    return detail().find(text) != std::string::npos;
  }
};

inline loaded load_arguments(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"carafed"};
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  auto system = std::make_unique<config::system_config>();
  auto what = config::load(*system, static_cast<int>(argv.size()), argv.data());
  return {std::move(system), std::move(what), {}};
}

inline loaded load_file(std::string_view content, std::vector<std::string> arguments = {}) {
  const temporary_file file{content};
  arguments.push_back("--config-file=" + file.path());
  auto done = load_arguments(arguments);
  done.path = file.path();
  return done;
}

/// One line of section `[carafe]`, which is line 2 of its file.
inline loaded load_line(const std::string& line) { return load_file("[carafe]\n" + line + "\n"); }

} // namespace carafe::test
