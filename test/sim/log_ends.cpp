#include "test/sim/log_ends.hpp"

namespace carafe::sim {

offset end_in_log(const test::rig& node, queue_id queue) {
  offset end{0};
  for (const auto& [id, disk] : node.disks)
    for (const auto& stored : disk.log->history()) {
      const auto entry = decode_entry(stored);
      if (!entry) continue;
      for (const auto& effect : entry->effects)
        if (const auto* batch = std::get_if<effects::batch>(&effect))
          if (batch->queue == queue && !batch->timed) end = batch->base + batch->count;
    }
  return end;
}

} // namespace carafe::sim
