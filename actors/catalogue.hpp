#pragma once

#include "actors/clock.hpp"
#include "actors/core/catalogue_core.hpp"
#include "actors/group.hpp"
#include "actors/interfaces.hpp"
#include "actors/quotas.hpp"
#include "actors/schedules.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace carafe {

struct catalogue_options {
  core::catalogue_limits limits;
  group_options groups;
  /// Queues of a topic made by its first use; 0: no such topics.
  std::uint32_t create_on_use_queues = 0;
  schedules_options schedules = {};
  /// It is told what topics' quotas are.
  std::shared_ptr<quota_board> quotas = std::make_shared<quota_board>();
};

struct catalogue_state {
  static inline const char* name = "catalogue";

  using decision = core::catalogue_core::decision;
  /// A wish to change something, waiting for its turn.
  struct change {
    std::function<result<decision>()> decide;
    std::function<void(const result<decision>&)> done;
  };

  std::optional<core::catalogue_core> core;
  node_actor node;
  shard_table shards;
  std::shared_ptr<const clock> clocks;
  catalogue_options options;
  std::deque<change> changes;
  bool changing = false;
  /// What some shards could not take yet: of the change under way, or left from before a crash.
  std::vector<std::function<void()>> put_off;
  std::unordered_map<topic_id, topic_actor> topics;
  std::unordered_map<group_id, group_actor> groups;
  /// Names of groups of which another actor is about to serve something else, once a change.
  std::multiset<std::string> handed_over;
  /// How long leases may run that were given before a group was changed. Those that are over are
  /// forgotten with the next change.
  std::map<group_id, mono_ms> leases_end;
  /// Of deleted groups; they end soon.
  std::vector<group_actor> leaving;
  schedules_actor schedules;
  /// Those that are being told.
  std::vector<story_actor> stories;
  /// Searches for keys that are under way.
  std::vector<key_finder_actor> finders;
};

using catalogue_pointer = catalogue_actor::stateful_pointer<catalogue_state>;

/// Names of topics and groups, and the actors that serve them. Changes are entries of shard 0, one
/// at a time; what other shards must be told follows, and is repeated at every start.
///
/// @param shards Open ones, shard 0 among them; further ones are opened by `node` when needed.
catalogue_actor::behavior_type catalogue(catalogue_pointer self, node_actor node,
                                         shard_table shards, std::shared_ptr<const clock> clocks,
                                         catalogue_options options);

/// The group's actor is another one from now on; this one ends once what it was asked is answered.
/// @param at_once  Otherwise it first tells for a while whoever still comes that it was deleted.
void forget_group(catalogue_pointer self, group_id group, bool at_once = false);

/// Whether a shard that refused a change for this may take it later.
bool is_temporary(const failure& why);
/// Has it done later.
void put_off(catalogue_pointer self, std::function<void()> work);
/// Does what was put off.
void try_again(catalogue_pointer self);

/// Queues `decide`; it runs when all earlier changes are done, and `done` when its own is durable.
void change_catalogue(catalogue_pointer self,
                      std::function<result<catalogue_state::decision>()> decide,
                      std::function<void(const result<catalogue_state::decision>&)> done);

/// The actor of a topic or group that exists; made if there is none.
topic_actor topic_of(catalogue_pointer self, const topic_record& record);
group_actor group_of(catalogue_pointer self, const group_record& record);

// -- shared by the catalogue's parts --------------------------------------------------------------

/// Reads the catalogue and repeats what a crash may have left undone, before anything else is
/// handled. Quits if it cannot.
void load_catalogue(catalogue_pointer self);

/// The topic is there, but has no queue of this number.
[[nodiscard]] failure no_such_queue(const topic_record& topic, queue_number number);

// What the actor answers to requests about groups.
caf::result<group_actor> join_group(catalogue_pointer self, const frames::join& wish);
caf::result<frames::group_names> list_groups(catalogue_pointer self);
caf::result<frames::group_description> describe_group_of(catalogue_pointer self,
                                                         const std::string& name);
caf::result<frames::group_description> reset_group_of(catalogue_pointer self,
                                                      const frames::group_reset& wish);
/// What does not fit the present members is refused; settings change while they run.
caf::result<frames::group_description> put_group(catalogue_pointer self,
                                                 const frames::group_put& wish);
caf::result<frames::dead_letter_list> list_dead_letters(catalogue_pointer self,
                                                        const std::string& name);
caf::result<frames::redriven> redrive_letters(catalogue_pointer self, const frames::redrive& wish);
/// Made when the first message of the group is dead.
caf::result<topic_record> dead_letters_of_group(catalogue_pointer self, const std::string& name);
/// Which queues are kept for a member with an id.
caf::result<caf::ok_atom> save_seat(catalogue_pointer self, const member_seat& seat);
/// The name goes with its offsets, or the member's seat, unless it is connected.
caf::result<caf::ok_atom> forget_consumer(catalogue_pointer self, const frames::group_forget& wish);
// What it answers to requests about named producers (catalogue_producers.cpp).
caf::result<frames::producer_answer> ask_of_producers(catalogue_pointer self,
                                                      const frames::producer_request& wish);
/// Its holder is fenced, and the name begins anew when it is opened again.
caf::result<caf::ok_atom> forget_producer(catalogue_pointer self,
                                          const frames::producer_forget& wish);
// What it answers to requests about messages for later (catalogue_timers.cpp).
caf::result<frames::timers_changed> end_timers_of(catalogue_pointer self,
                                                  const frames::timer_end& wish);
caf::result<frames::timers_changed> move_timers_of(catalogue_pointer self,
                                                   const frames::timer_move& wish);
caf::result<frames::timers> list_timers_of(catalogue_pointer self, const frames::timer_list& wish);

// What it answers about transactions (catalogue_transactions.cpp).
caf::result<tx_places> resolve_transaction(catalogue_pointer self, const tx_question& wish);
void settle_by_transaction(catalogue_pointer self, const tx_settled& what);
/// Where messages of a key are (catalogue_keys.cpp).
caf::result<frames::key_found> find_key(catalogue_pointer self, const frames::key_find& wish);

/// What became of one message (catalogue_story.cpp).
caf::result<frames::message_story> tell_story(catalogue_pointer self,
                                              const frames::message_why& wish);

/// The group's actor goes first (if nobody is in it), then its record and progress.
caf::result<caf::ok_atom> delete_group(catalogue_pointer self, const std::string& name);

} // namespace carafe
