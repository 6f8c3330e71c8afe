#pragma once

/// How often something can be done in a second.

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace carafe::bench {

/// Keeps a result alive, so that the compiler cannot leave out what made it.
inline std::uint64_t sink = 0;

/// Runs `round` for about a second and prints how many `unit` it did.
template <class Round>
void measure(const char* name, const char* unit, double units_per_round, Round round) {
  using clock = std::chrono::steady_clock;
  constexpr auto least = std::chrono::seconds{1};
  for (int warm = 0; warm < 20; ++warm) round();
  auto rounds = 0;
  auto start = clock::now();
  auto elapsed = clock::duration{};
  while (elapsed < least) {
    for (int i = 0; i < 20; ++i) round();
    rounds += 20;
    elapsed = clock::now() - start;
  }
  auto seconds = std::chrono::duration<double>(elapsed).count();
  std::printf("%-44s %10.2f M %s/s\n", name, rounds * units_per_round / seconds / 1e6, unit);
}

} // namespace carafe::bench
