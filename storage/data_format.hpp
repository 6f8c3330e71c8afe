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

/// What a shard's log must have, for sure; a file in its folder each.
enum class log_note {
  /// File `start`, its first entry: a segment that has gone must not be taken for one that
  /// retention dropped. No more than the truth.
  start,
  /// File `newest`, the first entry of its newest segment: a log that has lost its end must not be
  /// taken for one that never was longer. Raised after the segment is durable, lowered before it
  /// is removed, so that no crash makes it promise too much.
  newest,
};

/// @returns Nothing if there is no such file.
/// @errors storage_corrupt, format_newer, storage_failed
result<std::optional<entry_index>> read_log_note(const std::filesystem::path& shard_folder,
                                                 log_note which);
/// Durable when it returns.
/// @errors storage_full  the note is as it was.
///         storage_failed
result<void> write_log_note(const std::filesystem::path& shard_folder, log_note which,
                            entry_index first);
/// … or, on a full disk, removes the note, which only makes a check weaker: for a change that an
/// older note would make look like a loss.
result<void> write_or_remove_log_note(const std::filesystem::path& shard_folder, log_note which,
                                      entry_index first);

} // namespace carafe::storage
