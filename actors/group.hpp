#pragma once

#include "actors/clock.hpp"
#include "actors/core/group_core.hpp"
#include "actors/interfaces.hpp"
#include "actors/owed_answers.hpp"
#include "actors/watch_list.hpp"
#include "schema/batch.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace carafe {

/// Of one commit: they become one entry of the log, which must fit a segment.
inline constexpr std::size_t commit_positions_max = 65'536;

struct group_options {
  std::uint32_t members_max = 0;
  std::uint64_t revoke_timeout_ms = 0;
  /// How long the queues of a member with an id are kept while it is away.
  std::uint64_t grace_ms = 45'000;
  /// What a batch may be, for those that are opened.
  batch_limits limits = {};
};

/// What members of a group that reads whole queues are kept from.
/// @errors filter_invalid
result<screening> screening_of(const group_record& record);
/// Puts the filter, and how many messages were left out, into a description.
void describe(const group_record& record, const left_out_counts& counts,
              frames::group_description& out);

struct group_reset_task;

struct group_state {
  static inline const char* name = "group";
  group_record record;
  /// Another filter comes with another actor.
  screening screen;
  std::map<std::string, topic_record> topics;
  shard_table shards;
  std::unordered_map<queue_id, shard_id> places;
  std::optional<core::group_core> core;
  catalogue_actor catalogue;
  std::shared_ptr<const clock> clocks;
  group_options options;
  std::map<member_id, session_actor> sessions;
  watch_list watched;
  /// It serves nobody any more: what those are told who come.
  std::optional<failure> gone;
  owed_answers owed;
  /// Until when the queues of members that are away are kept.
  std::map<member_id, unix_ms> kept_until;
  /// What the catalogue knows of seats, and whether it is being told.
  std::map<std::string, std::vector<queue_id>> saved_seats;
  bool saving = false;
  /// Who is told when the catalogue knows all of the seats, or why it does not.
  std::vector<std::function<void(result<caf::ok_atom>)>> when_saved;
  /// Resets that wait for commits of former owners; at most one a queue.
  std::vector<std::shared_ptr<group_reset_task>> waiting_resets;
  /// Who is told when nobody has a queue any more, and nothing is being committed.
  std::function<void()> handed_over;
};

/// Members are told apart over all groups of the node.
[[nodiscard]] member_id next_member();

// Seats (group_seats.cpp).
void restore_seats(group_actor::stateful_pointer<group_state> self,
                   const std::vector<group_record>& seats);
/// Tells the catalogue what has changed, one seat at a time.
void save_seats(group_actor::stateful_pointer<group_state> self);
/// Its queues are kept for so long, if it has an id.
void begin_grace(group_actor::stateful_pointer<group_state> self, member_id member);
/// It was away too long; 0: save again what could not be saved.
void on_grace_over(group_actor::stateful_pointer<group_state> self, member_id member);
caf::result<caf::ok_atom> forget_seat(group_actor::stateful_pointer<group_state> self,
                                      const std::string& id);

/// Tells the sessions, and does, what the core has decided.
void carry_out(group_actor::stateful_pointer<group_state> self,
               const core::group_core::effects& effects);

/// One consumer group: carries out what `group_core` decides. Progress is durable in the shards of
/// the queues; members are not: they join again. Which queues are kept for members with ids is
/// known to the catalogue, a moment after it changes.
///
/// @param topics Those of the group's topics that exist.
/// @param seats Of members with ids: all of them are away, from now on.
group_actor::behavior_type group(group_actor::stateful_pointer<group_state> self,
                                 group_record record, std::vector<topic_record> topics,
                                 shard_table shards, catalogue_actor catalogue,
                                 std::shared_ptr<const clock> clocks, group_options options,
                                 std::vector<group_record> seats);

} // namespace carafe
