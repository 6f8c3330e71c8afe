#pragma once

#include <cstdint>
#include <string>

namespace carafe {

/// Where a connection goes to, or a node listens.
struct peer {
  std::string host;
  std::uint16_t port = 0;

  /// HOST:PORT, as the shell takes it.
  [[nodiscard]] std::string address() const {
    const bool bracketed = host.find(':') != std::string::npos;
    return (bracketed ? "[" + host + "]:" : host + ":") + std::to_string(port);
  }
};

} // namespace carafe
