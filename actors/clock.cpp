#include "actors/clock.hpp"

#include <chrono>

namespace carafe {

namespace {

template <class Unit, class Clock>
auto since_start() {
  return std::chrono::duration_cast<Unit>(Clock::now().time_since_epoch()).count();
}

class real_clock final : public clock {
public:
  unix_ms wall() const override {
    return unix_ms{since_start<std::chrono::milliseconds, std::chrono::system_clock>()};
  }
  mono_ms monotonic() const override {
    return mono_ms{static_cast<std::uint64_t>(
      since_start<std::chrono::milliseconds, std::chrono::steady_clock>())};
  }
  std::uint64_t monotonic_us() const override {
    return static_cast<std::uint64_t>(
      since_start<std::chrono::microseconds, std::chrono::steady_clock>());
  }
};

} // namespace

std::shared_ptr<const clock> system_clock() { return std::make_shared<real_clock>(); }

} // namespace carafe
