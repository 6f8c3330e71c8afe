#include "test/core/group_simulation.hpp"

#include <catch2/catch.hpp>

using namespace carafe::test;

TEST_CASE("A group keeps one owner a queue, moves no more than it must, and ends up even") {
  with_seeds(100, [](dice& d) {
    simulated_group group{d};
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 150; ++i) group.step();
      group.settle();
    }
  });
}
