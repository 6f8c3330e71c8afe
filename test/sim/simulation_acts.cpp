/// The simulation's acts: parts with topics, clients and checkers of their own.

#include "test/sim/simulation.hpp"

#include <algorithm>

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
  out.earliest = [this](queue_id queue) {
    offset first{0};
    for (const auto& [id, disk] : rig_.disks)
      for (const auto& stored : disk.log->history())
        if (const auto entry = decode_entry(stored))
          for (const auto& effect : entry->effects)
            if (const auto* start = std::get_if<effects::queue_start>(&effect))
              if (start->queue == queue) first = std::max(first, start->start);
    return first;
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
