#pragma once

/// The load on the broker next to parts of its work done alone, one after the other, several times.

#include "cli/bench/workload.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace carafe::bench {

enum class part : std::uint8_t {
  broker,
  /// LMDB alone, with groups of the sizes of the broker's run before.
  lmdb,
  /// Bare TCP, with frames of the size of the broker's entries.
  tcp,
  /// LMDB alone, committing a paced stream in groups.
  commits,
};

struct round {
  figures broker;
  double lmdb_seconds = 0;
  double tcp_seconds = 0;
  core::histogram commits{};
};

/// @returns What a round measures, in its order. Every other round goes backwards, so that nothing
///          always runs right behind the same part; the first begins with the broker, whose groups
///          the rest takes.
std::vector<part> order_of(std::uint32_t round_number, bool paced);

/// @returns The one in the middle; of an even number, the mean of the two in the middle.
/// @pre !numbers.empty()
double median(std::vector<double> numbers);

/// Waits until the file system of `folder` has written what it holds back, and a moment more.
/// @errors storage_failed; `interrupted()`.
result<void> settle(const std::filesystem::path& folder, shell::interruption& stop);

/// Runs `what` so many times, next to each of the parts that belong to it, each on a settled disk.
///
/// @param folder  On the disk to measure; the node's if the two are to be compared.
result<std::vector<round>> measure_rounds(shell::node_api& node, const load& what,
                                          const std::filesystem::path& folder, std::uint32_t rounds,
                                          shell::interruption& stop);

} // namespace carafe::bench
