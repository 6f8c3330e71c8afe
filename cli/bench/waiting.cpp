#include "cli/bench/waiting.hpp"

#include <algorithm>
#include <thread>

namespace carafe::bench {

using clock = std::chrono::steady_clock;

clock::time_point due_at(clock::time_point begun, std::uint64_t number, double rate) {
  constexpr double longest_s = 10.0 * 365 * 86'400; // Far from what the clock's ticks can count.
  const auto seconds = std::min(static_cast<double>(number) / rate, longest_s);
  return begun +
         std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{seconds});
}

bool wait_until(clock::time_point due, shell::interruption& stop) {
  // A wait that can be ended is exact to a millisecond only; the last of it is slept.
  constexpr std::chrono::milliseconds slept{20};
  constexpr std::chrono::milliseconds longest{60'000};
  // The sleep ends late by the kernel's slack; the rest is not worth waiting for.
  constexpr std::chrono::microseconds slack{50};
  while (!stop.requested()) {
    const auto left = due - clock::now();
    if (left <= slack) return true;
    if (left > 2 * slept)
      stop.wait(-1, std::min(std::chrono::floor<std::chrono::milliseconds>(left - slept), longest));
    else
      std::this_thread::sleep_until(due);
  }
  return false;
}

failure interrupted() { return {errc::outcome_unknown, "interrupted"}; }

} // namespace carafe::bench
