#pragma once

#include "schema/offset_set.hpp"
#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace carafe::core {

/// What one `shared` or `keyed` group did with one queue's messages, folded from its effects
/// (docs/adr/0010-deliveries-are-folded-too.md).
///
/// An offset is *finished* when it is below `next()` or in `done()`, and has no waiting row.
///
/// @invariant No offset of `done()` is below or at `next()`; a waiting row's offset is below
///            `next()` or in `done()`.
class delivery_progress {
public:
  explicit delivery_progress(offset next = {}) : next_(next) {}
  /// From a checkpoint; rows follow by `restore`.
  explicit delivery_progress(const progress_record& row)
    : next_(row.next), read_(row.read), done_(row.done), lent_(row.lent) {}

  /// These are done for good.
  /// @returns Offsets whose waiting rows went.
  std::vector<offset> settle(const std::vector<offset_range>& ranges);
  /// A consumer was given these.
  void lend(const std::vector<offset_range>& ranges);
  /// It does not have them any more, and is not done with them.
  void give_back(const std::vector<offset_range>& ranges);
  /// One message leaves the main line. Nobody has it then.
  void put(const waiting_record& row);
  /// One that was brought back. It may be lent, after a reset of the group: it stays so.
  void revive(const waiting_record& row);
  /// A row that a checkpoint held: its message was met before.
  void restore(const waiting_record& row) { set(row); }
  /// Everything below `read` was met: what is not done there waits.
  void reach(offset read) { read_ = std::max(read_, read); }
  /// A message that is not finished has a copy, where `row` says.
  /// @returns Whether that changed anything.
  bool keep(const waiting_record& row);
  /// What is below is gone, but for what has a copy or a letter.
  /// @returns Offsets whose waiting rows went.
  std::vector<offset> start_at(offset start);

  /// Whether the group waits for it: it was met, or something behind it was, and it is not done.
  [[nodiscard]] bool holds(offset at) const;
  /// What the group waits for in the queue itself, below `end`, ascending: lent, waiting, or behind
  /// another of its key.
  [[nodiscard]] std::vector<offset_range> held(offset end) const;
  /// Where the first letter in `queue` is that a waiting row needs, and the row's offset.
  [[nodiscard]] std::optional<std::pair<offset, offset>> letter_from(queue_id queue,
                                                                     offset from) const;
  [[nodiscard]] bool has_letters() const noexcept { return !letters_.empty(); }
  /// Whether the queue has the group's own dead letters: what is not done there is open.
  [[nodiscard]] bool of_letters() const noexcept { return read_ == effects::kept::all_letters; }

  [[nodiscard]] offset next() const noexcept { return next_; }
  [[nodiscard]] const offset_set& done() const noexcept { return done_; }
  [[nodiscard]] const offset_set& lent() const noexcept { return lent_; }
  [[nodiscard]] const std::map<offset, waiting_record>& waiting() const noexcept {
    return waiting_;
  }
  /// Of one message; nullptr: it has no row.
  [[nodiscard]] const waiting_record* row(offset at) const {
    const auto found = rows_from(at);
    return found != waiting_.end() && found->first == at ? &found->second : nullptr;
  }
  /// Of the messages in `range`.
  /// @cost O(1) if all are older, as they are where most is done at once.
  [[nodiscard]] auto rows(offset_range range) const {
    const auto first = rows_from(range.first);
    auto last = first;
    while (last != waiting_.end() && last->first < range.end()) ++last;
    return std::ranges::subrange(first, last);
  }
  /// Whether `next()` says it all.
  [[nodiscard]] bool plain() const noexcept {
    return done_.empty() && lent_.empty() && waiting_.empty() && read_ <= next_;
  }
  /// 0: no further than `next()`.
  [[nodiscard]] offset read() const noexcept { return read_ > next_ ? read_ : offset{}; }
  /// Whether it was met, finished or not.
  [[nodiscard]] bool met(offset at) const { return at < next_ || done_.contains(at); }
  [[nodiscard]] bool finished(offset at) const { return met(at) && !waiting_.contains(at); }

private:
  using row_map = std::map<offset, waiting_record>;

  void meet(offset_range range);
  void set(const waiting_record& row);
  row_map::iterator erase(row_map::iterator row);
  [[nodiscard]] row_map::const_iterator rows_from(offset at) const {
    if (waiting_.empty() || waiting_.rbegin()->first < at) return waiting_.end();
    return waiting_.lower_bound(at);
  }

  offset next_;
  offset read_;
  offset_set done_;
  offset_set lent_;
  row_map waiting_;
  /// Of rows with a letter: where that is, and the row.
  std::set<std::tuple<queue_id, offset, offset>> letters_;
};

} // namespace carafe::core
