#pragma once

#include "actors/core/delivery_core.hpp"
#include "actors/core/filter.hpp"
#include "schema/batch.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::core {

/// @returns Nothing for `kind::none`.
/// @errors filter_invalid
result<std::optional<filter>> parse_filter(const message_filter& what);

/// A stored batch as `delivery_core` takes it.
/// @param keyed  Whether the messages' keys are wanted.
/// @param wanted Which messages are; nothing: all.
/// @param ttl_ms How long after `time` they expire; 0: never.
/// @errors Those of `batch_reader::open`.
/// @cost   O(1), or with keys or a filter one pass over the batch.
result<delivery_batch_ptr> make_delivery_batch(effects::batch stored, unix_ms time, bool keyed,
                                               const std::optional<filter>& wanted,
                                               std::uint64_t ttl_ms, const batch_limits& limits);

/// The dead letter or copy at `row.letter` in `batch`, as the message at `row.at` that it was.
/// A redriven one does not expire any more; a copy does, `ttl_ms` after its message was stored.
/// @errors Those of `batch_reader::open`; not_found (the batch does not have it).
result<delivery_batch_ptr> revive_letter(const delivery_batch& batch, const waiting_record& row,
                                         std::uint64_t ttl_ms, const batch_limits& limits);

/// Whether the batch's first message is wanted; nothing wanted: all are.
/// @errors Those of `batch_reader::open`.
result<bool> first_passes(const delivery_batch& batch, const std::optional<filter>& wanted,
                          const batch_limits& limits);

/// What a dead letter says of its message.
struct letter_story {
  std::string topic;
  std::uint32_t number = 0;
  queue_id queue;
  offset at;
  /// It has only a part of its message.
  bool cut = false;
};
/// @errors Those of `batch_reader::open`; invalid_argument (it is no dead letter).
result<letter_story> read_letter(const delivery_batch& batch, offset letter,
                                 const batch_limits& limits);
/// @returns 0 for no key.
[[nodiscard]] std::uint64_t hash_of_key(std::string_view key);
/// Hash of the key of the message at `at`.
result<std::uint64_t> key_at(const delivery_batch& batch, offset at, const batch_limits& limits);

/// What is sent of a batch.
struct sent_batch {
  encoded_batch encoded;
  /// It is the whole batch, of which not all is meant.
  bool with_others = false;
};

/// The messages of `ranges`, encoded as the batch is. If they are all of it, or most (three
/// quarters) and `others` may go with them, the batch's own bytes: to encode them anew costs more
/// than to send a few too many.
/// @pre Every range lies in the batch; they are ascending.
/// @errors Those of `batch_reader::open`.
result<sent_batch> cut_batch(const delivery_batch& batch, const std::vector<offset_range>& ranges,
                             bool others, const batch_limits& limits);

/// The same out of an opened batch that begins at `base`, whose codec was `compression`.
/// @pre    `builder` is empty. Unless there is an error, it is so again.
/// @errors Those of `builder`.
result<encoded_batch> copy_messages(batch_builder& builder, const batch_reader& from, offset base,
                                    const std::vector<offset_range>& ranges, codec compression);

/// Of a dead letter that was written again before retention took it: its first offset.
inline constexpr std::string_view moved_letter_property = "carafe-dead-moved-from";

/// Where a dead message came from.
struct dead_letter_origin {
  std::string group;
  std::string topic;
  queue_number number;
  queue_id queue;
};

/// The message at `row.at` with its body, key, tag, properties and birth, and what became of it in
/// properties `carafe-dead-…`.
/// @errors Those of `batch_reader::open`; a message that the properties make too large loses its
///         own, then its body's end, then key and tag.
result<encoded_batch> make_dead_letter(const delivery_batch& batch, const waiting_record& row,
                                       const dead_letter_origin& origin,
                                       const batch_limits& limits);

} // namespace carafe::core
