#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace carafe {

/// Bytes under way to the clients of all connections of a node.
///
/// One connection may have an eighth of what the others left, as ports of a switch share its
/// buffer: those that take nothing leave room for any that come later. Everybody gets
/// `share_min`, so that a client that reads goes on whatever the others do.
///
/// @thread Any number at a time.
class send_pool {
public:
  static constexpr std::uint64_t share_min = 64u << 10;

  explicit send_pool(std::uint64_t bytes) : size_(bytes) {}

  /// A connection holds `now` bytes, and held `before`.
  void held(std::uint64_t before, std::uint64_t now) noexcept {
    held_.fetch_add(now - before, std::memory_order_relaxed);
  }

  /// What a connection may hold, more or less: a batch goes out whole.
  [[nodiscard]] std::uint64_t share() const noexcept {
    const auto taken = std::min(held_.load(std::memory_order_relaxed), size_);
    return std::max((size_ - taken) / 8, share_min);
  }

private:
  const std::uint64_t size_;
  std::atomic<std::uint64_t> held_{0};
};

} // namespace carafe
