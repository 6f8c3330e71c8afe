#include "test/producers/named_simulation.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::test;

TEST_CASE("However often node and application die, each message of a name is in its queue once") {
  with_seeds(150, [](dice& d) {
    named_simulation simulation{d};
    for (int i = 0; i < 1'500; ++i) simulation.step();
    simulation.calm();
    int steps = 0;
    for (; steps < 20'000 && !simulation.done(); ++steps) simulation.step();
    REQUIRE(simulation.done());
    simulation.check();
  });
}
