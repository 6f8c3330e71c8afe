#pragma once

#include "cli/bench/workload.hpp"

namespace carafe::bench {

/// Sends `what.messages` in transactions of `size` messages each, all of one queue, with several
/// open at a time. The latency is that of a transaction, from its beginning to the answer to its
/// commit.
result<figures> commit_transactions(shell::node_api& node, const load& what, std::uint64_t size,
                                    shell::interruption& stop);

} // namespace carafe::bench
