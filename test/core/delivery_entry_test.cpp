#include "actors/core/delivery_entry.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

effects::settled settled_with(std::size_t ranges) {
  return {group_id{1}, queue_id{2}, std::vector<offset_range>(ranges, {offset{0}, 1})};
}

} // namespace

TEST_CASE("what gathers for the log is cut into entries by bytes and by number") {
  std::vector<effects::effect> few(3, settled_with(1));
  CHECK(next_entry(few) == 3);
  CHECK(next_entry({}) == 0);
  std::vector<effects::effect> large(4, settled_with(30'000));
  CHECK(next_entry(large) == 2);
  std::vector<effects::effect> huge(2, settled_with(100'000));
  CHECK(next_entry(huge) == 1); // One always goes.
  std::vector<effects::effect> many(delivery_effects_max, effects::lent{});
  CHECK(next_entry(many) < many.size());
}
