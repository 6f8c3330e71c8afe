#pragma once

#include "actors/client/ack_tracker.hpp"
#include "actors/client/queue_name.hpp"
#include "schema/batch.hpp"
#include "schema/frame.hpp"

#include <carafe/consumer.hpp>

#include <deque>
#include <optional>
#include <vector>

namespace carafe::client {

/// What came of one queue and was not handed out yet: whole batches, decoded as they are read.
///
/// The node may be this source's `credit_bytes` ahead. A batch's bytes are given back as credit
/// when its last message was handed out, or when it was dropped; in portions of at least half the
/// credit, so that small batches do not cost a frame each.
///
/// Pure. Not thread-safe.
class source {
public:
  source(queue_name name, std::uint32_t credit_bytes);

  /// Reading goes on at `begin`. What is buffered is dropped.
  void begin_at(offset begin);
  /// Takes a delivered batch in. What only tells that messages were left out counts at once if
  /// nothing waits before it; `acks` learns of them.
  /// @errors internal  messages between the last batch and this one are missing, or what it says of
  ///                   those that were left out makes no sense.
  result<void> take_in(frames::deliver&& batch, ack_tracker* acks = nullptr);
  /// A batch that is not wanted any more.
  void refuse(const frames::deliver& batch) { due_ += batch.batch.size(); }
  void drop();
  /// The node forgot this subscription and its credit.
  void forget_credit() noexcept { due_ = 0; }

  [[nodiscard]] bool has_more() const noexcept { return !inbox_.empty(); }
  /// Hands out up to `max` messages of the first batch, skipping those that `acks` knows as done;
  /// it learns of those that were left out.
  /// @returns Whether that batch is finished.
  /// @errors checksum_mismatch, batch_malformed, batch_too_large, message_too_large, codec_unknown.
  result<bool> hand_out(std::size_t max, ack_tracker* acks, std::vector<delivery>& out);
  /// Credit to return now, 0 for none.
  std::uint32_t take_credit() noexcept;
  /// All that is to be returned, however little.
  std::uint32_t take_all_credit() noexcept;

  [[nodiscard]] const queue_name& name() const noexcept { return name_; }
  /// Offset that would be handed out next.
  [[nodiscard]] offset next() const noexcept { return next_; }

private:
  result<void> open_first();
  void finish_first();
  void put_out(const message_view& view, const frames::deliver& batch, carafe::offset at,
               std::vector<delivery>& out) const;
  /// Everything below `to` is behind us.
  void pass(carafe::offset to, ack_tracker* acks);

  queue_name name_;
  std::uint64_t credit_bytes_;
  offset next_;
  /// Where the next delivered batch may begin at most.
  offset fetched_;
  std::deque<frames::deliver> inbox_;
  /// Of the first batch: what it holds, and where in its ranges we are.
  struct opened_batch {
    batch_reader reader;
    std::vector<offset_range> ranges;
    std::size_t range = 0;
    /// Messages in the ranges before.
    std::uint64_t before = 0;
  };
  std::optional<opened_batch> opened_;
  std::uint64_t due_ = 0;
};

} // namespace carafe::client
