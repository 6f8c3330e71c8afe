#pragma once

#include "actors/clock.hpp"
#include "actors/interfaces.hpp"
#include "actors/owed_answers.hpp"
#include "actors/quotas.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <unordered_map>

namespace carafe {

struct topic_state {
  static inline const char* name = "topic";
  topic_record record;
  shard_table shards;
  std::shared_ptr<const clock> clocks;
  std::shared_ptr<const quota_board> quotas;
  std::unordered_map<queue_id, queue_actor> queues;
  bool ticking = false;
  owed_answers owed;
};

/// One topic: makes an actor for each of its queues that is read, describes the topic, and raises
/// its queues' starts by the topic's own retention.
topic_actor::behavior_type topic(topic_actor::stateful_pointer<topic_state> self,
                                 topic_record record, shard_table shards,
                                 std::shared_ptr<const clock> clocks,
                                 std::shared_ptr<const quota_board> quotas);

} // namespace carafe
