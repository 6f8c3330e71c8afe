#pragma once

#include "actors/core/shard_state.hpp"
#include "schema/batch.hpp"
#include "storage/commit_log.hpp"

#include <carafe/result.hpp>

#include <span>
#include <vector>

namespace carafe::core {

/// Copies, before retention drops it, of what groups wait for: a batch for `kept_messages`, and for
/// each group and queue the rows that say where in it its messages are.
///
/// @param held   Ascending; those before the first that `source` does not have are copied, as far
///               as one batch holds them.
/// @param first  The offset that the first copy will have.
/// @pre `source` has the first of `held`.
/// @errors Those of `batch_reader::open`.
result<std::vector<effects::effect>> copy_held(const shard_state& state,
                                               const storage::stored_batch& source,
                                               std::span<const held_message> held, offset first,
                                               const batch_limits& limits);

} // namespace carafe::core
