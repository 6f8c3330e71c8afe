#pragma once

/// The last synced state of a segment that is written without syncs, in `log-<first>.meta`.
///
/// Without syncs LMDB's newer meta pages can reach the disk before the pages they point to. After
/// a power failure the metas kept here are put back; the pages that they point to are on the disk
/// and were not reused, because the writer pins that state (`active_segment`).

#include "storage/page_file.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace carafe::storage {

struct synced_mark {
  /// LMDB's number of the transaction.
  std::uint64_t txn = 0;
  /// Its last entry.
  entry_index last;
  /// Of the machine run in which it was written.
  std::string boot_id;
  /// Nothing was written after it: the log was closed.
  bool clean = false;
};

struct synced_record {
  synced_mark mark;
  meta_page_bytes metas;
};

/// "log-<first>.meta" next to "log-<first>.mdb".
[[nodiscard]] std::filesystem::path synced_meta_path(const std::filesystem::path& segment);

/// Two slots, written in turns, so that a torn write costs only the newest:
///
///     0  "carafesm"   8  u32 format   12  u32 clean   16  u64 sequence   24  u64 transaction
///     32  u64 last entry   40  boot id, 40 bytes, zero-padded
///     80  u32 CRC32C of the 80 bytes before and of both meta pages
///     4096  both meta pages
class synced_meta_file {
public:
  /// Opens or makes the file; it is durable when this returns, but may hold nothing.
  static result<synced_meta_file> open(const std::filesystem::path& path);

  /// On stable storage when it returns.
  /// @pre record.mark.boot_id.size() <= 40
  result<void> write(const synced_record& record);

private:
  synced_meta_file(file f, std::uint64_t sequence) : file_(std::move(f)), sequence_(sequence) {}

  file file_;
  std::uint64_t sequence_;
};

/// The newest sound record.
/// @returns Nothing if there is no file, or a file in which nothing was written yet.
/// @errors storage_corrupt  no slot is sound.
///         format_newer, format_foreign
result<std::optional<synced_record>> load_synced_meta(const std::filesystem::path& path);

/// The machine's boot id, from the kernel; the same until it is started again.
result<std::string> current_boot_id();

} // namespace carafe::storage
