#pragma once

/// A segment's queue index, row by row.

#include "storage/log_reading.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace carafe::storage {

/// A segment's queue index, opened.
struct open_index {
  std::unique_ptr<segment_snapshot> state;
  std::unique_ptr<table_cursor> rows;

  static result<open_index> of(const segment& in) {
    auto state = in.snapshot();
    if (!state) return state.error();
    auto rows = (*state)->open(table_index);
    if (!rows) return rows.error();
    return open_index{std::move(*state), std::move(*rows)};
  }
};

/// The rows of one queue in one segment.
class queue_rows {
public:
  queue_rows(table_cursor& rows, queue_id queue) : rows_(rows), queue_(queue) {}

  /// The first row that does not begin before `from`.
  result<std::optional<placed_row>> at_or_after(offset from) {
    auto there = rows_.seek(encode_index_key(queue_, from));
    if (!there) return there.error();
    return here(*there);
  }

  result<std::optional<placed_row>> last() {
    auto there = seek_last_row(rows_, queue_);
    if (!there) return there.error();
    return here(*there);
  }

private:
  result<std::optional<placed_row>> here(bool there) {
    if (!there) return std::optional<placed_row>{};
    auto row = read_row(rows_);
    if (!row) return row.error();
    if (row->row.queue != queue_) return std::optional<placed_row>{};
    return std::optional{*row};
  }

  table_cursor& rows_;
  queue_id queue_;
};

/// The first row between `low` and `high` for which `holds`, which is so for `high` and, once it
/// is, for all later rows.
template <class Predicate>
result<placed_row> bisect(queue_rows& rows, placed_row low, placed_row high, Predicate holds) {
  auto from = low.row.base.value;
  auto until = high.row.base.value;
  while (from < until) {
    auto middle = from + (until - from) / 2;
    auto row = rows.at_or_after(offset{middle});
    if (!row) return row.error();
    if (!*row) return {errc::storage_corrupt, "an index row cannot be found again"};
    if (holds((*row)->row))
      until = middle;
    else
      from = std::max(middle + 1, (*row)->row.base.value + 1);
  }
  auto row = rows.at_or_after(offset{until});
  if (!row) return row.error();
  if (!*row) return {errc::storage_corrupt, "an index row cannot be found again"};
  return **row;
}

} // namespace carafe::storage
