#pragma once

/// Indices that a shard has beside its log, each a file in LMDB's format that is always synced:
/// timers.mdb and latest.mdb.

#include "storage/lmdb.hpp"
#include "storage/page_check.hpp"

#include <carafe/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace carafe::storage {

/// Opens an index whose pages are sound, and makes it if it is not there.
/// @errors storage_corrupt, storage_full, storage_failed
/// @cost   Every page is looked at.
result<std::unique_ptr<lmdb::env>> open_index(const std::filesystem::path& path,
                                              std::span<const lmdb::table_spec> tables,
                                              std::span<const table_rule> rules);

/// Takes the space that changes may need, before anything is written: LMDB cannot tell a disk that
/// fills up from one that fails. A change touches a leaf in each of three tables.
/// @errors storage_full, storage_failed
result<void> reserve_for(const lmdb::env& index, std::size_t changes, std::uint64_t value_bytes);

/// What a write came to.
/// @errors storage_full  The map is full.
result<void> index_written(const result<lmdb::put_outcome>& outcome,
                           const std::filesystem::path& path);

} // namespace carafe::storage
