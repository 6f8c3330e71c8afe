#include "actors/core/key_lines.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace carafe;
using carafe::core::key_lines;

namespace {

/// Says the same by other means.
struct plain_lines {
  std::map<offset, std::uint64_t> keys;
  std::map<std::uint64_t, std::set<offset>> lines;

  bool enter(offset at, std::uint64_t key) {
    const auto [place, fresh] = keys.try_emplace(at, key);
    if (fresh) lines[key].insert(at);
    return *lines.at(place->second).begin() == at;
  }
  std::vector<std::pair<bool, offset>> leave(offset_range range) {
    std::vector<std::pair<bool, offset>> out;
    while (true) {
      const auto at = keys.lower_bound(range.first);
      if (at == keys.end() || at->first >= range.end()) return out;
      auto& line = lines.at(at->second);
      const bool first = *line.begin() == at->first;
      line.erase(at->first);
      if (!line.empty()) out.emplace_back(first, *line.begin());
      if (line.empty()) lines.erase(at->second);
      keys.erase(at);
    }
  }
  [[nodiscard]] std::uint64_t behind() const { return keys.size() - lines.size(); }
};

} // namespace

TEST_CASE("who leaves the front of a line gives the next one its place", "[keys]") {
  std::pmr::unsynchronized_pool_resource nodes;
  key_lines lines{&nodes};
  CHECK(lines.enter(offset{3}, 7));
  CHECK_FALSE(lines.enter(offset{9}, 7));
  CHECK(lines.enter(offset{4}, 8));
  CHECK_FALSE(lines.enter(offset{9}, 8)); // It stays where it is.
  CHECK(lines.key_of(offset{9}) == 7);
  CHECK(lines.key_of(offset{5}) == 0);
  CHECK(lines.first_before(offset{9}) == offset{3});
  CHECK(lines.behind() == 1);
  std::vector<std::pair<bool, offset>> told;
  lines.leave({offset{0}, 5},
              [&](bool was_first, offset now) { told.emplace_back(was_first, now); });
  CHECK(told == std::vector{std::pair{true, offset{9}}});
  CHECK(lines.behind() == 0);
  lines.leave({offset{9}, 1}, [](bool, offset) { FAIL("nobody is left"); });
  CHECK(lines.empty());
}

TEST_CASE("an older one goes before the others of its key", "[keys]") {
  std::pmr::unsynchronized_pool_resource nodes;
  key_lines lines{&nodes};
  lines.enter(offset{20}, 1);
  lines.enter(offset{30}, 1);
  CHECK(lines.enter(offset{10}, 1));
  CHECK_FALSE(lines.enter(offset{25}, 1));
  std::vector<offset> in_turn;
  while (!lines.empty()) {
    in_turn.push_back(lines.firsts().front());
    lines.leave({in_turn.back(), 1}, [](bool, offset) {});
  }
  CHECK(in_turn == std::vector{offset{10}, offset{20}, offset{25}, offset{30}});
}

TEST_CASE("lines are what sets of offsets would be", "[keys][property]") {
  const auto seed = GENERATE(range(1u, 40u));
  test::dice dice{seed};
  CAPTURE(seed);
  std::pmr::unsynchronized_pool_resource nodes;
  key_lines lines{&nodes};
  plain_lines plain;
  const auto keys = 1 + dice.below(30);
  std::uint64_t end = 0;
  for (int step = 0; step < 2'000; ++step) {
    switch (dice.below(8)) {
    case 0: { // One that was met before the others.
      const offset at{dice.below(end + 1)};
      const auto key = 1 + dice.below(keys);
      REQUIRE(lines.enter(at, key) == plain.enter(at, key));
      end = std::max(end, at.value + 1);
      break;
    }
    case 1:
    case 2: {
      const offset_range range{offset{dice.below(end + 1)}, dice.below(20)};
      std::vector<std::pair<bool, offset>> told;
      lines.leave(range, [&](bool first, offset now) { told.emplace_back(first, now); });
      REQUIRE(told == plain.leave(range));
      break;
    }
    case 3: // As it is where all goes well.
      for (const auto first : lines.firsts()) {
        lines.leave({first, 1}, [](bool, offset) {});
        plain.leave({first, 1});
      }
      break;
    default:
      for (auto many = dice.below(10); many > 0; --many, end += 1 + dice.below(3)) {
        const auto key = 1 + dice.below(keys);
        REQUIRE(lines.enter(offset{end}, key) == plain.enter(offset{end}, key));
      }
    }
    const offset at{dice.below(end + 2)};
    const auto known = plain.keys.find(at);
    REQUIRE(lines.key_of(at) == (known == plain.keys.end() ? 0 : known->second));
    REQUIRE(lines.behind() == plain.behind());
    REQUIRE(lines.empty() == plain.keys.empty());
    if (known == plain.keys.end()) {
      REQUIRE_FALSE(lines.first_before(at));
      REQUIRE_FALSE(lines.any_other(at, [](offset) { return true; }));
      continue;
    }
    const auto& line = plain.lines.at(known->second);
    REQUIRE(lines.first_before(at) == *line.begin());
    std::set<offset> others;
    REQUIRE_FALSE(lines.any_other(at, [&](offset other) { return !others.insert(other).second; }));
    others.insert(at);
    REQUIRE(others == line);
  }
}

TEST_CASE("who leaves from the middle leaves the order as it was, and may come back", "[keys]") {
  std::pmr::unsynchronized_pool_resource nodes;
  key_lines lines{&nodes};
  for (std::uint64_t i = 0; i < 100; ++i) lines.enter(offset{i}, 1);
  lines.leave({offset{10}, 80}, [](bool was_first, offset now) {
    CHECK_FALSE(was_first);
    CHECK(now == offset{0});
  });
  CHECK(lines.behind() == 19);
  CHECK_FALSE(lines.enter(offset{50}, 1));
  lines.leave({offset{95}, 1}, [](bool, offset) {});
  CHECK_FALSE(lines.enter(offset{95}, 1));
  lines.leave({offset{0}, 10}, [](bool was_first, offset) { CHECK(was_first); });
  CHECK(lines.first_before(offset{99}) == offset{50});
  CHECK(lines.behind() == 10);
}
