#pragma once

#include "actors/core/shard_state.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <variant>

namespace carafe::core {

/// A validated batch that wants an offset.
struct batch_request {
  queue_id queue;
  producer_id producer;
  sequence first;
  sequence previous;
  std::uint32_t count = 0;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  shared_bytes bytes;
  /// Its messages are for later.
  bool timed = false;
  /// Some have a priority or a time to live of their own.
  bool ranked = false;
};

/// New: to be submitted as this effect.
struct stamp_fresh {
  effects::batch effect;
};
/// Already committed; nothing is to be submitted.
struct stamp_committed {
  offset base;
  std::uint32_t count = 0;
  unix_ms time;
};
/// The same batch is in flight as entry `index`: answer when that one is answered.
struct stamp_joins {
  entry_index index;
  offset base;
};

using stamp = std::variant<stamp_fresh, stamp_committed, stamp_joins>;

/// Stamps offsets and checks producers' sequences at submit, against what is committed plus what
/// is in flight.
///
/// @invariant For every queue, bases of fresh batches are dense: each begins where the one before
///            (in flight, or else committed) ends.
class submit_window {
public:
  /// @param producers_max Rows of (producer, queue), committed and in flight together.
  submit_window(const shard_state& committed, std::size_t producers_max);

  /// Decides about one batch. A fresh one must be submitted at once and reported by `submitted`.
  /// @errors queue_unknown, invalid_argument (producer, sequence or count of 0, overflow),
  ///         producer_unknown (previous != 0 of a producer not known here),
  ///         sequence_gap, duplicate_too_old, too_many_producers,
  ///         too_many_requests (`producer_window` batches of this producer are in flight: with one
  ///         more, a retry of the oldest might find its receipt forgotten).
  result<stamp> check(const batch_request& request) const;

  /// The offset for a batch of the node's own (`no_producer`), which no sequence guards.
  /// @errors queue_unknown
  result<offset> next_of(queue_id queue) const;

  /// `effect` is now in flight as entry `index`.
  void submitted(const effects::batch& effect, entry_index index);

  /// Call right after `shard_state::apply` of an entry that held `effect`.
  void applied(const effects::batch& effect);

  /// Forgets what is in flight (leadership or the log's tail was lost).
  void clear();

private:
  struct queue_flight {
    offset next;
    std::uint32_t entries = 0;
  };
  struct batch_flight {
    sequence first;
    std::uint32_t count = 0;
    offset base;
    entry_index index;
  };

  [[nodiscard]] result<stamp> check_sequence(const batch_request& request,
                                             const queue_record& queue) const;
  [[nodiscard]] offset next_offset(queue_id queue, const queue_record& record, bool timed) const;
  [[nodiscard]] auto& flights(bool timed) { return timed ? timers_ : queues_; }
  [[nodiscard]] bool producers_full() const;

  const shard_state* committed_;
  std::size_t producers_max_;
  std::unordered_map<queue_id, queue_flight> queues_;
  /// Of messages for later, which are counted apart.
  std::unordered_map<queue_id, queue_flight> timers_;
  /// What each producer has in flight, oldest first; never empty.
  std::unordered_map<producer_key, std::deque<batch_flight>> producers_;
};

} // namespace carafe::core
