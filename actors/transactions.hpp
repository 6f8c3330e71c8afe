#pragma once

#include "actors/clock.hpp"
#include "actors/core/transaction_core.hpp"
#include "actors/interfaces.hpp"
#include "actors/watch_list.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <optional>

namespace carafe {

struct transactions_state {
  static inline const char* name = "transactions";

  struct producer {
    session_actor session;
    /// Producer groups that it answers for.
    std::uint32_t groups = 0;
  };

  core::transaction_core core;
  catalogue_actor catalogue;
  std::shared_ptr<const clock> clocks;
  std::map<shard_id, shard_actor> shards;
  std::map<shard_id, transaction_counts> counts;
  std::map<core::transaction_core::member, producer> producers;
  core::transaction_core::member last_producer = 0;
  watch_list watched;
  /// When the next tick comes.
  std::optional<mono_ms> tick_at;
};

using transactions_pointer = transactions_actor::stateful_pointer<transactions_state>;

/// The open transactions of all shards: carries out what `transaction_core` decides. Each shard
/// tells what its log says of them; what they hold stays there.
transactions_actor::behavior_type transactions(transactions_pointer self, catalogue_actor catalogue,
                                               std::shared_ptr<const clock> clocks);

} // namespace carafe
