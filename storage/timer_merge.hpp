#pragma once

#include "schema/timer.hpp"
#include "storage/lmdb.hpp"

#include <carafe/result.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::storage {

/// Rows of the waiting messages behind one, of all runs, in the order of their times.
class timer_merge {
public:
  /// @param in   Reads only, and outlives this.
  /// @param rows Keys as `row_key`.
  /// @cost  A look into each run.
  static result<timer_merge> open(const lmdb::txn& in, lmdb::table rows, const timer_key& after);

  /// Nothing: that was all.
  [[nodiscard]] std::optional<lmdb::entry_view> current() const;
  /// @pre There is a current one.
  result<void> advance();

private:
  struct head {
    lmdb::cursor rows;
    lmdb::entry_view at;
  };
  /// Key without its run, position in `heads_`.
  using place = std::pair<std::string_view, std::size_t>;

  [[nodiscard]] place place_of(std::size_t at) const;

  /// One a run.
  std::vector<head> heads_;
  std::priority_queue<place, std::vector<place>, std::greater<>> next_;
};

} // namespace carafe::storage
