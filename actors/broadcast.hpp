#pragma once

#include "actors/clock.hpp"
#include "actors/core/broadcast_core.hpp"
#include "actors/group.hpp"
#include "actors/interfaces.hpp"
#include "actors/owed_answers.hpp"
#include "actors/watch_list.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace carafe {

struct broadcast_reset;

struct broadcast_state {
  static inline const char* name = "broadcast";
  group_record record;
  /// Another filter comes with another actor.
  screening screen;
  std::map<std::string, topic_record> topics;
  shard_table shards;
  std::unordered_map<queue_id, shard_id> places;
  std::optional<core::broadcast_core> core;
  catalogue_actor catalogue;
  std::shared_ptr<const clock> clocks;
  std::uint64_t revoke_timeout_ms = 0;
  std::map<member_id, session_actor> sessions;
  watch_list watched;
  /// It serves nobody any more: what those are told who come.
  std::optional<failure> gone;
  owed_answers owed;
  /// Resets that wait for queues to be given back and commits to end.
  std::vector<std::shared_ptr<broadcast_reset>> waiting_resets;
  /// Who is told when no name has a queue any more, and nothing is being committed.
  std::function<void()> handed_over;
};

using broadcast_pointer = broadcast_actor::stateful_pointer<broadcast_state>;

/// One group of mode `broadcast`: carries out what `broadcast_core` decides. What named consumers
/// have committed is durable in the shards of the queues; members are not: they join again.
///
/// @param topics    Those of the group's topics that exist.
/// @param consumers The records of its named consumers.
broadcast_actor::behavior_type broadcast(broadcast_pointer self, group_record record,
                                         std::vector<topic_record> topics, shard_table shards,
                                         catalogue_actor catalogue,
                                         std::shared_ptr<const clock> clocks, group_options options,
                                         std::vector<group_record> consumers);

// -- shared by the actor's parts ------------------------------------------------------------------

/// Tells the sessions, and does, what the core has decided.
void carry_out(broadcast_pointer self, const core::broadcast_core::effects& effects);
/// What the member's session is told of its reading.
assignment make_assignment(const broadcast_state& s, member_id member, generation owner,
                           queue_id queue);
void add_queues(broadcast_pointer self, const topic_record& topic);

/// Asks every shard for the consumers' progress, and then knows them and `topics`, before anything
/// else is handled.
void load_consumers(broadcast_pointer self, std::vector<group_record> consumers,
                    std::vector<topic_record> topics);
/// Finds the place and commits it under the name, so that the consumer never begins elsewhere.
void find_start(broadcast_pointer self, const core::broadcast_core::find_start& what);
/// Writes what may be committed; each position is independent of the others.
/// @errors not_owner, unsupported (the member has no name), invalid_argument
caf::result<caf::ok_atom> commit_positions(broadcast_pointer self, const frames::commit& request);

/// Named consumers with their offsets, members, and of each queue the one that is least far.
caf::result<frames::group_description> describe_broadcast(broadcast_pointer self);
/// Moves committed offsets of named consumers.
/// @errors As of an `ordered` group; not_found (no consumer of this name).
caf::result<caf::ok_atom> reset_consumers(broadcast_pointer self, const frames::group_reset& wish);
/// As of an `ordered` group; members without a name read on until it is answered.
caf::result<caf::ok_atom> hand_over(broadcast_pointer self, const group_change& change);
/// Goes on with resets, and the handing over, that waited for queues and commits.
void resume_resets(broadcast_pointer self);

} // namespace carafe
