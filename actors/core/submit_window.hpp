#pragma once

#include "actors/core/shard_state.hpp"
#include "schema/producer_frames.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

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
  /// Of a named producer.
  named_part named = {};
  /// Of each message, if any has an id.
  id_digests ids = {};
  /// Some message has no key.
  bool keyless = false;
};

/// Ids that a shard remembers, stored and in flight together.
inline constexpr std::size_t ids_per_shard_max = 1'000'000;

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

/// Nothing of it is stored: these of its messages are stored already, or will be as soon as entry
/// `after` is applied (0: all are).
struct stamp_repeated {
  std::vector<frames::duplicate> messages;
  entry_index after;
};

using stamp = std::variant<stamp_fresh, stamp_committed, stamp_joins, stamp_repeated>;

/// Stamps offsets and checks producers' sequences at submit, against what is committed plus what
/// is in flight.
///
/// @invariant For every queue, bases of fresh batches are dense: each begins where the one before
///            (in flight, or else committed) ends.
class submit_window {
public:
  /// @param producers_max Rows of (producer, queue), committed and in flight together; and as many
  ///        of (name, queue).
  submit_window(const shard_state& committed, std::size_t producers_max,
                std::size_t ids_max = ids_per_shard_max);

  /// Decides about one batch. A fresh one must be submitted at once and reported by `submitted`.
  /// @param now The time that its entry would have: ids count up to theirs.
  /// @errors producer_fenced (of a name, opened since or forgotten), too_many_ids, queue_unknown,
  ///         key_required (the queue is compacted),
  /// invalid_argument (producer, sequence or count of 0, overflow),
  ///         producer_unknown (previous != 0 of a producer not known here),
  ///         sequence_gap, duplicate_too_old, too_many_producers,
  ///         too_many_requests (`producer_window` batches of this producer are in flight: with one
  ///         more, a retry of the oldest might find its receipt forgotten).
  result<stamp> check(const batch_request& request, unix_ms now = {}) const;

  /// The offset for a batch of the node's own (`no_producer`), which no sequence guards.
  /// @errors queue_unknown
  result<offset> next_of(queue_id queue) const;

  /// `effect` is now in flight as entry `index`.
  void submitted(const effects::batch& effect, entry_index index);

  void submitted(const effects::producer_put& effect);

  /// Call right after `shard_state::apply` of an entry that held `effect`.
  void applied(const effects::batch& effect);
  void applied(const effects::producer_put& effect);

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

  // -- submit_names.cpp --------------------------------------------------------------------------
  /// Whether this holder of the name may send at all.
  [[nodiscard]] result<void> check_holder(const named_part& named, std::uint32_t count) const;
  /// Of a batch that is new as far as its producer id goes.
  [[nodiscard]] result<void> check_named(const batch_request& request) const;
  [[nodiscard]] result<void> check_ids(const batch_request& request) const;
  [[nodiscard]] stamp_repeated repeated(const batch_request& request, unix_ms now) const;
  void submitted_parts(const effects::batch& effect, entry_index index);
  void applied_parts(const effects::batch& effect);

  const shard_state* committed_;
  std::size_t producers_max_;
  std::unordered_map<queue_id, queue_flight> queues_;
  /// Of messages for later, which are counted apart.
  std::unordered_map<queue_id, queue_flight> timers_;
  /// What each producer has in flight, oldest first; never empty.
  std::unordered_map<producer_key, std::deque<batch_flight>> producers_;

  struct name_flight {
    /// Nothing: forgotten.
    std::optional<std::uint32_t> epoch;
    std::uint32_t entries = 0;
  };
  struct named_flight {
    sequence last;
    std::uint32_t entries = 0;
  };
  struct id_flight {
    entry_index index;
    offset at;
    bool timed = false;
  };
  std::size_t ids_max_;
  std::map<producer_name_id, name_flight> holders_;
  std::map<named_key, named_flight> named_;
  std::unordered_map<queue_id, std::unordered_map<id_digest, id_flight>> ids_;
  std::size_t ids_in_flight_ = 0;
};

} // namespace carafe::core
