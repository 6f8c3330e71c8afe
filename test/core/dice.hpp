#pragma once

/// Seeded randomness for property runs.

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <optional>
#include <random>
#include <string>

namespace carafe::test {

/// All the randomness of one run: equal seeds roll equal numbers.
class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}

  /// 0..`bound` - 1.
  /// @pre bound > 0
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  /// `low`..`high`.
  [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  [[nodiscard]] bool percent(std::uint64_t chance) { return below(100) < chance; }

  /// Any element of a container that is not empty.
  template <class Container>
  [[nodiscard]] auto& pick(Container& from) {
    return *std::next(from.begin(), static_cast<std::ptrdiff_t>(below(from.size())));
  }

private:
  std::mt19937_64 engine_;
};

/// The one in the environment's CARAFE_SEED, if there is one.
inline std::optional<std::uint64_t> chosen_seed() {
  const char* chosen = std::getenv("CARAFE_SEED");
  return chosen == nullptr ? std::nullopt : std::optional{std::stoull(chosen)};
}

/// For a test of one run: the chosen seed, or a fresh one; printed.
inline std::uint64_t seed_of_run() {
  const auto seed = chosen_seed().value_or(std::random_device{}());
  std::cout << Catch::getResultCapture().getCurrentTestName() << ": CARAFE_SEED=" << seed
            << std::endl;
  return seed;
}

/// Calls `run(dice&)` for `runs` new seeds, or for the one in the environment's CARAFE_SEED. The
/// seeds are printed, and a failing assertion names its own.
template <class Run>
void with_seeds(std::uint64_t runs, Run run) {
  auto first = std::uint64_t{std::random_device{}()} << 16;
  if (const auto chosen = chosen_seed()) {
    first = *chosen;
    runs = 1;
  }
  std::cout << Catch::getResultCapture().getCurrentTestName() << ": CARAFE_SEED=" << first << " .. "
            << first + runs - 1 << std::endl;
  for (auto seed = first; seed != first + runs; ++seed) {
    INFO("CARAFE_SEED=" << seed);
    dice d{seed};
    run(d);
  }
}

} // namespace carafe::test
