#pragma once

#include <carafe/types.hpp>

#include <memory>

namespace carafe {

/// The node's clocks; tests put their own in its place.
class clock {
public:
  virtual ~clock() = default;
  [[nodiscard]] virtual unix_ms wall() const = 0;
  [[nodiscard]] virtual mono_ms monotonic() const = 0;
  /// For latencies.
  [[nodiscard]] virtual std::uint64_t monotonic_us() const = 0;
};

[[nodiscard]] std::shared_ptr<const clock> system_clock();

} // namespace carafe
