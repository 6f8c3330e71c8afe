#pragma once

/// What the log and the checkpoint hold, as plain structs; `schema/log.capnp` is the stored shape.

#include "schema/delivery.hpp"
#include "schema/producer.hpp"
#include "schema/schedule.hpp"
#include "schema/timer.hpp"
#include "schema/transaction.hpp"

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe {

struct topic_settings {
  /// 0: the node's own retention.
  std::uint64_t retention_ms = 0;
  durability mode = durability::fsync;
  /// Of messages that say none; 0: they do not expire.
  std::uint64_t default_ttl_ms = 0;
  /// How long a message's id counts; 0: ids do not matter.
  std::uint64_t dedup_window_ms = 0;
  /// Quotas; 0: none.
  std::uint64_t produce_bytes_per_second = 0;
  std::uint64_t consume_bytes_per_second = 0;
  /// The last message of each key outlives retention.
  bool compacted = false;

  friend bool operator==(const topic_settings&, const topic_settings&) = default;
};

struct queue_place {
  queue_id queue;
  shard_id shard;

  friend bool operator==(const queue_place&, const queue_place&) = default;
};

struct topic_record {
  topic_id topic;
  std::string name;
  /// By queue number.
  std::vector<queue_place> queues;
  topic_settings settings;
  unix_ms created;

  friend bool operator==(const topic_record&, const topic_record&) = default;
};

struct group_record {
  group_id group;
  std::string name;
  std::string mode = "ordered";
  std::vector<std::string> topics;
  unix_ms created;
  /// Used by `shared` and `keyed` groups.
  delivery_settings delivery = {};
  /// Rises with each change of mode, topics, filter or settings.
  std::uint64_t version = 1;
  message_filter filter = {};
  /// Of a record of mode `member`: which are kept for it.
  std::vector<queue_id> queues = {};

  friend bool operator==(const group_record&, const group_record&) = default;
};

struct queue_record {
  topic_id topic;
  /// Earliest offset that can be read.
  offset start;
  /// Offset that the next message gets.
  offset next;
  /// Broker time of the last message; never falls.
  unix_ms last_time;
  /// Number of its next message for later; how many of them wait; and a sum over their keys, which
  /// says whether two folds have the same.
  std::uint64_t timers_next = 0;
  std::uint64_t timers_pending = 0;
  std::uint64_t timers_sum = 0;
  /// Its topic's, and so the next.
  std::uint64_t dedup_window_ms = 0;
  bool compacted = false;
  /// Of a compacted one: where it began when it became so. From there on the last message of each
  /// key is kept, whatever `start` says.
  offset kept_from;

  /// Earliest offset that a reader may ask for.
  [[nodiscard]] offset earliest() const noexcept { return compacted ? kept_from : start; }

  friend bool operator==(const queue_record&, const queue_record&) = default;
};

struct recent_batch {
  sequence first;
  std::uint32_t count = 0;
  offset base;
  unix_ms time;

  friend bool operator==(const recent_batch&, const recent_batch&) = default;
};

/// Of one producer on one queue.
struct producer_record {
  unix_ms last_time;
  sequence last;
  /// Oldest first, at most `producer_window`.
  std::vector<recent_batch> recent;

  friend bool operator==(const producer_record&, const producer_record&) = default;
};

/// A queue that each shard has of its own, and no topic: copies of what groups wait for, made
/// before retention drops it (docs/adr/0012-what-waits-is-copied-before-retention.md).
inline constexpr queue_id kept_messages{std::uint64_t{1} << 63};

/// Of batches that the node makes itself, such as dead letters: their entry is their guard.
inline constexpr producer_id no_producer{0};

/// Batches of one producer on one queue whose receipts are remembered; also the most that a
/// producer may have in flight on one queue.
inline constexpr std::size_t producer_window = 8;

struct progress_record {
  /// Everything below it was committed, or dealt with.
  offset next;
  unix_ms time;
  /// Of `shared` and `keyed` groups, ascending and apart: what was dealt with above `next`, and
  /// what consumers had.
  std::vector<offset_range> done = {};
  std::vector<offset_range> lent = {};
  /// Everything below was met, if that is above `next`: what is not done waits behind another of
  /// its key.
  offset read = {};

  friend bool operator==(const progress_record&, const progress_record&) = default;
};

struct catalogue_record {
  std::uint64_t next_id = 1;

  friend bool operator==(const catalogue_record&, const catalogue_record&) = default;
};

namespace effects {

struct batch {
  queue_id queue;
  offset base;
  std::uint32_t count = 0;
  producer_id producer;
  sequence first;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  shared_bytes bytes;
  /// Its messages wait for their times; `base` counts those of the queue.
  bool timed = false;
  /// Some message has a priority or a time to live of its own.
  bool ranked = false;
  /// Of a named producer. The log does not hold its epoch and `first`: they were checked.
  named_part named = {};
  /// What their ids come to, and how long they count; empty where ids do not matter.
  id_digests ids = {};
  std::uint64_t id_window_ms = 0;
  /// Of a transaction: producer and sequence name its messages, and are no retry's guard.
  bool transacted = false;

  /// Whether producer and sequence tell a retry of it.
  [[nodiscard]] bool guarded() const noexcept { return producer.value != 0 && !transacted; }
};
struct commit {
  /// `began`: where a group reads first.
  enum class reason : std::uint8_t { acknowledged = 0, began = 1, reset = 2 };
  group_id group;
  queue_id queue;
  offset next;
  reason why = reason::acknowledged;
};
struct queue_opened {
  queue_id queue;
  topic_id topic;
  std::uint64_t dedup_window_ms = 0;
  bool compacted = false;
};
struct queue_closed {
  queue_id queue;
};
struct queue_start {
  queue_id queue;
  offset start;
  /// It goes no further than to the first message that a group waits for. Those of earlier versions
  /// did.
  bool sparing = false;
};
struct topic_put {
  topic_record topic;
};
struct topic_deleted {
  topic_id topic;
};
struct group_put {
  group_record group;
};
struct group_deleted {
  group_id group;
};
struct progress_dropped {
  group_id group;
};

using effect =
  std::variant<batch, commit, queue_opened, queue_closed, queue_start, topic_put, topic_deleted,
               group_put, group_deleted, progress_dropped, settled, lent, waiting, timers_ended,
               timer_moved, kept, tx_prepared, tx_ended, tx_applied, producer_put, schedule_put,
               schedule_deleted, schedule_fired, returned>;

} // namespace effects

enum class entry_kind : std::uint8_t { command = 1, barrier = 2, change = 3 };

/// A log entry's fixed header. Its stored bytes (little-endian):
///
///     0  u32 crc32c of everything from byte 4 on
///     4  u8  entry format (1)      5  u8 kind      6  u16 zero
///     8  u64 index                16  u64 term    24  i64 broker time, Unix ms
///    32  u32 bytes of effects     36  u32 bytes of attachments
///    40  effects: one flat Cap'n Proto segment (`Effects`), or for `change` libraft's encoding
///        of the configuration, zero-padded to 8 bytes
///    ..  attachments, each zero-padded to 8 bytes
struct entry_header {
  entry_kind kind = entry_kind::command;
  entry_index index;
  carafe::term term;
  unix_ms time;
};

inline constexpr std::size_t entry_header_bytes = 40;

/// An entry encoded but for its header, which is known only when the shard submits it. The parts
/// are written one after another; batches are not copied.
struct encoded_entry {
  entry_header header;
  /// Effects (or configuration), padded to 8 bytes.
  std::vector<std::byte> effects;
  std::vector<shared_bytes> attachments;

  /// Size of the stored value.
  [[nodiscard]] std::size_t bytes() const noexcept;
};

struct decoded_entry {
  entry_header header;
  std::vector<effects::effect> effects;
  /// Of `change` entries.
  shared_bytes configuration;
};

[[nodiscard]] encoded_entry encode_entry(entry_header header,
                                         const std::vector<effects::effect>& effects);
[[nodiscard]] encoded_entry encode_change(entry_header header,
                                          std::span<const std::byte> configuration);

/// Writes the stored value into `out`.
/// @pre out.size() == entry.bytes(), out.data() 8-byte aligned
void write_entry(const encoded_entry& entry, std::span<std::byte> out);

/// Header only, CRC not checked.
/// @errors storage_corrupt  too short or lengths that do not add up.
///         format_newer     entry format above this version's.
result<entry_header> read_entry_header(std::span<const std::byte> stored);

/// Checks the CRC and decodes. Batches are views into `stored`.
/// @errors storage_corrupt (the detail names what), format_newer.
result<decoded_entry> decode_entry(const shared_bytes& stored);

/// Checks only the CRC and the lengths.
result<void> check_entry(std::span<const std::byte> stored);

/// Checkpoint rows: Cap'n Proto bytes of one record.
template <class Record>
[[nodiscard]] std::string encode_record(const Record& record);

/// @errors storage_corrupt
///         format_newer     an enumerator that this version does not know.
template <class Record>
result<Record> decode_record(std::string_view bytes);

// Defined for topic_record, group_record, queue_record, producer_record, progress_record,
// waiting_record, timer_record, latest_record, catalogue_record, half_batch, transaction_record,
// transaction_counts, transactions_applied, schedule_record, schedule_progress,
// named_producer_record, named_progress_record and stored_ids_record in schema/records.cpp.

} // namespace carafe
