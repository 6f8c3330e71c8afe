#include "schema/offset_set.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::test;

namespace {

using model = std::set<std::uint64_t>;

std::vector<offset_range> ranges_of(const model& offsets) {
  std::vector<offset_range> out;
  for (const auto at : offsets) {
    if (!out.empty() && out.back().end() == offset{at})
      ++out.back().count;
    else
      out.push_back({offset{at}, 1});
  }
  return out;
}

} // namespace

TEST_CASE("a set of offsets says what a set of each single one says", "[property]") {
  with_seeds(300, [](dice& d) {
    offset_set set;
    model offsets;
    for (int step = 0; step < 120; ++step) {
      const offset_range range{offset{d.below(60)}, d.below(12)};
      if (d.percent(10)) {
        REQUIRE(set.remove(range.first) == (offsets.erase(range.first.value) > 0));
      } else if (d.percent(60)) {
        set.add(range);
        for (auto at = range.first; at < range.end(); at = at + 1) offsets.insert(at.value);
      } else if (d.percent(90)) {
        set.remove(range);
        for (auto at = range.first; at < range.end(); at = at + 1) offsets.erase(at.value);
      } else {
        set.remove_below(range.first);
        offsets.erase(offsets.begin(), offsets.lower_bound(range.first.value));
      }
      REQUIRE(set.to_ranges() == ranges_of(offsets));
      REQUIRE(set.count() == offsets.size());
      REQUIRE(set.ranges() == set.to_ranges().size());
      REQUIRE(set.empty() == offsets.empty());
      REQUIRE(set.end() == offset{offsets.empty() ? 0 : *offsets.rbegin() + 1});
      const offset_range part{offset{d.below(70)}, 1 + d.below(20)};
      model in, out;
      for (auto at = part.first; at < part.end(); at = at + 1)
        (offsets.contains(at.value) ? in : out).insert(at.value);
      REQUIRE(set.within(part) == ranges_of(in));
      REQUIRE(set.missing(part) == ranges_of(out));
      REQUIRE(set.contains(part.first) == offsets.contains(part.first.value));
      auto end = part.first;
      while (offsets.contains(end.value)) end = end + 1;
      REQUIRE(set.end_of(part.first) == end);
    }
    REQUIRE(offset_set{set.to_ranges()}.to_ranges() == set.to_ranges());
  });
}

TEST_CASE("taking ranges out of a set of offsets takes the first ones") {
  offset_set set{{{offset{20}, 3}, {offset{0}, 3}, {offset{10}, 3}}};
  CHECK(set.take(2) == std::vector<offset_range>{{offset{0}, 3}, {offset{10}, 3}});
  CHECK(set.count() == 3);
  CHECK(set.take(9).size() == 1);
  CHECK(set.empty());
}
