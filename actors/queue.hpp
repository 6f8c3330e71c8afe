#pragma once

#include "actors/clock.hpp"
#include "actors/core/pacer.hpp"
#include "actors/core/queue_core.hpp"
#include "actors/interfaces.hpp"
#include "actors/owed_answers.hpp"
#include "actors/quotas.hpp"
#include "actors/watch_list.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <optional>
#include <unordered_map>

namespace carafe {

struct queue_state {
  static inline const char* name = "queue";

  struct reader {
    reader_actor session;
    storage::read_hint hint;
  };

  std::optional<core::queue_core> core;
  queue_view view;
  core::topic_expiry expiry;
  log_reader_actor log;
  std::unordered_map<core::reader_id, reader> readers;
  /// How many readers of each session there are; a session is monitored while it has one.
  watch_list sessions;
  owed_answers owed;
  std::shared_ptr<const clock> clocks;
  queue_quotas quotas;
  /// Demand that the topic's consume quota holds back.
  core::pacer<core::reader_id> pacer;
  bool pacing = false;
  /// It looks again after a while.
  bool pause_is_over_later = false;
  /// Why it ends, while it does.
  failure ended{errc::none};
};

/// Readers, and members of groups that are sent messages, are told apart over all of the node.
[[nodiscard]] core::reader_id next_reader();

/// One queue's reading side: feeds its readers from commits and from the log, as `queue_core`
/// decides, and no faster than the topic's consume quota lets it.
queue_actor::behavior_type queue(queue_actor::stateful_pointer<queue_state> self, queue_id id,
                                 shard_handles shard, std::shared_ptr<const clock> clocks,
                                 std::shared_ptr<const quota_board> quotas,
                                 core::topic_expiry expiry);

} // namespace carafe
