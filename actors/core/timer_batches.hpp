#pragma once

#include "actors/core/timer_core.hpp"
#include "schema/batch.hpp"

#include <carafe/result.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace carafe::core {

/// The property that names a message for later.
inline constexpr std::string_view timer_name_property = "carafe-timer";
/// Properties of a message that was delivered at its time: its id, and the time.
inline constexpr std::string_view timer_id_property = "carafe-timer-id";
inline constexpr std::string_view timer_due_property = "carafe-timer-due-ms";

/// The waiting messages of a batch that was stored at `stored`.
/// @errors batch_malformed and the like: it was not validated.
/// @cost   One decoding of the batch, one encoding of each message.
result<std::vector<timer_ptr>> split_timers(const effects::batch& batch, unix_ms stored,
                                            const batch_limits& limits);

struct joined_timers {
  encoded_batch batch;
  /// How many of the rows it has.
  std::size_t taken = 0;
};

/// A batch of the first of these messages, as many as fit.
/// @pre `rows` is not empty
/// @errors storage_corrupt (the first one cannot be read)
result<joined_timers> join_timers(std::span<const timer_ptr> rows, const batch_limits& limits);

} // namespace carafe::core
