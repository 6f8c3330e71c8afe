#include "cli/shell/line_input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace carafe::shell {

namespace {

constexpr std::size_t first_buffer_bytes = 1u << 20;

} // namespace

line_input::line_input(int fd, unit u, interruption& stop)
  : fd_(fd), unit_(u), stop_(stop), buffer_(first_buffer_bytes) {}

/// Finds a complete piece in what was read.
bool line_input::take_piece() {
  const char* start = buffer_.data() + begin_;
  if (unit_ == unit::line) {
    const void* newline = std::memchr(buffer_.data() + searched_, '\n', end_ - searched_);
    if (newline) {
      piece_ = {start, static_cast<std::size_t>(static_cast<const char*>(newline) - start)};
      begin_ += piece_.size() + 1;
      searched_ = begin_;
      ++number_;
      return true;
    }
    searched_ = end_;
  }
  // The whole is a piece even when it is empty.
  const bool last = at_end_ && (begin_ < end_ || (unit_ == unit::whole && number_ == 0));
  if (!last) return false;
  piece_ = {start, end_ - begin_};
  begin_ = searched_ = end_;
  ++number_;
  return true;
}

/// Makes the buffer's end free, growing it for a long piece.
bool line_input::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  if (end_ < buffer_.size()) return true;
  if (end_ > bytes_max) return false;
  buffer_.resize(std::min(buffer_.size() * 2, bytes_max + 1));
  return true;
}

line_input::event line_input::next(bool may_wait) {
  for (;;) {
    if (take_piece()) return piece_.size() > bytes_max ? event::too_large : event::piece;
    if (at_end_) return event::end;
    if (!make_room()) {
      ++number_;
      return event::too_large;
    }
    if (!stop_.wait(fd_, std::chrono::milliseconds{may_wait ? -1 : 0})) return event::woken;
    auto count = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (count < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      error_ = errno;
      return event::failed;
    }
    if (count == 0) at_end_ = true;
    end_ += static_cast<std::size_t>(count);
    bytes_read_ += static_cast<std::uint64_t>(count);
  }
}

} // namespace carafe::shell
