#pragma once

#include "schema/frame.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace carafe::test {

/// A socket to a node, for what the client library would never send.
class raw_connection {
public:
  /// @throws std::system_error
  explicit raw_connection(std::uint16_t port);
  ~raw_connection();
  raw_connection(const raw_connection&) = delete;
  raw_connection& operator=(const raw_connection&) = delete;

  /// Sends as much as the node takes.
  /// @returns False when it has closed the connection.
  bool send(std::string_view bytes);
  void send(std::uint64_t request, frames::body body);
  /// Sends these bytes again and again, while the node takes them without a pause of `patience`.
  /// @returns Bytes that went, at most `limit`.
  std::uint64_t flood(std::string_view bytes, std::uint64_t limit,
                      std::chrono::milliseconds patience);

  /// The next frame, or nothing when none came in time or the connection is closed.
  std::optional<frames::frame> receive(std::chrono::milliseconds within = std::chrono::seconds{5});
  /// Sends a request and waits for the frame that answers it.
  /// @throws std::runtime_error without one.
  frames::body ask(frames::body body);
  /// Says hello and takes the welcome.
  frames::welcome greet();
  /// Whether the node closes the connection in this time; skips what it says before.
  bool closed(std::chrono::milliseconds within = std::chrono::seconds{5});

private:
  /// @returns False when nothing came in time.
  bool fill(std::chrono::milliseconds within);

  int fd_ = -1;
  bool closed_ = false;
  std::uint64_t requests_ = 0;
  frames::reader input_;
};

} // namespace carafe::test
