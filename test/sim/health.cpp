#include "test/sim/health.hpp"

#include <algorithm>

namespace carafe::sim {

bool is_healthy(const test::rig& node) {
  if (!node.ended->empty()) return false;
  return std::ranges::all_of(node.disks, [](const auto& each) {
    const auto& [log, state] = each.second;
    return log->append_fails == errc::none && log->sync_fails == errc::none &&
           log->read_fails == errc::none && state->save_fails == errc::none &&
           log->room == storage::log_room::everything;
  });
}

} // namespace carafe::sim
