#pragma once

#include "storage/segment.hpp"

#include <optional>
#include <string>

namespace carafe::storage {

/// How far the entries of a segment are sound.
struct entry_check {
  /// The first one that is not.
  std::optional<entry_index> damaged;
  std::string what;
};

/// Checks index and CRC of every entry from `from` on.
/// @errors format_newer, storage_failed; damage is a result.
result<entry_check> check_entries(const sealed_segment& in, entry_index from);

} // namespace carafe::storage
