#pragma once

#include "actors/core/shard_state.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <functional>
#include <vector>

namespace carafe::core {

/// What is submitted and not applied yet, in order.
using effects_in_flight = std::function<void(const std::function<void(const effects::effect&)>&)>;

/// Whether nobody was done before with any of the messages that a transaction acknowledges in this
/// shard: otherwise what it made of them would be there twice.
/// @errors tx_ended, with the first one that somebody has acknowledged or that is not there.
result<void> check_consumed(const shard_state& state, const effects_in_flight& in_flight,
                            const std::vector<consumed_messages>& consumed);

/// Appends what a commit does in this shard: batches without offsets, and what groups are done
/// with. What belongs to queues that were deleted is left out.
void append_commit(std::vector<effects::effect>& to, const shard_state& state, producer_id producer,
                   const std::vector<half_batch>& halves,
                   const std::vector<consumed_messages>& consumed);

/// Those of one shard.
[[nodiscard]] std::vector<consumed_messages> consumed_in(shard_id shard,
                                                         const std::vector<consumed_messages>& all);

/// Shards besides `own` that have a part in it, ascending.
[[nodiscard]] std::vector<shard_id> other_shards(shard_id own,
                                                 const transaction_table::stored& row);

} // namespace carafe::core
