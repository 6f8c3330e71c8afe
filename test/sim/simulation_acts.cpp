/// The simulation's acts: parts with topics, clients and checkers of their own.

#include "test/sim/simulation.hpp"

namespace carafe::sim {

stage simulation::make_stage() {
  stage out;
  out.node = &rig_;
  out.note = [this](const std::string& what) { note(what); };
  out.pass = [this](std::chrono::milliseconds time) {
    rig_.pass(time);
    finish_syncs();
    check_node();
  };
  out.skip = [this](std::chrono::milliseconds time) {
    rig_.advance(time);
    rig_.settle();
    finish_syncs();
    check_node();
  };
  return out;
}

void simulation::finish_acts() {
  if (acts_.empty()) return;
  set_clock(furthest_shift_ms_); // What waits for a time waits by it.
  for (auto& each : acts_) {
    each->finish(dice_);
    summary_.acts += each->count();
  }
}

} // namespace carafe::sim
