#pragma once

/// An older segment's index of keys, in `log-<first>.keys`: docs/adr/0019 tells why it is so.

#include "schema/records.hpp"
#include "storage/file.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace carafe::storage {

/// 32 bits of a key's hash in the upper half; in the lower the number of an entry that has a batch
/// with it, counted from the segment's first.
using key_row = std::uint64_t;

/// What rows know of a key in a queue.
[[nodiscard]] std::uint32_t hash_of_key(queue_id queue, std::string_view key) noexcept;

/// Calls `take` with each message that has a key, by its number within the batch. A batch that
/// cannot be read has none.
/// @cost One decoding of the batch.
void visit_keys(const effects::batch& batch,
                const std::function<void(std::uint32_t, std::string_view)>& take);

/// Which segment a file was built from, and that it has not changed since.
struct key_source {
  shard_id shard;
  entry_index first;
  entry_index last;
  /// The last entry's own checksum; its term and index are in it.
  std::uint32_t checksum = 0;

  friend bool operator==(const key_source&, const key_source&) = default;
};

/// Sorted rows of one stretch of the segment.
struct key_run {
  std::uint64_t first_page = 0;
  std::uint64_t pages = 0;
  std::uint64_t rows = 0;
  entry_index first;
  entry_index last;

  friend bool operator==(const key_run&, const key_run&) = default;
};

/// The file, little-endian. Pages of 4096 bytes:
///
///     0  u32 CRC32C of what follows   4  u32 rows   8  u64 row ...
///
/// and behind the last one the directory:
///
///     0  "carafeke"   8  u32 format   12  u32 shard   16  u64 first   24  u64 last index
///     32  u32 last entry's checksum   36  u32 runs   40  u64 rows that a run may have
///     48  of each run: u64 first page, pages, rows, first and last entry ...
///     ..  u32 CRC32C of the directory before   ..  u32 bytes of the directory with both
inline constexpr std::size_t key_page_bytes = 4096;
inline constexpr std::size_t key_page_rows = (key_page_bytes - 8) / sizeof(key_row);

/// @param segment  Path of the segment.
[[nodiscard]] std::filesystem::path key_file_path(std::filesystem::path segment);

class key_file {
public:
  /// Reads the directory and checks that the file was built from `source`.
  /// @errors not_found, storage_corrupt, format_foreign, format_newer, storage_failed
  static result<std::shared_ptr<const key_file>> open(const std::filesystem::path& segment,
                                                      const key_source& source);

  /// Entries from `first` to `last` that probably have a batch with the key, ascending, at most
  /// `count_max`; if these are fewer, there are no more.
  /// @errors storage_corrupt  a page is damaged.
  /// @cost   A binary search in each run: about 15 reads of a page.
  result<std::vector<entry_index>> candidates(std::uint32_t hash, entry_index first,
                                              entry_index last, std::size_t count_max) const;

  [[nodiscard]] const std::vector<key_run>& runs() const noexcept { return runs_; }
  /// The most that a run has; the segment is built anew with it to be compared.
  [[nodiscard]] std::uint64_t run_rows_max() const noexcept { return run_rows_max_; }
  [[nodiscard]] std::uint64_t rows() const noexcept;

  /// All rows of a run, for a comparison.
  result<std::vector<key_row>> read_run(const key_run& run) const;

private:
  key_file(file from, const key_source& source) : file_(std::move(from)), source_(source) {}
  result<void> read_directory();
  result<void> read_page(std::uint64_t page, std::vector<key_row>& rows) const;
  result<void> find_in(const key_run& run, key_row from, key_row to, std::size_t count_max,
                       std::vector<entry_index>& found) const;
  [[nodiscard]] failure damaged(std::string_view what) const;

  file file_;
  key_source source_;
  std::uint64_t run_rows_max_ = 0;
  std::vector<key_run> runs_;
};

/// Writes a file, run by run, under another name; `finish` puts it in place. It is not synced: what
/// a power failure leaves of it is found to be damaged, and built anew.
class key_file_writer {
public:
  static result<key_file_writer> begin(const std::filesystem::path& segment);

  /// @pre `rows` are not empty, and ascending.
  result<void> add(const std::vector<key_row>& rows, entry_index first, entry_index last);
  result<void> finish(const key_source& source, std::uint64_t run_rows_max);

  /// The name under which the file is written.
  [[nodiscard]] static std::filesystem::path unfinished_path(const std::filesystem::path& segment);

private:
  key_file_writer(file to, std::filesystem::path segment)
    : file_(std::move(to)), segment_(std::move(segment)) {}

  file file_;
  std::filesystem::path segment_;
  std::vector<key_run> runs_;
  std::uint64_t pages_ = 0;
};

} // namespace carafe::storage
