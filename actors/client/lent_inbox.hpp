#pragma once

#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "schema/offset_set.hpp"

#include <carafe/message.hpp>

#include <deque>
#include <optional>
#include <vector>

namespace carafe::client {

/// Messages that were lent to a member and not handed out yet, in order of arrival; decoded as they
/// are read.
///
/// The node may be `credit_bytes` ahead, over all queues. A batch's bytes are given back when its
/// last message was handed out; in portions of at least half the credit, so that small batches do
/// not cost a frame each.
///
/// Pure. Not thread-safe.
class lent_inbox {
public:
  explicit lent_inbox(std::uint32_t credit_bytes) : credit_bytes_(credit_bytes) {}

  /// Credit for a subscription that begins now: what is here from an earlier one takes part of it.
  [[nodiscard]] std::uint32_t begin_credit();

  /// @param fresh  Those of `batch.ranges` that are to be handed out, ascending.
  void take_in(frames::leased&& batch, const std::vector<offset_range>& fresh);
  /// These are not handed out any more.
  void drop(queue_id queue, const std::vector<offset_range>& ranges);
  void clear();

  [[nodiscard]] bool has_more() const noexcept { return !batches_.empty(); }
  /// Hands out up to `max` messages of the first batch.
  /// @returns Whether that batch is finished.
  /// @errors Those of `open_delivered`; the batch stays, for `drop_first`.
  result<bool> hand_out(std::size_t max, std::vector<delivery>& out);
  /// Drops the first batch. @returns Its frame.
  frames::leased drop_first();
  /// Credit to return now, 0 for none.
  std::uint32_t take_credit() noexcept;

private:
  struct lent_batch {
    frames::leased what;
    /// The messages that `what.batch` has.
    std::vector<offset_range> inside;
    /// Of these, those not to be handed out.
    offset_set dropped;
  };

  result<void> open_first();
  void put_out(const lent_batch& batch, offset at, std::vector<delivery>& out) const;
  void finish_first();

  std::uint32_t credit_bytes_;
  std::uint64_t due_ = 0;
  /// Of `batches_`.
  std::uint64_t bytes_ = 0;
  std::deque<lent_batch> batches_;
  std::optional<batch_reader> reader_; // Of the first batch.
  // Where reading it goes on: number of the message, of its range, and place in that one.
  std::uint32_t index_ = 0;
  std::size_t range_ = 0;
  std::uint64_t in_range_ = 0;
};

} // namespace carafe::client
