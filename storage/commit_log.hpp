#pragma once

/// A shard's commit log on disk, and the boundary at which a simulated disk takes its place.

#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace carafe::storage {

/// A row of the queue index: which entry holds these offsets. A pure function of the log.
struct index_row {
  queue_id queue;
  offset base;
  std::uint32_t count = 0;
  unix_ms time;
  entry_index entry;
};

/// What is written of one entry.
struct log_write {
  std::shared_ptr<const encoded_entry> entry;
  /// One row for each batch in it.
  std::vector<index_row> rows;
};

struct log_bounds {
  /// First index kept; 1 on a new log.
  entry_index first;
  /// Last index stored; first - 1 if the log is empty.
  entry_index last;
  /// Everything up to here is on stable storage.
  entry_index synced;
  std::uint64_t bytes = 0;
  std::uint32_t segments = 0;
};

/// One batch as it is stored.
struct stored_batch {
  queue_id queue;
  offset base;
  std::uint32_t count = 0;
  unix_ms time;
  effects::batch batch;
  /// Of a compacted queue: which of these offsets there are messages of, one at most; the others
  /// are gone. `batch` begins at that one. Nothing: there are all.
  std::optional<std::vector<offset_range>> only = {};

  [[nodiscard]] bool holds(offset at) const noexcept {
    if (!only) return base <= at && at < base + count;
    return std::ranges::any_of(
      *only, [at](const auto& range) { return range.first <= at && at < range.end(); });
  }
};

/// How a read went on: hand it back with the next read of the same queue and it costs no search.
struct read_hint {
  entry_index segment{0};
  /// Counts truncations, after which a hint is void.
  std::uint64_t epoch = 0;
};

/// Messages of one key in one queue.
struct key_query {
  queue_id queue;
  std::string key;
  /// Offsets below `until`, from this one on.
  offset from;
  offset until;
  /// Nothing above this entry.
  entry_index last;
  /// A step is over after about so many bytes of the log, or so many messages; at least 1.
  std::uint64_t bytes_max = 0;
  std::size_t found_max = 0;
};
struct key_findings {
  std::vector<offset> found;
  /// Everything below was looked at; the search is over when that is `until`.
  offset next;
  /// Messages that were read for that.
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

/// What a log surely has room for, whatever else fills the disk meanwhile.
enum class log_room : std::uint8_t {
  everything,
  /// The rest is for what consumers commit, and for what frees space.
  no_batches,
  /// … and only for what frees space.
  only_freeing,
};

/// Bytes of entries that may be under way to a log that has said it has room for everything.
[[nodiscard]] constexpr std::uint64_t in_flight_bytes_max(std::uint64_t segment_bytes) {
  return std::min<std::uint64_t>(64u << 20, segment_bytes / 4);
}

/// The writing half is used by one thread; the reading half by any number at the same time.
class commit_log {
public:
  virtual ~commit_log() = default;

  // -- writing -----------------------------------------------------------------------------------

  /// Appends entries with dense indices after `bounds().last`, all or none, in one transaction;
  /// rolls to a new segment first if they do not fit. In `fsync` mode they are on stable storage
  /// when it returns.
  /// @errors storage_full    nothing written.
  ///         storage_failed  unknown what is on disk; the owner must rebuild from disk.
  virtual result<void> append(std::span<const log_write> entries) = 0;

  /// Makes everything appended durable (a no-op in `fsync` mode).
  /// @errors storage_failed  an fsync failed: the node must stop, it is never retried.
  virtual result<void> sync() = 0;

  /// Begins to make everything appended so far durable and does not wait: `bounds().synced` rises
  /// later. While one such sync is under way, a further call does nothing.
  /// @errors storage_failed  an earlier sync failed.
  virtual result<void> sync_soon() { return sync(); }

  /// Takes disk space ahead of need, and says what there is room for now. Costs microseconds, but
  /// for once a segment. To be called by the writing half, before it reports what it wrote.
  [[nodiscard]] virtual log_room secure_room() { return log_room::everything; }

  /// Drops whole segments that hold only entries below `first`; the newest is always kept.
  /// Readers that hold one keep it open until they are done.
  virtual result<void> drop_before(entry_index first) = 0;

  /// Removes entries above `last`.
  virtual result<void> truncate_after(entry_index last) = 0;

  // -- reading -----------------------------------------------------------------------------------

  [[nodiscard]] virtual log_bounds bounds() const = 0;

  /// Stored bytes of the entries from `first` on, at least one and at most about `bytes_max`,
  /// nothing above `last`. Copies; CRCs are not checked here (see `decode_entry`).
  /// @errors not_found  `first` is outside the log.
  virtual result<std::vector<shared_bytes>> read_entries(entry_index first, entry_index last,
                                                         std::uint64_t bytes_max) const = 0;

  /// Batches of `queue` from the one that holds `from` on, in order, at least one if there is one
  /// and at most about `bytes_max`, none from entries above `last`. Empty when `from` is not
  /// stored (yet). CRCs are checked.
  /// @errors storage_corrupt  names file and index; the batch is not served.
  virtual result<std::vector<stored_batch>> read_queue(queue_id queue, offset from,
                                                       entry_index last, std::uint64_t bytes_max,
                                                       read_hint& hint) const = 0;

  /// The first row of `queue` whose broker time is not before `time`, from entries up to `last`.
  virtual result<std::optional<index_row>> find_time(queue_id queue, unix_ms time,
                                                     entry_index last) const = 0;

  /// Looks for messages of a key, a step at a time. With an index of keys what cannot have any is
  /// passed over; there is none of the newest segment.
  /// @pre found_max > 0 && bytes_max > 0
  /// @errors storage_corrupt  names file and entry.
  /// @cost   Reading of what has the key, or of `bytes_max`.
  virtual result<key_findings> find_key(const key_query& query, read_hint& hint) const;

  /// What went wrong in the background since the last call without harm to the log, one sentence
  /// each.
  virtual std::vector<std::string> take_notes() { return {}; }

  /// Highest first-index that `drop_before` could be given so that at least all entries younger
  /// than `keep_after` and the newest segment stay, and the log holds at most `bytes_max` bytes if
  /// that is not 0 (age and size each suffice to drop). Never above `checkpoint + 1`.
  [[nodiscard]] virtual entry_index retention_limit(unix_ms keep_after, std::uint64_t bytes_max,
                                                    entry_index checkpoint) const = 0;

  /// First index of the second segment; the log's own if there is none, or if the oldest holds
  /// entries above `checkpoint`.
  [[nodiscard]] virtual entry_index second_segment(entry_index checkpoint) const = 0;

  /// For every queue that has rows in entries below `first`: the offset after its last such row.
  virtual result<std::vector<std::pair<queue_id, offset>>> ends_before(entry_index first) const = 0;

  /// Copies the log up to about now into the folder `to` (exists, empty), consistent, synced.
  /// @returns Bytes written.
  virtual result<std::uint64_t> copy_to(const std::string& to) const = 0;
};

} // namespace carafe::storage
