#pragma once

#include "cli/bench/workload.hpp"

#include <chrono>

namespace carafe::bench {

/// Stores `what.messages` messages for later, their times spread evenly at random over `ahead`.
result<figures> store_for_later(shell::node_api& node, const load& what,
                                std::chrono::milliseconds ahead, shell::interruption& stop);

/// Stores messages for later, `what.rate` of them due a second, and reads them. The latency is how
/// much later than its time each came here, by this machine's clock.
/// @errors timeout: storing took so long that the first were due before the last were stored.
result<figures> deliver_at_their_times(shell::node_api& node, const load& what,
                                       shell::interruption& stop);

} // namespace carafe::bench
