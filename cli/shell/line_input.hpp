#pragma once

#include "cli/shell/interruption.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// Reads a descriptor line by line, or as a whole, in large pieces.
class line_input {
public:
  enum class unit : std::uint8_t { line, whole };
  enum class event : std::uint8_t {
    /// `piece()` is the next line without its newline (the last may lack one), or the whole.
    piece,
    end,
    /// Nothing was read: the interruption was woken.
    woken,
    /// The line, or the whole, is over `bytes_max`.
    too_large,
    /// `error()` tells.
    failed,
  };

  /// No message that a node takes is larger.
  static constexpr std::size_t bytes_max = 64u << 20;

  line_input(int fd, unit u, interruption& stop);

  /// Reads on, waiting for input or until the interruption wakes.
  /// @param may_wait false: `woken` instead of waiting.
  event next(bool may_wait = true);

  /// Valid until the next `next`.
  [[nodiscard]] std::string_view piece() const noexcept { return piece_; }
  /// Number of the last piece, from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  [[nodiscard]] int error() const noexcept { return error_; }

private:
  bool take_piece();
  bool make_room();

  int fd_;
  unit unit_;
  interruption& stop_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  /// Up to here there is no newline.
  std::size_t searched_ = 0;
  std::string_view piece_;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_read_ = 0;
  bool at_end_ = false;
  int error_ = 0;
};

} // namespace carafe::shell
