#pragma once

/// Every actor's typed interface and every atom, on one page. docs/architecture.md draws who talks
/// to whom and what happens when one of them dies.
///
/// Errors between actors are `caf::error`s made by actors/error_bridge.hpp; every request of this
/// page may be answered with one.

#include "actors/messages.hpp"

#include <caf/atom.hpp>
#include <caf/io/system_messages.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <caf/unit.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace carafe {

#define CARAFE_ATOM(name, text)                                                                    \
  using name##_atom = caf::atom_constant<caf::atom(text)>;                                         \
  constexpr name##_atom name##_atom_v = name##_atom{};
CARAFE_ATOM(activate, "activate")
CARAFE_ATOM(actors, "actors")
CARAFE_ATOM(alter, "alter")
CARAFE_ATOM(append, "append")
CARAFE_ATOM(apply, "apply")
CARAFE_ATOM(assign, "assign")
CARAFE_ATOM(backup, "backup")
CARAFE_ATOM(check, "check")
CARAFE_ATOM(close, "close")
CARAFE_ATOM(closed, "closed")
CARAFE_ATOM(commit, "commit")
CARAFE_ATOM(create, "create")
CARAFE_ATOM(cut, "cut")
CARAFE_ATOM(deadline, "deadline")
CARAFE_ATOM(deliver, "deliver")
CARAFE_ATOM(demand, "demand")
CARAFE_ATOM(describe, "describe")
CARAFE_ATOM(drain, "drain")
CARAFE_ATOM(drop, "drop")
CARAFE_ATOM(ended, "ended")
CARAFE_ATOM(find, "find")
CARAFE_ATOM(finish, "finish")
CARAFE_ATOM(flushed, "flushed")
CARAFE_ATOM(forget, "forget")
CARAFE_ATOM(graves, "graves")
CARAFE_ATOM(halt, "halt")
CARAFE_ATOM(hand_over, "hand over")
CARAFE_ATOM(input, "input")
CARAFE_ATOM(inventory, "inventory")
CARAFE_ATOM(join, "join")
CARAFE_ATOM(keep, "keep")
CARAFE_ATOM(leased, "leased")
CARAFE_ATOM(leave, "leave")
CARAFE_ATOM(list, "list")
CARAFE_ATOM(load, "load")
CARAFE_ATOM(move, "move")
CARAFE_ATOM(news, "news")
CARAFE_ATOM(open_shard, "open")
CARAFE_ATOM(output, "output")
CARAFE_ATOM(pace, "pace")
CARAFE_ATOM(plan, "plan")
CARAFE_ATOM(prepare, "prepare")
CARAFE_ATOM(progress, "progress")
CARAFE_ATOM(queues, "queues")
CARAFE_ATOM(read, "read")
CARAFE_ATOM(release, "release")
CARAFE_ATOM(remove, "remove")
CARAFE_ATOM(renew, "renew")
CARAFE_ATOM(reset, "reset")
CARAFE_ATOM(resolve, "resolve")
CARAFE_ATOM(resume, "resume")
CARAFE_ATOM(revoke, "revoke")
CARAFE_ATOM(route, "route")
CARAFE_ATOM(save, "save")
CARAFE_ATOM(schedules, "schedules")
CARAFE_ATOM(settle, "settle")
CARAFE_ATOM(space, "space")
CARAFE_ATOM(start, "start")
CARAFE_ATOM(status, "status")
CARAFE_ATOM(subscribe, "subscribe")
CARAFE_ATOM(sync, "sync")
CARAFE_ATOM(synced, "synced")
CARAFE_ATOM(taken, "taken")
CARAFE_ATOM(tick, "tick")
CARAFE_ATOM(time, "time")
CARAFE_ATOM(unsubscribe, "unsub")
CARAFE_ATOM(walk, "walk")
CARAFE_ATOM(want, "want")
CARAFE_ATOM(watch, "watch")
CARAFE_ATOM(why, "why")
CARAFE_ATOM(write, "write")
CARAFE_ATOM(written, "written")
#undef CARAFE_ATOM

/// Bytes on their way to or from a socket.
using byte_buffer = std::vector<char>;

