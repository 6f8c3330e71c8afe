#pragma once

/// What compacted queues keep of the messages that retention takes (docs/adr/0023).

#include "schema/batch.hpp"
#include "schema/latest.hpp"
#include "storage/commit_log.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <vector>

namespace carafe::core {

/// What the messages of a batch from `from` to below `until` change in the index: each takes the
/// place of an earlier one of its key, and one with an empty body ends its key. Messages without a
/// key, of the time before the topic was compacted, change nothing.
/// @errors Those of `batch_reader::open`.
result<std::vector<latest_change>> latest_changes(const storage::stored_batch& batch, offset from,
                                                  offset until, const batch_limits& limits);

/// Rows of the index as batches that follow each other from `from` on without a gap: each says
/// which of its offsets there are messages of. If the rows are whole, the last one ends at the
/// horizon.
/// @pre from < found.horizon
[[nodiscard]] std::vector<storage::stored_batch> kept_batches(queue_id queue, offset from,
                                                              const latest_rows& found);

} // namespace carafe::core
