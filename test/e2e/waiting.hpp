#pragma once

#include <chrono>
#include <thread>

namespace carafe::test {

using namespace std::chrono_literals;

/// Asks `holds` until it says yes or the time is over.
/// @returns Its last answer.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds within = 10s) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

} // namespace carafe::test