/// One TCP connection on CAF's multiplexer thread: moves bytes, decides nothing.
using connection_actor = caf::typed_actor<
  caf::reacts_to<caf::io::new_data_msg>, caf::reacts_to<caf::io::connection_closed_msg>,
  caf::reacts_to<caf::io::data_transferred_msg>, caf::reacts_to<output_atom, byte_buffer>,
  caf::reacts_to<taken_atom, std::uint64_t>, // So many bytes of the input are dealt with.
  caf::reacts_to<halt_atom>,                 // Stop reading.
  caf::reacts_to<resume_atom>,               // Read on.
  caf::reacts_to<drain_atom>,                // For the session.
  caf::reacts_to<close_atom>,                // After what is buffered is written …
  caf::reacts_to<tick_atom>>;                // … or the peer had its time for it.

/// Accepts connections.
using listener_actor = caf::typed_actor<
  caf::reacts_to<caf::io::new_connection_msg>, caf::reacts_to<caf::io::acceptor_closed_msg>,
  caf::reacts_to<caf::io::connection_closed_msg>, caf::replies_to<status_atom>::with<std::uint32_t>,
  caf::replies_to<actors_atom>::with<frames::node_actor_list>,
  // Accept no more; answered when the last is gone.
  caf::replies_to<drain_atom>::with<caf::ok_atom>>;

/// Gets what a queue's reader brings.
using reader_actor =
  caf::typed_actor<caf::reacts_to<deliver_atom, core::reader_id, storage::stored_batch>,
                   // A reader's demand is back; it waits for so much at once.
                   caf::reacts_to<want_atom, core::reader_id, want>,
                   // From the next batch on, how long messages are worth delivering.
                   caf::reacts_to<alter_atom, core::reader_id, core::topic_expiry>,
                   caf::reacts_to<ended_atom, core::reader_id, failure>>;

/// One client: decodes, validates and answers its frames.
using session_actor = reader_actor::extend<
  caf::reacts_to<input_atom, byte_buffer>,
  caf::reacts_to<flushed_atom, std::uint64_t>, // So many bytes still unsent.
  caf::reacts_to<closed_atom>, caf::reacts_to<tick_atom>,
  caf::reacts_to<pace_atom>,     // The client's consume quota may have room again.
  caf::reacts_to<progress_atom>, // Clients are to be told what they were not sent.
  caf::reacts_to<drain_atom>,    // The node stops: answer what is in flight, close.
  caf::reacts_to<leased_atom, core::reader_id, lending>, caf::reacts_to<assign_atom, assignment>,
  caf::reacts_to<check_atom, frames::tx_check>,    // What became of it?
  caf::reacts_to<ended_atom, assignment, failure>, // It could not begin.
  caf::reacts_to<revoke_atom, revocation>>;

/// A queue's reading side; made when somebody reads it.
using queue_actor =
  caf::typed_actor<caf::replies_to<subscribe_atom, reader_actor, subscribe_request>::with<reading>,
                   caf::reacts_to<unsubscribe_atom, core::reader_id>,
                   caf::reacts_to<demand_atom, core::reader_id, std::uint64_t>,
                   caf::replies_to<resolve_atom, start_position, range_policy>::with<reading>,
                   caf::reacts_to<alter_atom, core::topic_expiry>, // Its topic's settings changed.
                   caf::reacts_to<news_atom, queue_news>,
                   caf::reacts_to<pace_atom>>; // The topic's quota may have room again.

/// Reads a shard's log, on a thread of its own.
using log_reader_actor =
  caf::typed_actor<caf::replies_to<read_atom, read_request>::with<read_reply>,
                   caf::replies_to<time_atom, queue_id, unix_ms, entry_index>::with<time_found>,
                   caf::replies_to<walk_atom, walk_request>::with<walk_reply>,
                   caf::replies_to<find_atom, key_request>::with<key_reply>,
                   caf::replies_to<backup_atom, std::string, timer_handle>::with<std::uint64_t>,
                   caf::replies_to<actors_atom>::with<frames::node_actor_list>>;

/// Appends to a shard's log, on a thread of its own. Its end is the node's end.
using log_writer_actor =
  caf::typed_actor<caf::reacts_to<write_atom, raft::write_group>,
                   caf::replies_to<sync_atom>::with<entry_index>, // Synced up to.
                   caf::reacts_to<synced_atom>,                   // Look whether it has come far
                                                                  // enough.
                   caf::reacts_to<drop_atom, entry_index>,        // Entries below may go.
                   caf::reacts_to<tick_atom>>;

