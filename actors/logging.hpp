#pragma once

#include "config/node_options.hpp"

#include <string_view>

namespace carafe::logging {

/// Lines above this level are dropped. Call before any actor runs.
void set_level(config::log_level level);

/// Writes "2026-11-22T10:00:00.123Z info  shard: message" to stderr, one write a line.
/// @thread Any.
void write(config::log_level level, std::string_view component, std::string_view message);

inline void error(std::string_view component, std::string_view message) {
  write(config::log_level::error, component, message);
}
inline void warning(std::string_view component, std::string_view message) {
  write(config::log_level::warning, component, message);
}
inline void info(std::string_view component, std::string_view message) {
  write(config::log_level::info, component, message);
}
inline void debug(std::string_view component, std::string_view message) {
  write(config::log_level::debug, component, message);
}

} // namespace carafe::logging
