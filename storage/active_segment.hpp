#pragma once

#include "storage/lmdb.hpp"
#include "storage/segment.hpp"
#include "storage/spare_segment.hpp"
#include "storage/sync_worker.hpp"
#include "storage/synced_meta.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>

namespace carafe::storage {

struct active_settings {
  /// Commits reach the page cache only; `sync` makes them durable.
  bool unsynced = false;
  std::string boot_id;
  bool keep_meta_file = true;
  /// Called with the path before each sync; a value other than 0 is the `errno` it fails with.
  std::function<int(const std::filesystem::path&)> fail_sync;
  /// Set, and never reset, when a sync fails: what is on the disk is unknown then, and an fsync is
  /// never retried.
  std::shared_ptr<std::atomic<bool>> sync_failed = std::make_shared<std::atomic<bool>>(false);
};

/// The newest segment of a log: an LMDB environment.
///
/// While it is written without syncs, a read transaction pins the last synced state, so that LMDB
/// does not reuse that state's pages, and the state's metas are kept in the `.meta` file.
///
/// @thread One at a time writes (the functions that are not const); any number reads.
class active_segment final : public segment, public std::enable_shared_from_this<active_segment> {
public:
  /// Makes the file under another name, initialises and syncs it, and puts it in place.
  /// @param spare  The space to take, if it is there.
  /// @errors storage_full    nothing is left behind.
  ///         storage_failed
  static result<std::shared_ptr<active_segment>> create(const std::filesystem::path& folder,
                                                        const segment_identity& identity,
                                                        const active_settings& settings,
                                                        spare_segment* spare = nullptr);

  /// @param synced   Up to where the entries are known to be on stable storage.
  /// @pre The file has been checked, and its last entry is `last`.
  static result<std::shared_ptr<active_segment>> open(const std::filesystem::path& path,
                                                      const segment_identity& identity,
                                                      entry_index last, entry_index synced,
                                                      const active_settings& settings);

  // -- writing -----------------------------------------------------------------------------------

  /// Whether a group surely fits.
  [[nodiscard]] bool has_room(std::span<const log_write> entries) const;

  /// Bytes of whole pages that are not used yet; 0 while the disk has no room for them.
  [[nodiscard]] std::uint64_t room_bytes();

  /// All or none; `no_room`: nothing is written.
  /// @errors storage_full    nothing is written.
  ///         storage_failed  unknown what is.
  result<lmdb::put_outcome> append(std::span<const log_write> entries);

  /// Whether there is nothing to sync.
  [[nodiscard]] bool is_synced() const;

  /// What is to be done to make everything appended so far durable, by another thread while this
  /// one goes on writing. Jobs of a segment are run one at a time, and all before any other
  /// function of this part but `append` is called.
  /// @param as_old  No writes will follow: gives the space behind the last page back as well, and
  ///                the `.meta` file, which says that the segment may not be complete.
  result<sync_worker::job> begin_sync(bool as_old = false);

  /// Whether so many pages have been copied since the last `begin_sync` that it is time for the
  /// next one: they cannot be reused before. Past the second limit it is high time.
  [[nodiscard]] bool should_sync() const noexcept { return copied_pages_ > copies_max_; }
  [[nodiscard]] bool must_sync() const noexcept { return copied_pages_ > 2 * copies_max_; }

  /// Removes the entries above `last` and their rows; durable when it returns.
  /// @pre last + 1 >= first()
  result<void> truncate_after(entry_index last);

  /// Everything up to here is on stable storage.
  [[nodiscard]] entry_index synced() const noexcept {
    return entry_index{synced_.load(std::memory_order_acquire)};
  }

  /// Syncs, and marks the file as left in order.
  result<void> close();

  /// For a synced segment that takes no more writes: as a job of `begin_sync` `as_old` does.
  result<void> become_old();

  /// Keeps the pages of the present state untouched until `reader` is gone.
  result<void> pin_for(std::weak_ptr<const segment> reader);

  // -- reading -----------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t used_bytes() const override;
  [[nodiscard]] result<std::unique_ptr<segment_snapshot>> snapshot() const override;
  result<std::uint64_t> copy_to(const std::filesystem::path& to) const override;

private:
  active_segment(std::filesystem::path path, const segment_identity& identity,
                 const active_settings& settings);

  result<void> initialise(const std::filesystem::path& folder);
  result<void> take_space();
  result<void> prepare_write();
  result<void> prepare_write(const std::filesystem::path& side);
  result<void> sync_data();
  /// A committed state, and what is to be kept of it.
  struct committed_state {
    lmdb::txn pin;
    synced_record record;
  };
  result<committed_state> newest_state(bool clean) const;
  result<void> record_synced(committed_state state);
  result<void> record_newest(bool clean);
  result<lmdb::put_outcome> write(std::span<const log_write> entries);
  result<lmdb::put_outcome> erase_after(entry_index last);
  result<lmdb::put_outcome> erase_rows(lmdb::txn& in, entry_index last);
  failure after_failed_commit(failure why);

  struct reader_pin {
    std::weak_ptr<const segment> reader;
    lmdb::txn state;
  };

  segment_identity identity_;
  active_settings settings_;
  std::unique_ptr<lmdb::env> env_;
  std::optional<synced_meta_file> side_;
  /// The last synced state; replaced by the thread that synced it.
  std::optional<lmdb::txn> pin_;
  std::optional<reader_pin> reader_pin_;
  std::atomic<std::uint64_t> synced_{0};
  std::atomic<std::uint64_t> synced_txn_{0};
  /// Pages that were copied since the last `begin_sync`, about.
  std::uint64_t copied_pages_ = 0;
  std::uint64_t copies_max_;
  bool prepared_ = false;
  bool reserved_ = false;
  bool closed_ = false;
};

} // namespace carafe::storage
