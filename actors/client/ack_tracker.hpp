#pragma once

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <map>

namespace carafe::client {

/// Which messages of one owned queue are done: acknowledgements in any order, one position to
/// commit.
///
/// Pure: no clock, no threads. An acknowledged stretch behind a gap costs one map node; there are
/// at most `ranges_max` of them.
class ack_tracker {
public:
  static constexpr std::size_t ranges_max = 65'536;

  enum class answer {
    marked,
    /// It was acknowledged before.
    repeated,
    /// It was never handed out here.
    foreign,
    /// `ranges_max` stretches wait behind gaps; acknowledge older messages first.
    full,
  };

  /// Nothing is handed out; everything below `begin` counts as done.
  explicit ack_tracker(offset begin = {});

  /// Goes on with a queue that came back: messages that `before` saw acknowledged stay so, and
  /// those it handed out may still be acknowledged.
  ack_tracker(const ack_tracker& before, offset begin);

  /// Everything below `end` that was not handed out so far now is.
  void hand_out(offset end);
  /// Messages from `first` up to `end` follow what was handed out and are not for this consumer:
  /// done. Each stretch costs a node until what is before it is acknowledged.
  void pass(offset first, offset end);
  answer ack(offset at);

  /// First message that is not done: the position to commit.
  [[nodiscard]] offset position() const noexcept { return offset{position_}; }
  /// Whether `at` was acknowledged (before it was handed out again).
  [[nodiscard]] bool done(offset at) const;
  /// Whether everything that was handed out is acknowledged.
  [[nodiscard]] bool settled() const noexcept { return position_ >= handed_out_; }
  [[nodiscard]] std::size_t ranges() const noexcept { return ranges_.size(); }

private:
  void mark(std::uint64_t from, std::uint64_t end);
  void advance();

  std::uint64_t position_;
  std::uint64_t handed_out_;
  /// Below it acknowledgements make sense: handed out now, or by the tracker before this one.
  std::uint64_t horizon_;
  /// Acknowledged stretches above `position_`: begin -> end, disjoint and not touching.
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

} // namespace carafe::client
