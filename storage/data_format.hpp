#pragma once

/// The file that says what a data directory is, and of which format.

#include <carafe/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace carafe::storage {

inline constexpr std::string_view format_name = "carafe.format";

struct data_format {
  /// Never 0; the same for ever, also in a copy.
  std::uint64_t node_id = 0;
  std::int64_t created_ms = 0;
};

/// Makes the file of a new directory, with a random node id.
/// @errors storage_full, storage_failed
result<data_format> make_format(const std::filesystem::path& folder);

/// … with this content; synced.
result<void> write_format(const std::filesystem::path& folder, const data_format& content);

/// @errors not_found, format_foreign, format_newer, storage_corrupt, storage_failed
result<data_format> read_format(const std::filesystem::path& folder);

} // namespace carafe::storage
