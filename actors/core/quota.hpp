#pragma once

#include <cstdint>

namespace carafe::core {

/// So many bytes a second, as a bucket of tokens whose whole state is one instant: when what was
/// taken so far will be paid for. The bucket holds one second's worth.
///
/// Whoever finds the bucket not empty takes what it needs, be it more than is left: so a frame of
/// any size passes, none waits longer than another, and what is over is paid for by all. In any
/// time of T seconds less than (T + 1) seconds' worth and one frame pass.
///
/// Pure: the caller keeps the state, and may keep it in an atomic. Times are of a monotonic clock.
struct byte_quota {
  static constexpr std::uint64_t bytes_per_second_max = std::uint64_t{16} << 30;
  static constexpr std::uint64_t burst_ns = 1'000'000'000;
  /// Whoever has to wait finds as much as gathers in this time, not one token.
  static constexpr std::uint64_t refill_ns = 100'000'000;

  /// 1..bytes_per_second_max.
  std::uint64_t bytes_per_second = 1;

  struct outcome {
    std::uint64_t paid_at_ns = 0;
    /// 0: taken. Otherwise nothing was, and it is time to ask again after this.
    std::uint64_t wait_ns = 0;
  };
  [[nodiscard]] outcome take(std::uint64_t paid_at_ns, std::uint64_t bytes,
                             std::uint64_t now_ns) const noexcept;
  /// Takes them however empty the bucket is.
  [[nodiscard]] std::uint64_t charge(std::uint64_t paid_at_ns, std::uint64_t bytes,
                                     std::uint64_t now_ns) const noexcept;
  /// Of what was taken, so much was not used.
  [[nodiscard]] std::uint64_t give_back(std::uint64_t paid_at_ns,
                                        std::uint64_t bytes) const noexcept;

  /// What to let through at a time where it can be chosen.
  [[nodiscard]] std::uint64_t portion() const noexcept;

private:
  [[nodiscard]] std::uint64_t cost_ns(std::uint64_t bytes) const noexcept;
};

} // namespace carafe::core
