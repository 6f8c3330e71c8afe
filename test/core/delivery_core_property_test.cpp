#include "test/core/delivery_simulation.hpp"

#include <catch2/catch.hpp>

using namespace carafe::test;

TEST_CASE("a shared group deals with every message, whatever happens", "[property]") {
  with_seeds(400, [](dice& d) { delivery_simulation{d, false}.run(300); });
}

TEST_CASE("a keyed group deals with every message in the order of its key", "[property]") {
  with_seeds(400, [](dice& d) { delivery_simulation{d, true}.run(300); });
}
