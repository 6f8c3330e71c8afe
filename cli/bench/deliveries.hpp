#pragma once

#include "cli/bench/workload.hpp"

namespace carafe::bench {

/// How a group's consumer settles what it gets.
struct settling {
  client::group_mode mode = client::group_mode::shared;
  /// Acknowledged about a hundred messages later than their neighbours.
  std::uint32_t late_per_mille = 100;
  /// They fail once, and come again.
  std::uint32_t failing_per_mille = 10;
  /// Of one key in `poison_of`, every message fails whenever it comes; 0: of none. They need not be
  /// dealt with.
  std::uint64_t poison_of = 0;
};

/// How many of the messages can be dealt with.
[[nodiscard]] std::uint64_t healthy_of(const load& what, const settling& how);

/// Reads the topic's first `what.messages` messages as the one consumer of a new group, and settles
/// each by itself. The group is deleted afterwards.
result<figures> consume_in_group(shell::node_api& node, const load& what, const settling& how,
                                 shell::interruption& stop);

} // namespace carafe::bench