/// Saves checkpoints into state.mdb, on a thread of its own, and plans retention.
using checkpoint_actor =
  caf::typed_actor<caf::replies_to<save_atom, raft::checkpoint>::with<caf::ok_atom>,
                   caf::replies_to<plan_atom, retention_rule>::with<retention_plan>,
                   caf::replies_to<read_atom, read_request>::with<read_reply>,
                   caf::replies_to<load_atom>::with<latest_horizons>,
                   // Takes in some of a compacted queue.
                   caf::replies_to<keep_atom, keep_request>::with<keep_reply>,
                   caf::replies_to<forget_atom, queue_id>::with<bool>>;

/// Keeps a shard's index of waiting messages, on a thread of its own.
using timer_store_actor =
  caf::typed_actor<caf::replies_to<load_atom, core::timer_core::load>::with<timer_rows>,
                   caf::replies_to<find_atom, core::timer_query>::with<timer_rows>,
                   caf::replies_to<list_atom, timer_page>::with<timer_rows>,
                   caf::replies_to<save_atom, timer_flush>::with<caf::ok_atom>,
                   caf::replies_to<backup_atom>::with<timer_handle>>;

/// A shard's waiting messages: delivers each at its time. Made when there is one.
using timers_actor = caf::typed_actor<
  caf::reacts_to<news_atom, timer_news_list>,
  caf::reacts_to<cut_atom>,                       // A checkpoint was taken here …
  caf::replies_to<save_atom>::with<caf::ok_atom>, // … and is going to be saved.
  caf::replies_to<close_atom, timer_selection>::with<std::uint32_t>, // So many were cancelled.
  caf::replies_to<move_atom, timer_selection, std::int64_t>::with<std::uint32_t>,
  caf::replies_to<list_atom, timer_page>::with<timer_rows>,
  caf::replies_to<find_atom, timer_selection>::with<timer_rows>,
  caf::replies_to<backup_atom>::with<timer_handle>, caf::reacts_to<tick_atom>>;

/// Hears what becomes of a shard's transactions, in the order of its log.
using tx_watcher_actor = caf::typed_actor<caf::reacts_to<news_atom, tx_news>>;

/// One shard: drives its replica, answers writers when their entry is applied, tells watchers.
using shard_actor = caf::typed_actor<
  caf::replies_to<append_atom, core::batch_request>::with<append_done>,
  caf::replies_to<write_atom, effect_list>::with<entry_index>,
  // Open dead letters that died before are not kept.
  caf::reacts_to<graves_atom, queue_id, unix_ms>,
  caf::replies_to<watch_atom, queue_id, queue_actor>::with<queue_view>,
  caf::replies_to<queues_atom, queue_ids>::with<queue_views>,
  caf::replies_to<inventory_atom>::with<shard_inventory>,
  caf::replies_to<progress_atom, group_id>::with<progress_rows>,
  caf::replies_to<progress_atom, producer_name_id, queue_ids>::with<frames::producer_progress>,
  caf::replies_to<load_atom>::with<catalogue_rows>, // Shard 0.
  caf::replies_to<schedules_atom>::with<schedule_rows>,
  // What its timers answer.
  caf::replies_to<close_atom, timer_selection>::with<std::uint32_t>,
  caf::replies_to<move_atom, timer_selection, std::int64_t>::with<std::uint32_t>,
  caf::replies_to<list_atom, timer_page>::with<timer_rows>,
  caf::replies_to<find_atom, timer_selection>::with<timer_rows>,
  caf::replies_to<backup_atom>::with<timer_handle>,
  // Transactions: more of one; its end (true: commit); parts of others' commits;
  // what another shard has yet to take of this one's.
  caf::replies_to<prepare_atom, tx_wish>::with<frames::tx_prepared>,
  caf::replies_to<finish_atom, transaction_id, bool>::with<tx_done>,
  caf::replies_to<apply_atom, tx_parts>::with<tx_done>,
  caf::replies_to<load_atom, shard_id>::with<tx_parts>,
  caf::replies_to<watch_atom, tx_watcher_actor>::with<tx_news>,
  caf::replies_to<status_atom>::with<frames::shard_status>,
  caf::replies_to<actors_atom>::with<frames::node_actor_list>,
  caf::replies_to<drain_atom>::with<caf::ok_atom>, // Finish, checkpoint; then
                                                   // answer.
  caf::reacts_to<written_atom, write_done>,
  caf::reacts_to<space_atom, storage::log_room>, // What there is room for from now
                                                 // on.
  caf::reacts_to<sync_atom>, caf::reacts_to<tick_atom>>;

/// A shard and who reads its log.
struct shard_handles {
  shard_actor shard;
  log_reader_actor reader;
};

