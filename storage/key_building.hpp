#pragma once

/// A segment's index of keys, built and compared.

#include "storage/key_file.hpp"
#include "storage/segment.hpp"

#include <carafe/result.hpp>

#include <cstdint>
#include <functional>

namespace carafe::storage {

/// Rows that are sorted in memory at a time: 16 MiB of them.
inline constexpr std::uint64_t key_run_rows = std::uint64_t{1} << 21;

/// @errors storage_corrupt  the segment has no entry, or its last one cannot be read.
result<key_source> key_source_of(const segment& in, shard_id shard);

struct key_building {
  shard_id shard;
  std::uint64_t run_rows_max = key_run_rows;
  /// Free space that is to be left, bytes.
  std::uint64_t reserve_bytes = 0;
  /// Asked at each entry.
  std::function<bool()> stopped = [] { return false; };
  /// Puts the finished file in place, or not.
  std::function<result<void>(const std::function<result<void>()>&)> in_place =
    [](const auto& finish) { return finish(); };
};

/// Builds the file of `in`, in place of one that is there. After an error nothing is left behind.
///
/// @errors shutting_down    it was stopped.
///         storage_full     it would take from the reserve.
///         storage_corrupt  an entry is damaged.
/// @cost   One reading of the segment and one decoding of its batches; 16 MiB.
result<void> build_key_file(const segment& in, const key_building& how);

/// Whether `keys` has exactly the rows that it should.
/// @errors storage_corrupt
/// @cost   As building.
result<void> check_key_file(const segment& in, const key_file& keys);

} // namespace carafe::storage
