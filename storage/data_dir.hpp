#pragma once

/// A node's data directory: lock, format, and the shards in it.

#include "storage/commit_log.hpp"
#include "storage/state_store.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace carafe::storage {

/// For tests: the machine as they want it to be.
struct log_testing {
  /// Instead of the kernel's boot id; another one at the next open stands for a power failure.
  std::string boot_id;
  /// false only to prove that the `.meta` file is needed.
  bool keep_meta_file = true;
  /// Called before a segment is synced, but not for the groups of `fsync` mode, on the thread that
  /// does it; a value other than 0 is the `errno` that it fails with.
  std::function<int(const std::filesystem::path& segment)> fail_sync;
};

/// How a shard keeps its log.
struct log_options {
  durability mode = durability::fsync;
  /// Map size of a segment, bytes; a multiple of 4096, at least 1 MiB. Segments that exist keep
  /// theirs.
  std::uint64_t segment_bytes = 1ull << 30;
  /// Free space of the file system that batches are not to take, bytes.
  std::uint64_t reserve_bytes = 0;
  /// The largest entry there will be, bytes.
  std::uint64_t entry_bytes_max = 0;
  log_testing testing = {};
};

/// Bytes of entries that one `commit_log::append` can always take: half a segment. A larger group
/// may be answered with `batch_too_large`, and nothing is written.
[[nodiscard]] constexpr std::uint64_t group_bytes_max(std::uint64_t segment_bytes) {
  return segment_bytes / 2;
}

struct opened_shard {
  std::shared_ptr<commit_log> log;
  std::shared_ptr<state_store> state;
  /// What recovery did, one sentence each, for the log.
  std::vector<std::string> notes;
};

/// Held while a node (or an offline tool) uses the directory.
///
///     DIR/carafe.format   "carafe data, format 1", node id, created
///     DIR/lock            flock; holds the pid of the holder
///     DIR/carafe.filled   the shards that were made
///     DIR/shard-<n>/log-<first index>.mdb, .meta, .sum, .keys   DIR/shard-<n>/state.mdb
///     DIR/shard-<n>/start           the first entry that the log must have
///     DIR/shard-<n>/newest          the first entry of the last segment that the log must have
///     DIR/shard-<n>/spare.segment   the space of the next segment
class data_dir {
public:
  /// Creates the directory and its format file if there is none, and locks it.
  /// @errors storage_locked (names the holder's pid), format_newer, format_foreign,
  ///         storage_failed, permission_denied.
  static result<data_dir> open(const std::filesystem::path& path);

  /// Opens without creating anything; for offline tools.
  static result<data_dir> open_existing(const std::filesystem::path& path);

  data_dir(data_dir&&) noexcept;
  data_dir& operator=(data_dir&&) noexcept;
  ~data_dir();

  [[nodiscard]] const std::filesystem::path& path() const noexcept;
  /// Random, made with the directory; never changes.
  [[nodiscard]] std::uint64_t node_id() const noexcept;
  /// Shards that have a folder.
  [[nodiscard]] std::vector<shard_id> shards() const;

  /// Opens a shard's log and state, after recovery (below). Creates them if they do not exist.
  ///
  /// Recovery: pages are checked with pread before LMDB maps a file; after an unclean start with a
  /// changed boot id the meta pages of unsynced segments are restored from `.meta`; CRCs are
  /// checked from the checkpoint on; a torn tail above the synced mark is cut back.
  /// @errors storage_corrupt (names file and index), format_newer, format_foreign, storage_failed,
  ///         storage_full.
  result<opened_shard> open_shard(shard_id shard, const log_options& options);

  /// Makes the folder `to` and in it what a copy of this directory needs besides its shards' files:
  /// format file and shard folders. Fill these with `state_store::copy_to` ("state.mdb") first and
  /// then `commit_log::copy_to`, and drop nothing from the log in between; starting on the copy is
  /// the restore.
  /// @errors already_exists  `to` is there and not empty.
  ///         permission_denied, storage_full, storage_failed
  result<void> begin_copy(const std::filesystem::path& to) const;
  /// Removes what a copy that failed has made in `to`.
  /// @pre `begin_copy` has found `to` empty.
  void abandon_copy(const std::filesystem::path& to) const;

  /// Name of a shard's folder in a data directory.
  [[nodiscard]] static std::string shard_folder(shard_id shard);

  /// Free bytes of the file system that holds the directory.
  [[nodiscard]] result<std::uint64_t> free_bytes() const;

private:
  result<void> make_shard(shard_id shard, const log_options& options) const;
  result<void> check_never_made(shard_id shard) const;
  void note_made(shard_id shard) const;
  struct held;
  explicit data_dir(std::unique_ptr<held> h);
  std::unique_ptr<held> held_;
};

struct verify_damage {
  std::string file;
  entry_index index;
  std::string what;
};

struct verify_report {
  std::uint64_t shards = 0;
  std::uint64_t segments = 0;
  std::uint64_t entries = 0;
  std::uint64_t messages = 0;
  std::uint64_t queues = 0;
  std::uint64_t bytes = 0;
  /// Older segments that have their index of keys.
  std::uint64_t key_indices = 0;
  /// First damage of each shard; empty: all is well.
  std::vector<verify_damage> damage;
  /// Damaged indices of keys, a sentence each: no loss, for the node builds them anew.
  std::vector<std::string> notes;
};

/// Walks every segment: page structure, entry CRCs, index against log, dense indices and offsets,
/// and the indices of keys against the entries.
result<verify_report> verify(data_dir& dir);

/// Calls `entry` with every stored entry of a shard from `first` on, until it returns false.
result<void> dump(data_dir& dir, shard_id shard, entry_index first,
                  const std::function<bool(const decoded_entry&, std::string_view file)>& entry);

} // namespace carafe::storage
