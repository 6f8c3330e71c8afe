#pragma once

#include "actors/core/delivery_core.hpp"
#include "schema/batch.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <string>
#include <vector>

namespace carafe::core {

/// A stored batch as `delivery_core` takes it.
/// @param keyed  Whether the messages' keys are wanted: then the batch is opened.
/// @errors Those of `batch_reader::open`.
/// @cost   O(1), or with keys one pass over the batch.
result<delivery_batch_ptr> make_delivery_batch(effects::batch stored, unix_ms time, bool keyed,
                                               const batch_limits& limits);

/// Exactly the messages of `ranges`, encoded as the batch is; the batch's own bytes if these are
/// all.
/// @pre Every range lies in the batch; they are ascending.
/// @errors Those of `batch_reader::open`.
result<encoded_batch> cut_batch(const delivery_batch& batch,
                                const std::vector<offset_range>& ranges,
                                const batch_limits& limits);

/// Where a dead message came from.
struct dead_letter_origin {
  std::string group;
  std::string topic;
  queue_number number;
};

/// The message at `row.at` with its body, key, tag, properties and birth, and what became of it in
/// properties `carafe-dead-…`.
/// @errors Those of `batch_reader::open`; a message that the properties make too large loses its
///         own, then its body's end.
result<encoded_batch> make_dead_letter(const delivery_batch& batch, const waiting_record& row,
                                       const dead_letter_origin& origin,
                                       const batch_limits& limits);

} // namespace carafe::core
