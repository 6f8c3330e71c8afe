#include "test/sim/act.hpp"
#include "test/sim/broadcast_act.hpp"
#include "test/sim/copy_act.hpp"
#include "test/sim/id_act.hpp"
#include "test/sim/name_act.hpp"
#include "test/sim/quota_act.hpp"
#include "test/sim/rank_act.hpp"
#include "test/sim/schedule_act.hpp"
#include "test/sim/seat_act.hpp"
#include "test/sim/table_act.hpp"
#include "test/sim/timer_act.hpp"
#include "test/sim/transaction_act.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

struct known_act {
  const char* name;
  std::unique_ptr<act> (*make)(const stage& s, dice& d);
};

template <class Act>
std::unique_ptr<act> made(const stage& s, dice& d) {
  return std::make_unique<Act>(s, d);
}

constexpr known_act known[] = {
  {"timers", made<timer_act>},       {"transactions", made<transaction_act>},
  {"ranks", made<rank_act>},         {"tables", made<table_act>},
  {"schedules", made<schedule_act>}, {"broadcast", made<broadcast_act>},
  {"names", made<name_act>},         {"ids", made<id_act>},
  {"copies", made<copy_act>},        {"quotas", made<quota_act>},
  {"seats", made<seat_act>},
};

} // namespace

std::string act_names() {
  std::string out;
  for (const auto& each : known) out += (out.empty() ? "" : ", ") + std::string{each.name};
  return out;
}

bool is_act(const std::string& name) {
  return std::ranges::any_of(known, [&](const auto& each) { return each.name == name; });
}

std::vector<std::unique_ptr<act>> acts_of(std::uint64_t seed, const std::string& only,
                                          const stage& s) {
  // Dice of its own, so that runs without acts are what they were before there were any; and they
  // roll the same for a seed that has the act as for one that is made to have it.
  dice d{seed ^ 0xac75};
  std::vector<std::unique_ptr<act>> out;
  const bool none = d.percent(50);
  if (none && only.empty()) return out;
  const auto chosen = d.below(std::size(known));
  for (std::size_t i = 0; i < std::size(known); ++i) {
    const auto& [name, make] = known[i];
    if (!only.empty() ? only == name : i == chosen) {
      s.note("it has the act " + std::string{name});
      out.push_back(make(s, d));
    }
  }
  return out;
}

} // namespace carafe::sim
