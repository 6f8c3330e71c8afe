#pragma once

#include "actors/client/event_loop.hpp"
#include "schema/frame.hpp"

#include <carafe/result.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace carafe::client {

/// Frames over one connected, non-blocking socket.
///
/// @thread One.
class frame_stream {
public:
  explicit frame_stream(descriptor socket);

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  /// Encodes `f` behind what waits to be written.
  void put(const frames::frame& f);
  /// Writes as much as the socket takes. @errors disconnected
  result<void> flush();
  /// Bytes not yet written.
  [[nodiscard]] std::size_t unwritten() const noexcept { return out_.size() - written_; }

  /// Reads what is there, at most about 1 MiB, and calls `take` for each whole frame until it
  /// returns false. A frame of a kind that this version does not know is given as an `unsupported`
  /// error with its request number.
  /// @returns Whether any bytes came.
  /// @errors disconnected, frame_malformed, frame_too_large: close the connection.
  result<bool> read(const std::function<bool(frames::frame&&)>& take);

private:
  result<bool> take_frames(const std::function<bool(frames::frame&&)>& take);

  descriptor socket_;
  frames::reader reader_;
  std::vector<char> out_;
  std::size_t written_ = 0;
  std::unique_ptr<std::byte[]> in_;
};

} // namespace carafe::client
