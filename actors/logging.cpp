#include "actors/logging.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <unistd.h>

namespace carafe::logging {

namespace {

std::atomic<config::log_level> level_max{config::log_level::info};

std::string_view name_of(config::log_level level) {
  switch (level) {
  case config::log_level::error:
    return "error  ";
  case config::log_level::warning:
    return "warning";
  case config::log_level::info:
    return "info   ";
  case config::log_level::debug:
    return "debug  ";
  }
  return "info   ";
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  const auto seconds = static_cast<std::time_t>(since.count() / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const auto used = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + used, sizeof text - used, ".%03dZ", static_cast<int>(since.count() % 1000));
  return text;
}

} // namespace

void set_level(config::log_level level) { level_max = level; }

void write(config::log_level level, std::string_view component, std::string_view message) {
  if (level > level_max.load(std::memory_order_relaxed)) return;
  auto line = now_text() + ' ' + std::string{name_of(level)} + ' ' + std::string{component} + ": ";
  for (const char c : message) line += c == '\n' ? ' ' : c;
  line += '\n';
  // One write, so that lines of several threads do not mix; a closed stderr must not stop a node.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace carafe::logging
