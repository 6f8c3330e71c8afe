#include "actors/core/quota.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t second = 1'000 * ms;

/// A quota and what it has let through.
struct gate {
  byte_quota quota;
  std::uint64_t paid = 0;
  std::uint64_t passed = 0;

  /// @returns 0, or how long to wait.
  std::uint64_t take(std::uint64_t bytes, std::uint64_t now) {
    const auto outcome = quota.take(paid, bytes, now);
    paid = outcome.paid_at_ns;
    if (outcome.wait_ns == 0) passed += bytes;
    return outcome.wait_ns;
  }
};

} // namespace

TEST_CASE("a quota lets a second's worth pass at once, then tells how long to wait") {
  gate g{{1'000}};
  for (int i = 0; i < 10; ++i) CHECK(g.take(100, 5 * second) == 0);
  // Until a tenth of a second's worth is there again.
  CHECK(g.take(100, 5 * second) == 100 * ms);
  CHECK(g.take(1, 5 * second + 1 * ms) == 0);
  CHECK(g.take(1, 5 * second + 1 * ms) == 100 * ms);
  CHECK(g.take(100, 5 * second + 101 * ms) == 0);
}

TEST_CASE("a frame larger than a second's worth passes, and those after it pay") {
  gate g{{1'000}};
  CHECK(g.take(10'000, second) == 0);
  CHECK(g.take(1, second) == 9 * second + 100 * ms);
  CHECK(g.take(1, 10 * second + 1) == 0);
}

TEST_CASE("what is given back can be taken again, and an early time is no negative one") {
  gate g{{1'000}};
  CHECK(g.take(2'000, second) == 0);
  CHECK(g.take(1, second) != 0);
  g.paid = g.quota.give_back(g.paid, 2'000);
  CHECK(g.take(1'000, second) == 0);
  CHECK(g.quota.give_back(5, 1'000'000) == 0);
}

TEST_CASE("no rate and no size overflows") {
  for (const std::uint64_t rate : {std::uint64_t{1}, byte_quota::bytes_per_second_max}) {
    gate g{{rate}};
    for (const auto bytes : {std::uint64_t{1}, std::uint64_t{1} << 30, ~std::uint64_t{0}})
      for (int i = 0; i < 3; ++i) {
        g.paid = g.quota.charge(g.paid, bytes, second);
        CHECK(g.paid >= second);
        CHECK(g.paid < ~std::uint64_t{0} / 2);
      }
  }
}

TEST_CASE("in any time a quota lets its rate pass, one second's worth and one frame more") {
  with_seeds(200, [](dice& d) {
    const auto rate = d.between(1'000, 100'000'000);
    const auto frame_max = d.between(1, rate * 3);
    gate g{{rate}};
    std::uint64_t now = d.below(1'000) * ms;
    const auto began = now;
    std::uint64_t asked = 0;
    for (int i = 0; i < 500; ++i) {
      const auto bytes = d.between(1, frame_max);
      asked += bytes;
      const auto wait = g.take(bytes, now);
      // Who waits as long as told, and is the first to come, passes.
      if (wait > 0) {
        REQUIRE(g.take(bytes, now + wait) == 0);
        now += wait;
      }
      now += d.below(20) * ms;
      const auto seconds = static_cast<double>(now - began) / 1e9 + 1;
      // Roundings are below a nanosecond each.
      REQUIRE(static_cast<double>(g.passed) <=
              seconds * static_cast<double>(rate) + static_cast<double>(frame_max) + 2'000);
    }
    // And none of it is withheld: whoever always has something gets the rate.
    CHECK(g.passed == asked);
  });
}
