#include "actors/client/range_set.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace carafe;
using namespace carafe::client;

namespace {

using plain = std::set<std::uint64_t>;

void compare(const range_set& ranges, const plain& expected) {
  REQUIRE(ranges.count() == expected.size());
  REQUIRE(ranges.empty() == expected.empty());
  auto found = plain{};
  auto before = offset{};
  for (auto& range : ranges.all()) {
    REQUIRE(range.count > 0);
    REQUIRE((found.empty() || range.first > before)); // Those that touch are one.
    for (auto at = range.first; at < range.end(); at = at + 1) found.insert(at.value);
    before = range.end();
  }
  REQUIRE(found == expected);
}

} // namespace

TEST_CASE("a set of ranges agrees with a plain set") {
  auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto random = std::mt19937{seed};
  auto below = [&](std::uint64_t n) { return random() % n; };
  for (auto round = 0; round < 100; ++round) {
    auto ranges = range_set{};
    auto expected = plain{};
    for (auto step = 0; step < 100; ++step) {
      auto first = below(60);
      auto range = offset_range{offset{first}, below(8)};
      switch (below(4)) {
      case 0:
        ranges.add(range);
        for (auto i = first; i < first + range.count; ++i) expected.insert(i);
        break;
      case 1:
        ranges.remove(range);
        for (auto i = first; i < first + range.count; ++i) expected.erase(i);
        break;
      case 2:
        REQUIRE(ranges.remove(offset{first}) == (expected.erase(first) > 0));
        break;
      default:
        auto left_out = plain{};
        for (auto& part : ranges.missing(range))
          for (auto at = part.first; at < part.end(); at = at + 1) left_out.insert(at.value);
        for (auto i = first; i < first + range.count; ++i)
          REQUIRE(left_out.contains(i) == !expected.contains(i));
        REQUIRE(ranges.contains(offset{first}) == expected.contains(first));
      }
      compare(ranges, expected);
    }
  }
}

TEST_CASE("taking ranges out takes the first ones") {
  auto ranges = range_set{};
  for (auto first : {20u, 0u, 10u}) ranges.add({offset{first}, 3});
  auto taken = ranges.take(2);
  CHECK(taken == std::vector<offset_range>{{offset{0}, 3}, {offset{10}, 3}});
  CHECK(ranges.count() == 3);
  CHECK(ranges.take(9).size() == 1);
  CHECK(ranges.empty());
}
