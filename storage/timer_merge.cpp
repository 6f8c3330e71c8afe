#include "storage/timer_merge.hpp"

#include "storage/timer_keys.hpp"

#include <carafe/shared_bytes.hpp>

#include <cstdint>
#include <limits>

namespace carafe::storage {

result<timer_merge> timer_merge::open(const lmdb::txn& in, lmdb::table rows,
                                      const timer_key& after) {
  timer_merge out;
  const auto begin = due_key(after);
  for (auto run = no_run;;) {
    auto cursor = in.open_cursor(rows);
    if (!cursor) return cursor.error();
    const auto key = big_endian(run) + begin;
    auto at = cursor->seek(as_bytes(key));
    if (at && *at && as_text((*at)->key) == key) at = cursor->next();
    if (!at) return at.error();
    if (!*at) break;
    const auto there = run_of(as_text((*at)->key));
    if (there != run) {
      run = there;
      continue;
    }
    out.heads_.push_back({std::move(*cursor), **at});
    if (run == std::numeric_limits<std::uint64_t>::max()) break;
    ++run;
  }
  for (std::size_t i = 0; i < out.heads_.size(); ++i) out.next_.push(out.place_of(i));
  return out;
}

timer_merge::place timer_merge::place_of(std::size_t at) const {
  return {due_of(as_text(heads_[at].at.key)), at};
}

std::optional<lmdb::entry_view> timer_merge::current() const {
  if (next_.empty()) return std::nullopt;
  return heads_[next_.top().second].at;
}

result<void> timer_merge::advance() {
  const auto at = next_.top().second;
  next_.pop();
  auto& from = heads_[at];
  auto row = from.rows.next();
  if (!row) return row.error();
  if (!*row || run_of(as_text((*row)->key)) != run_of(as_text(from.at.key))) return {};
  from.at = **row;
  next_.push(place_of(at));
  return {};
}

} // namespace carafe::storage
