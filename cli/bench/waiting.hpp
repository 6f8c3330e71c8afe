#pragma once

#include "cli/shell/interruption.hpp"

#include <carafe/result.hpp>

#include <chrono>
#include <cstdint>

namespace carafe::bench {

/// @returns When message `number` (from 0) is due of an even stream of `rate` a second that began
///          at `begun`; what is more than ten years away counts as ten years.
[[nodiscard]] std::chrono::steady_clock::time_point
due_at(std::chrono::steady_clock::time_point begun, std::uint64_t number, double rate);

/// Sleeps until `due`, or until somebody wants an end, which is noticed within 40 ms.
/// @returns Whether it is due.
[[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point due, shell::interruption& stop);

/// What a measurement answers that `stop` ended. Whoever has `stop` tells it by that: there is no
/// code of its own, for no node answers so.
[[nodiscard]] failure interrupted();

} // namespace carafe::bench
