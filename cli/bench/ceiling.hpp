#pragma once

/// Parts of a broker's work, each measured by doing only that on this machine. Each answers
/// `interrupted()` soon after an end was asked for.

#include "actors/core/histogram.hpp"
#include "cli/shell/interruption.hpp"

#include <carafe/admin.hpp>
#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace carafe::bench {

/// How a node's log was written: groups of entries, one transaction each.
struct log_shape {
  /// Entries of each group, in the order of writing.
  std::vector<std::uint64_t> groups;
  std::uint64_t entry_bytes = 0;
  durability mode = durability::fsync;

  [[nodiscard]] std::uint64_t entries() const;
};

/// @param sizes    Of groups as the node counted them; only their proportions matter.
/// @param entries  What the groups of the result hold together.
/// @returns As many groups, each with its part of the entries (at least one), in an order that
///          mixes large and small ones and is the same each time.
std::vector<std::uint64_t> groups_of(const std::vector<client::group_size>& sizes,
                                     std::uint64_t entries);

/// Appends the same to a plain LMDB file: no index, no checksums, no Raft.
/// @returns Seconds.
result<double> append_to_lmdb(const std::filesystem::path& folder, const log_shape& shape,
                              shell::interruption& stop);

/// Messages arrive evenly at `rate` a second, whether the disk keeps up or not; whatever has
/// arrived is committed by the next transaction, synced.
/// @returns From each message's arrival to the end of its transaction.
result<core::histogram> commit_in_groups(const std::filesystem::path& folder, double rate,
                                         std::uint64_t messages, std::uint64_t message_bytes,
                                         shell::interruption& stop);

/// Sends frames over a TCP connection of the loopback device, each answered by one of 64 bytes, at
/// most `window` unanswered.
/// @returns Seconds.
result<double> move_over_tcp(std::uint64_t frames, std::uint64_t frame_bytes, std::uint64_t window,
                             shell::interruption& stop);

} // namespace carafe::bench
