#pragma once

/// Checksums of a sealed segment's pages, in `log-<first>.sum`.

#include "storage/page_file.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace carafe::storage {

/// Pages are summed in runs of this many bytes.
inline constexpr std::size_t sum_chunk_bytes = 64 * 1024;

/// The file, little-endian:
///
///     0  "carafesu"   8  u32 format   12  u32 bytes a chunk   16  u64 bytes summed
///     24  u64 first index   32  u64 last index   40  u32 CRC32C of each chunk ...
///     ..  u32 CRC32C of everything before
struct page_sums {
  std::uint64_t bytes = 0;
  entry_index first;
  entry_index last;
  std::vector<std::uint32_t> chunks;
};

/// @param segment  Path of the segment; the sums lie next to it.
/// @returns Nothing if there are none.
/// @errors storage_corrupt, format_newer, format_foreign
result<std::optional<page_sums>> load_page_sums(const std::filesystem::path& segment);

/// On stable storage when it returns.
result<void> store_page_sums(const std::filesystem::path& segment, const page_sums& sums);

result<void> remove_page_sums(const std::filesystem::path& segment);

/// Sums a segment up step by step, so that a writer can do it between its writes.
class page_summing {
public:
  page_summing(entry_index first, entry_index last) {
    sums_.first = first;
    sums_.last = last;
  }

  /// Goes on by about `bytes`.
  /// @returns Whether the whole file is summed up.
  result<bool> advance(const page_file& from, std::uint64_t bytes);
  [[nodiscard]] const page_sums& sums() const noexcept { return sums_; }

private:
  page_sums sums_;
  std::vector<std::byte> buffer_;
};

/// @errors storage_corrupt  names the first run of pages that differs.
result<void> check_page_sums(const page_file& from, const page_sums& sums);

} // namespace carafe::storage
