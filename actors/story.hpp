#pragma once

#include "actors/clock.hpp"
#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe {

/// What is asked, and of whom.
struct story_plan {
  struct audience {
    group_record record;
    group_actor actor;
    /// Of a `broadcast` group: its named consumers.
    std::vector<group_record> consumers;
    /// Its topic of dead letters, if there is one.
    std::optional<topic_record> letters;
  };
  frames::message_why wish;
  topic_record topic;
  std::vector<audience> groups;
  std::uint32_t groups_left_out = 0;
  shard_table shards;
  std::shared_ptr<const clock> clocks;
};

struct story_state {
  static inline const char* name = "story";

  /// What a group's actor said of the present.
  struct present {
    lent_whereabouts lent;
    frames::group_description committed;
  };

  story_plan plan;
  std::optional<core::story> told;
  /// Shards that are to be looked through, the present one first.
  std::vector<shard_id> shards;
  entry_index next{0};
  entry_index last{0};
  unix_ms since;
  /// The present shard has none of the message's queues, or is looked through for what it was
  /// before its transaction was committed: then where its own shard's log is read on.
  bool elsewhere = false;
  std::optional<entry_index> resume;
  /// The topic's shards are looked through once more.
  bool again = false;
  /// Looks through the rest of the log, after the groups were asked.
  bool at_end = false;
  std::map<group_id, present> presents;
  std::size_t missing = 0;
  std::optional<queue_view> view;
  caf::typed_response_promise<frames::message_story> promise;
  caf::actor_addr asker;
};

using story_pointer = story_actor::stateful_pointer<story_state>;

/// Tells what became of a message: finds it, looks through its shard's log from there on, asks its
/// groups how it is now, and looks through what the log got meanwhile. It ends with its answer, or
/// with who asked.
///
/// @cost One reading of the shard's log from the message on, `walk_bytes` at a time, between which
///       the log's other readers have their turn.
story_actor::behavior_type tell_story_of(story_pointer self, story_plan plan);

} // namespace carafe
