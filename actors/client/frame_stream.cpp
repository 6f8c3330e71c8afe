#include "actors/client/frame_stream.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace carafe::client {
namespace {

/// Guards against garbage, not against nodes: their frames are bounded by their own settings.
constexpr std::uint32_t frame_bytes_max = 256u << 20;
constexpr std::size_t read_bytes = 256u << 10;
constexpr int reads_in_a_row = 4;
constexpr std::size_t kept_out_bytes = 4u << 20;

failure lost(const std::string& why) { return {errc::disconnected, why}; }

} // namespace

frame_stream::frame_stream(descriptor socket)
  : socket_(std::move(socket)),
    reader_(frame_bytes_max),
    in_(std::make_unique_for_overwrite<std::byte[]>(read_bytes)) {}

void frame_stream::put(const frames::frame& f) { frames::encode(f, out_); }

result<void> frame_stream::flush() {
  while (written_ < out_.size()) {
    auto sent = ::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      return lost(std::strerror(errno));
    }
    written_ += static_cast<std::size_t>(sent);
  }
  if (written_ == out_.size()) {
    written_ = 0;
    out_.clear();
    if (out_.capacity() > kept_out_bytes) out_.shrink_to_fit();
  } else if (written_ > kept_out_bytes) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
  }
  return {};
}

result<bool> frame_stream::read(const std::function<bool(frames::frame&&)>& take) {
  auto any = false;
  for (auto i = 0; i < reads_in_a_row; ++i) {
    auto got = ::recv(socket_.get(), in_.get(), read_bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got < 0) return lost(std::strerror(errno));
    if (got == 0) return lost("closed by the node");
    any = true;
    auto bytes = static_cast<std::size_t>(got);
    reader_.feed({in_.get(), bytes});
    auto more = take_frames(take);
    if (!more) return more.error();
    if (!*more || bytes < read_bytes) break;
  }
  return any;
}

result<bool> frame_stream::take_frames(const std::function<bool(frames::frame&&)>& take) {
  while (true) {
    auto next = reader_.next();
    if (next && !*next) return true;
    auto more = true;
    if (next)
      more = take(std::move(**next));
    else if (next.code() == errc::unsupported)
      more = take({reader_.last_request(), frames::error{next.error(), 0}});
    else
      return next.error();
    if (!more) return false;
  }
}

} // namespace carafe::client
