#include "actors/core/histogram.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

using namespace carafe::core;
using namespace carafe::test;

TEST_CASE("An empty histogram has quantiles of 0") {
  const histogram h;
  CHECK(h.count() == 0);
  CHECK(h.max() == 0);
  CHECK(h.quantile(990) == 0);
}

TEST_CASE("A latency that is off every scale is its own quantile") {
  histogram h;
  h.add(std::uint64_t{1} << 60);
  CHECK(h.quantile(500) == std::uint64_t{1} << 60);
}

TEST_CASE("A quantile is at most an eighth above the exact one, and never below it") {
  with_seeds(50, [](dice& d) {
    histogram h;
    std::vector<std::uint64_t> values;
    const auto count = d.between(1, 400);
    for (std::uint64_t i = 0; i < count; ++i) {
      values.push_back(d.below(std::uint64_t{1} << d.between(1, 41)));
      h.add(values.back());
    }
    std::sort(values.begin(), values.end());
    REQUIRE(h.count() == count);
    REQUIRE(h.max() == values.back());
    for (const unsigned per_mille : {1u, 500u, 990u, 999u, 1'000u}) {
      const auto exact = values[(count * per_mille + 999) / 1'000 - 1];
      REQUIRE(h.quantile(per_mille) >= exact);
      REQUIRE(h.quantile(per_mille) <= exact + exact / 8);
    }
  });
}
