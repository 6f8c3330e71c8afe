#pragma once

/// What a commit log answers, from its segments as they were at one moment.

#include "storage/commit_log.hpp"
#include "storage/segment.hpp"

#include <memory>
#include <vector>

namespace carafe::storage {

/// Never empty; oldest first; each begins where the one before ends. Immutable once published.
struct segment_list {
  std::vector<std::shared_ptr<const segment>> segments;
  /// Counts truncations.
  std::uint64_t epoch = 1;

  [[nodiscard]] entry_index first() const { return segments.front()->first(); }
  [[nodiscard]] entry_index last() const { return segments.back()->last(); }
  /// Position of the segment that holds `index`, if it is not before the log.
  [[nodiscard]] std::size_t position_of(entry_index index) const;
};

/// Copies the value at `at`.
result<shared_bytes> read_whole_value(const table_cursor& at);

/// The index row at `at`.
result<placed_row> read_row(const table_cursor& at);

/// Moves to the last row of `queue`, if it has one.
result<bool> seek_last_row(table_cursor& rows, queue_id queue);

// As the functions of `commit_log` of these names.
result<std::vector<shared_bytes>> read_entries(const segment_list& log, entry_index first,
                                               entry_index last, std::uint64_t bytes_max);
result<std::vector<stored_batch>> read_queue(const segment_list& log, queue_id queue, offset from,
                                             entry_index last, std::uint64_t bytes_max,
                                             read_hint& hint);
result<std::optional<index_row>> find_time(const segment_list& log, queue_id queue, unix_ms time,
                                           entry_index last);
[[nodiscard]] entry_index retention_limit(const segment_list& log, unix_ms keep_after,
                                          std::uint64_t bytes_max, entry_index checkpoint);
[[nodiscard]] entry_index second_segment(const segment_list& log, entry_index checkpoint);
result<std::vector<std::pair<queue_id, offset>>> ends_before(const segment_list& log,
                                                             entry_index first);
result<std::uint64_t> copy_to(const segment_list& log, const std::filesystem::path& to);

} // namespace carafe::storage
