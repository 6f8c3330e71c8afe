#include "test/sim/act.hpp"
#include "test/sim/id_act.hpp"
#include "test/sim/name_act.hpp"
#include "test/sim/timer_act.hpp"
#include "test/sim/transaction_act.hpp"

namespace carafe::sim {

std::vector<std::unique_ptr<act>> acts_of(std::uint64_t seed, const stage& s) {
  // Dice of its own, so that runs without acts are what they were before there were any.
  dice d{seed ^ 0xac75};
  std::vector<std::unique_ptr<act>> out;
  if (d.percent(50)) return out;
  switch (d.below(4)) {
  case 0:
    out.push_back(std::make_unique<timer_act>(s, d));
    break;
  case 1:
    out.push_back(std::make_unique<name_act>(s, d));
    break;
  case 2:
    out.push_back(std::make_unique<id_act>(s, d));
    break;
  default:
    out.push_back(std::make_unique<transaction_act>(s, d));
  }
  return out;
}

} // namespace carafe::sim
