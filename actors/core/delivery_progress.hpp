#pragma once

#include "schema/offset_set.hpp"
#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <map>
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
    : next_(row.next), done_(row.done), lent_(row.lent) {}

  /// These are done for good.
  /// @returns Offsets whose waiting rows went.
  std::vector<offset> settle(const std::vector<offset_range>& ranges);
  /// A consumer was given these.
  void lend(const std::vector<offset_range>& ranges);
  /// One message leaves the main line.
  void put(const waiting_record& row);
  /// A row that a checkpoint held: its message was met before.
  void restore(const waiting_record& row) { waiting_[row.at] = row; }
  /// What is below is gone.
  /// @returns Offsets whose waiting rows went.
  std::vector<offset> start_at(offset start);

  [[nodiscard]] offset next() const noexcept { return next_; }
  [[nodiscard]] const offset_set& done() const noexcept { return done_; }
  [[nodiscard]] const offset_set& lent() const noexcept { return lent_; }
  [[nodiscard]] const std::map<offset, waiting_record>& waiting() const noexcept {
    return waiting_;
  }
  /// Whether `next()` says it all.
  [[nodiscard]] bool plain() const noexcept {
    return done_.empty() && lent_.empty() && waiting_.empty();
  }
  /// Whether it was met, finished or not.
  [[nodiscard]] bool met(offset at) const { return at < next_ || done_.contains(at); }
  [[nodiscard]] bool finished(offset at) const { return met(at) && !waiting_.contains(at); }

private:
  void meet(offset_range range);

  offset next_;
  offset_set done_;
  offset_set lent_;
  std::map<offset, waiting_record> waiting_;
};

} // namespace carafe::core
