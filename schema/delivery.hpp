#pragma once

/// What a `shared` or `keyed` group did with single messages: docs/adr/0010 tells how these fold.

#include <carafe/priority.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace carafe {

/// `count` messages of one queue, from `first` on.
struct offset_range {
  offset first;
  std::uint64_t count = 0;

  [[nodiscard]] offset end() const { return first + count; }
  friend bool operator==(const offset_range&, const offset_range&) = default;
};

/// Which messages a group wants.
struct message_filter {
  enum class kind : std::uint8_t { none = 0, tags = 1, sql = 2 };
  kind how = kind::none;
  std::string text;

  friend bool operator==(const message_filter&, const message_filter&) = default;
};

/// A message that a group has met and not finished.
struct waiting_record {
  offset at;
  /// Deliveries that failed; 0: it only stands behind a message of its key.
  std::uint32_t attempts = 0;
  /// When it may be delivered again.
  unix_ms due;
  /// What the consumer gave as reason for the last failure, or what ended its lease.
  std::string error;
  /// Hash of its key in `keyed` groups; 0: none.
  std::uint64_t key = 0;
  /// It failed before it was read for its key: after a restart, or in a group that was not `keyed`.
  bool key_unknown = false;
  unix_ms first_failed;
  unix_ms last_failed;
  /// Of a redriven message, its dead letter, which has what is delivered; queue 0: itself.
  queue_id letter_queue;
  offset letter;
  /// Of a copy of a message that retention took, what its batch said; time 0: it is no copy.
  unix_ms stored;
  producer_id producer;
  sequence number;
  std::uint8_t priority = priority_default;

  friend bool operator==(const waiting_record&, const waiting_record&) = default;
};

/// Bytes of `waiting_record::error`; a longer text is cut.
inline constexpr std::size_t delivery_error_bytes_max = 512;

/// How a group of mode `shared` or `keyed` delivers.
struct delivery_settings {
  /// A delivery that is neither settled nor renewed for so long has failed.
  std::uint64_t lease_ms = 30'000;
  /// After so many failed deliveries a message is dead.
  std::uint32_t attempts_max = 16;
  /// Pause after the 1st, 2nd … failed delivery; the last one repeats.
  std::vector<std::uint64_t> backoff_ms = {
    10'000,  30'000,  60'000,  120'000, 180'000,   240'000,   300'000,   360'000,
    420'000, 480'000, 540'000, 600'000, 1'200'000, 1'800'000, 3'600'000, 7'200'000};
  /// Each pause is shortened at random by up to so much of it.
  std::uint32_t jitter_percent = 0;
  /// Messages that one consumer, or all of the group, may have at a time.
  std::uint32_t member_in_flight_max = 10'000;
  std::uint32_t in_flight_max = 100'000;
  /// Messages that wait for their next attempt, or behind one of their key; past it the group takes
  /// no new ones.
  std::uint32_t waiting_max = 100'000;
  /// Messages that expire become dead letters; otherwise they are dropped.
  bool expired_to_dead_letters = false;

  friend bool operator==(const delivery_settings&, const delivery_settings&) = default;
};

namespace effects {

/// These are done for good.
struct settled {
  enum class reason : std::uint8_t {
    acknowledged = 0,
    filtered = 1,
    expired = 2,
    /// A batch of the same entry has its letter.
    dead = 3,
    /// There was nothing left to deliver.
    gone = 4,
    /// Open dead letters, which retention was about to pass: a batch of the same entry, for the
    /// same queue, has them in this order.
    moved = 5,
  };
  group_id group;
  queue_id queue;
  std::vector<offset_range> ranges;
  reason why = reason::acknowledged;
};
/// These were given to a consumer.
struct lent {
  group_id group;
  queue_id queue;
  std::vector<offset_range> ranges;
  std::string member;
};
/// Consumers gave these back, which is no failure.
struct returned {
  group_id group;
  queue_id queue;
  std::vector<offset_range> ranges;
};
/// Puts the row of one message; it left the main line.
struct waiting {
  group_id group;
  queue_id queue;
  waiting_record row;
};
/// These stay for the group when retention passes them: their rows say where copies are. Those that
/// are dealt with meanwhile change nothing.
struct kept {
  /// As `read`: the queue is for the group's dead letters, and all of them wait.
  static constexpr offset all_letters{~std::uint64_t{0}};

  group_id group;
  queue_id queue;
  /// The group has met everything below; what is not done there waits.
  offset read;
  std::vector<waiting_record> rows;
};

} // namespace effects

} // namespace carafe
