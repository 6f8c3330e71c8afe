#pragma once

#include "actors/core/shard_state.hpp"
#include "schema/batch.hpp"
#include "storage/commit_log.hpp"

#include <carafe/result.hpp>

#include <span>
#include <vector>

namespace carafe::core {

/// Whether it is a dead letter of its group that nobody has dealt with.
[[nodiscard]] bool is_open_letter(const shard_state& state, const held_message& held);

/// Copies, before retention drops it, of what groups wait for: a batch for `kept_messages`, and for
/// each group and queue the rows that say where in it its messages are.
///
/// @param held   Ascending; those before the first that `source` does not have are copied, as far
///               as one batch holds them.
/// @param first  The offset that the first copy will have in `kept_messages`.
/// @pre `source` has the first of `held`, which is no open dead letter; others that are, are passed
///      over.
/// @errors Those of `batch_reader::open`.
result<std::vector<effects::effect>> copy_held(const shard_state& state,
                                               const storage::stored_batch& source,
                                               std::span<const held_message> held, offset first,
                                               const batch_limits& limits);

/// Writes open dead letters again before retention drops them: a batch for the queue that they are
/// in, as many as one batch holds, and the end of the old ones. Those that died before `keep_after`
/// end, and so does what is no letter (whatever clients wrote there).
///
/// @param sources  Ascending, as they were read from the first of `held` on.
/// @param held     Ascending; what is no open letter of the first one's group is passed over.
/// @pre `sources` has the first of `held`, which is an open letter.
/// @errors Those of `batch_reader::open`; those of `batch_builder::add`, of a letter that fits into
///         no batch.
result<std::vector<effects::effect>> move_letters(const shard_state& state,
                                                  std::span<const storage::stored_batch> sources,
                                                  std::span<const held_message> held,
                                                  unix_ms keep_after, const batch_limits& limits);

/// Whether an entry writes dead letters again.
[[nodiscard]] bool moves_letters(std::span<const effects::effect> entry);

} // namespace carafe::core
