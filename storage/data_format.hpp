#pragma once

/// Small files of text: what a data directory is, and of which format; what must be in it.

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

namespace carafe::storage {

inline constexpr std::string_view format_name = "carafe.format";

struct data_format {
  /// Never 0; the same for ever, also in a copy.
  std::uint64_t node_id = 0;
  std::int64_t created_ms = 0;
};

/// Makes the file of a new directory, with a random node id.
/// @errors storage_full, storage_failed
result<data_format> make_format(const std::filesystem::path& folder);

/// … with this content; synced.
result<void> write_format(const std::filesystem::path& folder, const data_format& content);

/// @errors not_found, format_foreign, format_newer, storage_corrupt, storage_failed
result<data_format> read_format(const std::filesystem::path& folder);

/// The shards that were made in the directory: a folder that has gone must not be taken for one
/// that was never there. Empty if there is no such file.
/// @errors storage_corrupt, storage_failed
result<std::set<shard_id>> read_made_shards(const std::filesystem::path& folder);
result<void> write_made_shards(const std::filesystem::path& folder,
                               const std::set<shard_id>& shards);

/// The first entry that a shard's log still had, for sure, when this was written: a segment that
/// has gone must not be taken for one that retention dropped.
/// @returns Nothing if there is no such file.
/// @errors storage_corrupt, format_newer, storage_failed
result<std::optional<entry_index>> read_log_start(const std::filesystem::path& shard_folder);
result<void> write_log_start(const std::filesystem::path& shard_folder, entry_index first);
/// Durable when it returns.
result<void> remove_log_start(const std::filesystem::path& shard_folder);

} // namespace carafe::storage