/// Where the parts of a transaction go, and who its coordinator is.
struct tx_places {
  shard_actor coordinator;
  std::map<queue_id, shard_id> queues;
  /// Their ids, and whether each is `ordered`.
  std::map<std::string, std::pair<group_id, bool>> groups;
  /// Those of `queues` whose messages need a key.
  std::set<queue_id> compacted = {};
};

/// The transactions of all shards: asks producers what became of them, has shards take their parts
/// of commits.
using transactions_actor = tx_watcher_actor::extend<
  caf::reacts_to<open_shard_atom, shard_id, shard_actor>,
  caf::replies_to<join_atom, frames::tx_join, session_actor>::with<caf::ok_atom>,
  caf::replies_to<finish_atom, frames::tx_end>::with<caf::ok_atom>,
  caf::replies_to<list_atom, frames::tx_list>::with<frames::txs>,
  caf::replies_to<actors_atom>::with<frames::node_actor_list>, caf::reacts_to<tick_atom>>;

/// The shards that somebody's queues live in.
using shard_table = std::map<shard_id, shard_handles>;

/// One topic: makes its queues' actors, and raises their starts by the topic's own retention.
using topic_actor =
  caf::typed_actor<caf::replies_to<activate_atom, queue_id>::with<queue_actor>,
                   caf::replies_to<describe_atom>::with<frames::topic_description>,
                   caf::reacts_to<alter_atom, topic_record, shard_table>,
                   caf::reacts_to<remove_atom>, // The topic is deleted.
                   caf::reacts_to<tick_atom>>;

/// One consumer group: members, owners, committed offsets.
using group_actor = caf::typed_actor<
  caf::replies_to<join_atom, join_request, session_actor>::with<frames::joined>,
  caf::replies_to<leave_atom, member_id>::with<caf::ok_atom>,
  caf::replies_to<release_atom, member_id, queue_id, generation>::with<caf::ok_atom>,
  caf::replies_to<commit_atom, frames::commit>::with<caf::ok_atom>,
  caf::replies_to<describe_atom>::with<frames::group_description>,
  caf::replies_to<reset_atom, frames::group_reset>::with<caf::ok_atom>,
  caf::replies_to<remove_atom>::with<caf::ok_atom>, // Unless somebody is in it.
  // Another actor is to serve the group: nothing more is begun, and once all is written, answered.
  caf::replies_to<hand_over_atom, group_change>::with<caf::ok_atom>,
  caf::reacts_to<close_atom>,                            // Its deletion, or that, is over.
  caf::reacts_to<alter_atom, topic_record, shard_table>, // A topic it reads, and its queues.
  caf::reacts_to<alter_atom, group_record>,              // Its own settings.
  caf::reacts_to<remove_atom, topic_record>,             // A topic it reads is gone.
  caf::reacts_to<deadline_atom, queue_id, generation>,   // The revoke time-out is over.
  caf::reacts_to<deadline_atom, member_id>,              // It was away too long.
  caf::replies_to<forget_atom, std::string>::with<caf::ok_atom>, // Unless it is connected.
  caf::reacts_to<settle_atom, consumed_messages>,                // A transaction was committed.
  caf::reacts_to<start_atom, queue_id, generation>>;             // Look again where to begin.

/// One group of mode `shared` or `keyed`: what `group_actor` does, and single messages. Of
/// `joined`, `subscription` is the member's reader here.
using delivery_actor = group_actor::extend_with<reader_actor>::extend<
  caf::replies_to<settle_atom, frames::settle>::with<caf::ok_atom>,
  caf::replies_to<renew_atom, frames::renew>::with<frames::renewed>,
  caf::replies_to<why_atom, queue_id, offset>::with<lent_whereabouts>,
  caf::replies_to<graves_atom>::with<frames::dead_letter_list>,
  caf::replies_to<graves_atom, frames::redrive>::with<frames::redriven>,
  caf::reacts_to<demand_atom, core::reader_id, std::uint64_t>, // A member may be sent so much more.
  caf::reacts_to<flushed_atom, shard_id>,                      // Write what has gathered.
  caf::reacts_to<subscribe_atom, queue_id>,                    // Begin to read, or once more.
  caf::reacts_to<tick_atom>>;

/// One group of mode `broadcast`: what `group_actor` does, and named consumers. A `group_record` of
/// a named consumer that it gets is one that is there.
using broadcast_actor = group_actor::extend<
  caf::reacts_to<drop_atom, group_id>,                         // This consumer is forgotten.
  caf::reacts_to<start_atom, group_id, queue_id, generation>>; // Look again where to begin.

