#pragma once

#include "storage/page_file.hpp"
#include "storage/segment_layout.hpp"
#include "storage/table_cursor.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace carafe::storage {

/// One committed state of a segment; short-lived, used by one thread.
class segment_snapshot {
public:
  virtual ~segment_snapshot() = default;

  /// @param table  `table_log` or `table_index`. The cursor must not outlive the snapshot.
  virtual result<std::unique_ptr<table_cursor>> open(segment_table table) const = 0;
};

/// One file of a commit log, as its readers see it.
///
/// @thread Any number at a time.
class segment {
public:
  segment(std::filesystem::path path, entry_index first) : path_(std::move(path)), first_(first) {}
  segment(const segment&) = delete;
  segment& operator=(const segment&) = delete;
  virtual ~segment() = default;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] entry_index first() const noexcept { return first_; }
  /// first - 1 if there is no entry.
  [[nodiscard]] entry_index last() const noexcept {
    return entry_index{last_.load(std::memory_order_acquire)};
  }
  [[nodiscard]] virtual std::uint64_t used_bytes() const = 0;

  [[nodiscard]] virtual result<std::unique_ptr<segment_snapshot>> snapshot() const = 0;

  /// Copies the segment into the folder `to`, synced.
  /// @returns Bytes written.
  virtual result<std::uint64_t> copy_to(const std::filesystem::path& to) const = 0;

  /// A `storage_corrupt` that names this file and an entry.
  [[nodiscard]] failure damaged(entry_index index, std::string_view what) const;

protected:
  void set_last(entry_index last) noexcept { last_.store(last.value, std::memory_order_release); }
  void set_path(std::filesystem::path path) { path_ = std::move(path); }

private:
  std::filesystem::path path_;
  entry_index first_;
  std::atomic<std::uint64_t> last_{0};
};

/// A segment that takes no more writes. It is read without LMDB, so that no damage of its file can
/// crash the node; each cursor's pages are checked as they are read.
class sealed_segment final : public segment {
public:
  /// Checks metas, size, identity and the outermost paths of the log.
  ///
  /// @param metas  Taken instead of the file's own.
  /// @errors storage_corrupt, format_newer, format_foreign, storage_failed
  /// @cost   About ten page reads.
  static result<std::shared_ptr<sealed_segment>> open(const std::filesystem::path& path,
                                                      shard_id shard, entry_index first,
                                                      const meta_page_bytes* metas = nullptr);

  [[nodiscard]] std::uint64_t used_bytes() const override { return file_.used_bytes(); }
  [[nodiscard]] result<std::unique_ptr<segment_snapshot>> snapshot() const override;
  result<std::uint64_t> copy_to(const std::filesystem::path& to) const override;

  [[nodiscard]] const page_file& pages() const noexcept { return file_; }
  [[nodiscard]] const segment_identity& identity() const noexcept { return identity_; }

private:
  sealed_segment(page_file file, const segment_identity& identity);
  result<void> find_bounds();

  page_file file_;
  segment_identity identity_;
  tree_root log_;
  tree_root index_;
};

/// Reads a segment's description of itself.
/// @errors As `decode_identity`, and storage_corrupt if there is none.
result<segment_identity> read_identity(const page_file& from);

} // namespace carafe::storage
