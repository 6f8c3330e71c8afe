#pragma once

#include "schema/producer.hpp"

#include <carafe/priority.hpp>
#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe {

/// What one batch may be; from the node's settings or from its `welcome`.
struct batch_limits {
  /// Body + key + tag + properties of one message, bytes.
  std::uint32_t message_bytes_max = 4u << 20;
  /// Messages in one batch.
  std::uint32_t batch_count_max = 65'536;
  /// Encoded size of a whole batch after decompression, bytes.
  std::uint32_t batch_bytes_max = 8u << 20;
};

/// One message, as views that live as long as the batch they point into (or the caller's buffers).
struct message_view {
  std::string_view key;
  std::string_view body;
  std::string_view tag;
  std::span<const std::pair<std::string_view, std::string_view>> properties;
  unix_ms born{};
  std::uint8_t priority = priority_default;
  /// How long after it was stored it is worth delivering; 0: always.
  std::uint64_t ttl_ms = 0;
  /// When it is to be delivered, Unix ms; below 0: so many ms after it is stored; 0: at once.
  std::int64_t deliver_at = 0;
  /// Where its topic has a dedup window, a message of an id that was stored in its queue within
  /// this window is not stored again. At most 255 bytes; empty: none.
  std::string_view dedup_id = {};
};

/// What the node remembers of an id: SipHash-2-4 of 128 bits, of a key that never changes.
[[nodiscard]] id_digest digest_of(std::string_view dedup_id) noexcept;

/// The latest time of delivery, and the longest time to live: in the year 9999.
inline constexpr std::int64_t message_time_max = 253'402'300'799'999;

/// A batch ready to be sent: encoded, compressed and checksummed.
struct encoded_batch {
  shared_bytes bytes;
  std::uint32_t count = 0;
  codec compression = codec::none;
  /// CRC32C of `bytes`.
  std::uint32_t checksum = 0;
  /// Some message has a priority or a time to live of its own.
  bool ranked = false;
};

/// Collects messages in columns and encodes them as one Cap'n Proto message.
///
/// @thread One at a time.
class batch_builder {
public:
  explicit batch_builder(batch_limits limits = {});
  ~batch_builder();
  batch_builder(batch_builder&&) noexcept;
  batch_builder& operator=(batch_builder&&) noexcept;

  /// Adds a copy of `message`.
  /// @errors Nothing is added then.
  ///         message_too_large  over `message_bytes_max`, or too large for a batch of its own.
  ///         batch_too_large    the batch is full (bytes, messages, 65535 names, or times more than
  ///                            49 days apart); finish it and begin the next.
  ///         invalid_argument   a tag or property name over 255 bytes or not UTF-8, a property
  ///                            without a name, a priority, time to live or time of delivery out of
  ///                            range, an id over 255 bytes, or a time of delivery beside messages
  ///                            that have none.
  result<void> add(const message_view& message);

  [[nodiscard]] std::uint32_t count() const noexcept;
  /// Upper estimate of the encoded size before compression, bytes.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// Encodes what was added and empties the builder (its buffers are kept for the next batch).
  /// A batch that compression would not shrink is stored plain.
  /// @pre count() > 0
  result<encoded_batch> finish(codec compression);

private:
  struct columns;
  std::unique_ptr<columns> columns_;
};

/// Places `first` .. `end` - 1 among a batch's properties: those of one message.
struct property_range {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
};

/// A validated batch, ready to be read. Message views point into it.
class batch_reader {
public:
  /// Checks everything: sizes, ends, names, indices, UTF-8 of names; decompresses under
  /// `limits.batch_bytes_max`. `bytes` need not be aligned.
  /// @errors batch_malformed, batch_too_large, message_too_large, codec_unknown; the detail names
  ///         the column.
  static result<batch_reader> open(shared_bytes bytes, codec compression, batch_limits limits);

  batch_reader(batch_reader&&) noexcept;
  batch_reader& operator=(batch_reader&&) noexcept;
  ~batch_reader();

  [[nodiscard]] std::uint32_t count() const noexcept;
  /// Message `at`; `properties` stays valid until the next call of `message`.
  /// @pre at < count()
  [[nodiscard]] message_view message(std::uint32_t at) const;

  /// Single columns, for who needs no whole message.
  ///
  /// Every name of a tag or property that occurs. A name may be there twice: a foreign client's
  /// batch need not be as `batch_builder` makes it.
  [[nodiscard]] std::span<const std::string_view> names() const noexcept;
  /// @pre at < count()
  [[nodiscard]] std::string_view key(std::uint32_t at) const;
  [[nodiscard]] std::string_view tag(std::uint32_t at) const;
  [[nodiscard]] property_range properties(std::uint32_t at) const;
  /// Where the name of property `place` is in `names()`, and its value.
  /// @pre place is in the range of a message
  [[nodiscard]] std::uint16_t property_name(std::uint32_t place) const;
  [[nodiscard]] std::string_view property_value(std::uint32_t place) const;

  /// Whether any message may have a priority that is not the default.
  [[nodiscard]] bool has_priorities() const noexcept;
  [[nodiscard]] bool has_ttls() const noexcept;
  /// Whether its messages are to be delivered later; all of them, or none.
  [[nodiscard]] bool timed() const noexcept;
  /// @pre at < count()
  [[nodiscard]] std::uint8_t priority(std::uint32_t at) const;
  [[nodiscard]] std::uint64_t ttl_ms(std::uint32_t at) const;
  [[nodiscard]] std::int64_t deliver_at(std::uint32_t at) const;
  [[nodiscard]] std::string_view dedup_id(std::uint32_t at) const;

  /// Sum of all body, key, tag and property bytes.
  [[nodiscard]] std::uint64_t payload_bytes() const noexcept;

private:
  struct view;
  explicit batch_reader(std::unique_ptr<view> v);
  std::unique_ptr<view> view_;
};

/// What is known of a batch that was found good.
struct validated_batch {
  /// Bodies, keys, tags, properties.
  std::uint64_t payload_bytes = 0;
  bool timed = false;
  /// Some message has a priority or a time to live of its own.
  bool ranked = false;
  /// Of each message, if any has an id.
  id_digests ids = {};
  /// Some message has no key.
  bool keyless = false;
};

/// What a node does with a received batch before it stores it: checksum, then full validation.
/// @errors checksum_mismatch, and those of `batch_reader::open`; `batch_malformed` too when the
///         batch does not hold exactly `count` messages.
/// @cost   One pass over the bytes for the CRC, one over the columns; decompression if compressed.
result<validated_batch> validate_batch(std::span<const std::byte> bytes, codec compression,
                                       std::uint32_t count, std::uint32_t checksum,
                                       const batch_limits& limits);

/// CRC32C (Castagnoli, reflected, initial and final all ones), as in RFC 3720.
/// @param seed CRC of the bytes before, or 0.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes,
                                   std::uint32_t seed = 0) noexcept;

/// The queue of a keyed message: its mixed CRC32C mod `queues`; the same in every client. Keys that
/// differ in a digit are spread as evenly as others.
[[nodiscard]] queue_number queue_of_key(std::string_view key, std::uint32_t queues) noexcept;

} // namespace carafe