/// Schedules: sends their messages when they are due. One change of them at a time.
using schedules_actor =
  caf::typed_actor<caf::replies_to<create_atom, frames::schedule_put>::with<frames::schedules>,
                   caf::replies_to<remove_atom, frames::schedule_delete>::with<caf::ok_atom>,
                   caf::replies_to<list_atom, frames::schedule_list>::with<frames::schedules>,
                   caf::reacts_to<tick_atom>>;
/// Tells one message's story, once: walks the log, asks the groups, and ends.
using story_actor = caf::typed_actor<caf::replies_to<why_atom>::with<frames::message_story>>;
/// Looks for messages of a key, once: has the log reader look, step by step, and ends.
using key_finder_actor = caf::typed_actor<caf::replies_to<find_atom>::with<frames::key_found>>;

/// Names: which topics and groups there are, and who serves them. One change at a time.
using catalogue_actor = caf::typed_actor<
  caf::replies_to<create_atom, frames::topic_create>::with<frames::topic_description>,
  caf::replies_to<alter_atom, frames::topic_alter>::with<frames::topic_description>,
  caf::replies_to<remove_atom, std::string>::with<caf::ok_atom>,
  caf::replies_to<describe_atom, frames::topic_describe>::with<frames::topic_description>,
  caf::replies_to<list_atom>::with<frames::topic_names>,
  caf::replies_to<route_atom, queue_id>::with<shard_actor>,
  caf::replies_to<activate_atom, queue_id>::with<queue_actor>,
  caf::replies_to<join_atom, frames::join>::with<group_actor>, // Made if there is none.
  caf::replies_to<list_atom, group_tag>::with<frames::group_names>,
  caf::replies_to<describe_atom, group_tag, std::string>::with<frames::group_description>,
  caf::replies_to<reset_atom, frames::group_reset>::with<frames::group_description>,
  caf::replies_to<alter_atom, frames::group_put>::with<frames::group_description>,
  caf::replies_to<save_atom, member_seat>::with<caf::ok_atom>,
  caf::replies_to<graves_atom, std::string>::with<topic_record>, // For a group's dead letters.
  caf::replies_to<graves_atom, group_tag, std::string>::with<frames::dead_letter_list>,
  caf::replies_to<graves_atom, frames::redrive>::with<frames::redriven>,
  caf::replies_to<remove_atom, group_tag, std::string>::with<caf::ok_atom>,
  caf::replies_to<close_atom, frames::timer_end>::with<frames::timers_changed>,
  caf::replies_to<move_atom, frames::timer_move>::with<frames::timers_changed>,
  caf::replies_to<list_atom, frames::timer_list>::with<frames::timers>,
  caf::replies_to<why_atom, frames::message_why>::with<frames::message_story>,
  caf::replies_to<find_atom, frames::key_find>::with<frames::key_found>,
  caf::replies_to<forget_atom, frames::group_forget>::with<caf::ok_atom>, caf::reacts_to<tick_atom>,
  caf::replies_to<alter_atom, frames::producer_request>::with<frames::producer_answer>,
  caf::replies_to<forget_atom, frames::producer_forget>::with<caf::ok_atom>,
  // What the schedules actor answers.
  caf::replies_to<create_atom, frames::schedule_put>::with<frames::schedules>,
  caf::replies_to<remove_atom, frames::schedule_delete>::with<caf::ok_atom>,
  caf::replies_to<list_atom, frames::schedule_list>::with<frames::schedules>,
  caf::replies_to<resolve_atom, tx_question>::with<tx_places>,
  caf::reacts_to<settle_atom, tx_settled>, // By committed transactions.
  caf::replies_to<status_atom>::with<catalogue_counts>,
  caf::replies_to<actors_atom>::with<frames::node_actor_list>>;

/// The supervisor: opens shards, starts and stops everything, answers for the whole node.
using node_actor =
  caf::typed_actor<caf::replies_to<start_atom>::with<node_ports>,
                   caf::replies_to<open_shard_atom, shard_id>::with<shard_handles>,
                   caf::replies_to<status_atom>::with<frames::node_status_report>,
                   caf::replies_to<actors_atom>::with<frames::node_actor_list>,
                   caf::replies_to<backup_atom, std::string>::with<frames::backup_done>,
                   caf::replies_to<drain_atom>::with<caf::ok_atom>, caf::reacts_to<tick_atom>>;

} // namespace carafe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(carafe::shard_handles)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(carafe::tx_places)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(carafe::shard_table)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(carafe::byte_buffer)
