#pragma once

#include "cli/shell/message_scan.hpp"

#include <cstdint>
#include <string>

namespace carafe::shell {

/// As `scan`, of the messages of a key: the node tells where they are, and only these are read.
///
/// @param limit  How many are wanted, as far as that is known; 0: all.
/// @returns In `scanned` how many messages the node looked at.
/// @errors Those of `scan`, and unsupported: the node is of a version that cannot tell.
result<scan_outcome> search(const scan_range& range, const std::string& key, std::uint64_t limit,
                            node_api& node, command_context& context, const scan_taker& take);

} // namespace carafe::shell
