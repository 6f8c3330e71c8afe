#pragma once

/// The structure of a whole file in LMDB's format, checked before LMDB may map it.

#include "storage/page_file.hpp"

#include <carafe/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace carafe::storage {

/// What is known beforehand of a table.
struct table_rule {
  std::string_view name;
  /// Keys are native 64-bit integers.
  bool integer_keys = false;
  /// Size of every key; 0: any.
  std::size_t key_bytes = 0;
};

/// Where a check stopped.
struct check_position {
  /// Last sound key of the first table with integer keys.
  std::optional<std::uint64_t> integer_key;
};

/// Walks every tree of the file from its roots: pages inside the file, reached once, with their own
/// number and a possible shape; nodes inside their page; keys ascending, between their separators;
/// counters and depths as recorded; free pages neither in use nor free twice. Values are not read.
///
/// @param position  Set, also on an error, if not null.
/// @errors storage_corrupt  names file and page.
/// @cost   Reads every branch and leaf page and the header of every overflow run; memory one bit a
///         page.
result<void> check_pages(const page_file& from, std::span<const table_rule> tables,
                         check_position* position = nullptr);

/// The root of a table, from the file's main tree.
/// @errors storage_corrupt  there is no such table.
result<tree_root> find_table(const page_file& from, std::string_view name);

} // namespace carafe::storage
