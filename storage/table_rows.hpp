#pragma once

#include "storage/page_cursor.hpp"
#include "storage/page_file.hpp"
#include "storage/state_layout.hpp"

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>

#include <span>
#include <string>
#include <string_view>

namespace carafe::storage {

/// Reads every row of a table of sealed values, without LMDB, and calls `row` with key and value.
///
/// @pre The file's pages have been checked.
/// @errors storage_corrupt, with the file; what `row` says.
template <class Row>
result<void> for_each_row(const page_file& from, std::string_view table, Row row) {
  auto root = find_table(from, table);
  if (!root) return root.error();
  page_cursor rows{from, *root, false};
  auto there = rows.first();
  for (; there && *there; there = rows.next()) {
    std::string stored(rows.value_bytes(), '\0');
    if (auto done = rows.read_value(std::as_writable_bytes(std::span{stored})); !done)
      return done.error();
    auto value = open_value(as_text(rows.key()), stored);
    if (!value) return {value.code(), from.path().string() + ": " + value.error().detail};
    if (auto done = row(as_text(rows.key()), *value); !done) return done;
  }
  if (!there) return there.error();
  return {};
}

} // namespace carafe::storage
