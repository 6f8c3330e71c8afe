#pragma once

/// How a shard's log is opened, whatever happened to it before.

#include "storage/segmented_log.hpp"

#include <optional>
#include <string>
#include <vector>

namespace carafe::storage {

/// The segments of a folder, oldest first.
/// @errors not_found, storage_failed
result<std::vector<entry_index>> list_segments(const std::filesystem::path& folder);

/// The log in `folder` begins with `first` and should begin with `start`.
failure lost_segments(const std::filesystem::path& folder, entry_index start, entry_index first);
/// The segment that begins with `first` has gone; `why` this is known.
failure lost_segment(const std::filesystem::path& folder, entry_index first, std::string_view why);
/// … which the folder's note says was the newest.
failure lost_newest(const std::filesystem::path& folder, entry_index first);
/// A log without such a note ends with `last`, before its checkpoint.
failure lost_end(const std::filesystem::path& folder, entry_index last, entry_index checkpoint);

/// Reads the segment that was written last, as recovery leaves it: with the metas of its `.meta`
/// file if the machine was started again since they were written, or if its own are damaged.
struct newest_segment {
  std::shared_ptr<sealed_segment> pages;
  /// Everything up to here is on stable storage, as far as is recorded.
  entry_index synced;
  /// To be put into the file; not if its own are right.
  std::optional<meta_page_bytes> restored;
  /// Why, if its own pages are damaged.
  std::optional<failure> damage;
  std::vector<std::string> notes;
};

/// Changes nothing. All pages are checked.
/// @errors storage_corrupt, format_newer, format_foreign, storage_failed
result<newest_segment> read_newest(const std::filesystem::path& folder, shard_id shard,
                                   entry_index first, const active_settings& settings);

struct opened_log {
  std::shared_ptr<segmented_log> log;
  std::vector<std::string> notes;
};

/// Recovers and opens the log in `settings.folder`, or makes an empty one.
///
/// @param checkpoint  0 if there is none. Entries above it are checked; those up to it may be gone.
///                    A checkpoint is only taken up to the synced mark, so that a log that ends
///                    before it is damaged.
/// @errors storage_corrupt (names file and index), format_newer, format_foreign, storage_full,
///         storage_failed
/// @cost   All branch and leaf pages of the newest segment, about ten pages of each other one, and
///         the entries above the checkpoint.
result<opened_log> open_log(segmented_log_settings settings, entry_index checkpoint);

} // namespace carafe::storage
