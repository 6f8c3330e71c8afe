#pragma once

/// What a segment's tables hold, and the names of a shard's files.

#include "storage/commit_log.hpp"
#include "storage/lmdb.hpp"
#include "storage/page_check.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace carafe::storage {

/// Number of the format of every file in a data directory.
///
/// Version n of Carafe reads formats n and n - 1 and writes n; it refuses newer ones with
/// `format_newer` and all others with `format_foreign`. Whoever raises this number keeps a golden
/// data directory of the format before in the tests, and the code that reads it, for one version.
inline constexpr std::uint32_t storage_format = 1;
inline constexpr std::uint32_t storage_format_oldest = 1;

/// @errors format_newer, format_foreign; the detail begins with `what`.
result<void> check_format(std::uint32_t format, const std::string& what);

// -- names -------------------------------------------------------------------------------------

/// "log-<first index, 20 digits>" + suffix.
[[nodiscard]] std::string segment_name(entry_index first, std::string_view suffix = ".mdb");

/// The first index in the name of a segment's main file, if it is one.
[[nodiscard]] std::optional<entry_index> parse_segment_name(std::string_view name);

// -- tables ------------------------------------------------------------------------------------

/// Positions in `segment_tables` and `segment_rules`.
enum segment_table : std::size_t { table_log = 0, table_index = 1, table_meta = 2 };

inline constexpr std::array<lmdb::table_spec, 3> segment_tables{{
  {"log", true},
  {"index", false},
  {"meta", false},
}};

/// Table `log`: entry index, as a native 64-bit integer -> stored entry.
inline constexpr std::size_t log_key_bytes = 8;
/// Table `index`: queue id and base offset, big-endian -> `index_value`.
inline constexpr std::size_t index_key_bytes = 16;

inline constexpr std::array<table_rule, 3> segment_rules{{
  {"log", true, log_key_bytes},
  {"index", false, index_key_bytes},
  {"meta", false, 0},
}};

using log_key = std::array<std::byte, log_key_bytes>;
[[nodiscard]] log_key encode_log_key(entry_index index) noexcept;
/// @pre key.size() == log_key_bytes
[[nodiscard]] entry_index decode_log_key(std::span<const std::byte> key) noexcept;

using index_key = std::array<std::byte, index_key_bytes>;
[[nodiscard]] index_key encode_index_key(queue_id queue, offset base) noexcept;

/// A row of table `index`:
///
///     0  u64 entry   8  i64 broker time   16  u32 count   20  u32 position of the batch among the
///     entry's batches   24  u32 CRC32C of the key and of what is before
inline constexpr std::size_t index_value_bytes = 28;
using index_value = std::array<std::byte, index_value_bytes>;

struct placed_row {
  index_row row;
  /// Among the entry's batches, from 0.
  std::uint32_t position = 0;
};

[[nodiscard]] index_value encode_index_value(const placed_row& row) noexcept;

/// @errors storage_corrupt  wrong size, CRC, or values that no row can have.
result<placed_row> decode_index_row(std::span<const std::byte> key,
                                    std::span<const std::byte> value);

/// Table `meta` has one row, key "segment":
///
///     0  "carafelg"   8  u32 format   12  u32 shard   16  u64 first index   24  u64 map size
///     32  u32 CRC32C of what is before
struct segment_identity {
  shard_id shard;
  entry_index first;
  std::uint64_t map_bytes = 0;
};

inline constexpr std::string_view identity_key = "segment";
inline constexpr std::size_t identity_bytes = 36;
using identity_value = std::array<std::byte, identity_bytes>;

[[nodiscard]] identity_value encode_identity(const segment_identity& identity) noexcept;

/// @param path  For the errors.
/// @errors format_newer, format_foreign, storage_corrupt
result<segment_identity> decode_identity(std::span<const std::byte> value,
                                         const std::filesystem::path& path);

} // namespace carafe::storage
