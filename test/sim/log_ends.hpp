#pragma once

#include "test/actors/rig.hpp"

#include <carafe/types.hpp>

namespace carafe::sim {

/// Where the queue ends, as far as a log says so. After a start of the node that may be too late to
/// ask: it has gone on.
[[nodiscard]] offset end_in_log(const test::rig& node, queue_id queue);

} // namespace carafe::sim
