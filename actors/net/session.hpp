#pragma once

#include "actors/clock.hpp"
#include "actors/core/pacer.hpp"
#include "actors/core/screen.hpp"
#include "actors/core/send_budget.hpp"
#include "actors/error_bridge.hpp"
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/net/peer.hpp"
#include "actors/net/send_pool.hpp"
#include "actors/quotas.hpp"
#include "actors/watch_list.hpp"
#include "schema/batch.hpp"
#include "schema/frame.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace carafe {

struct session_options {
  std::string node_name;
  std::string software;
  batch_limits limits;
  std::uint32_t frame_bytes_max = 0;
  std::uint32_t in_flight_max = 0;
  std::uint32_t subscriptions_max = 4'096;
  std::uint64_t idle_timeout_ms = 0;
};

/// What every session of a node shares.
struct session_context {
  session_options options;
  node_actor node;
  catalogue_actor catalogue;
  transactions_actor transactions;
  std::shared_ptr<const clock> clocks;
  std::shared_ptr<node_metrics> metrics;
  std::shared_ptr<send_pool> sending;
  std::shared_ptr<quota_board> quotas = std::make_shared<quota_board>();
};

/// More unsent bytes than this, and no more frames are taken: the client does not read its answers.
inline constexpr std::uint64_t unsent_max = 8u << 20;

struct session_state {
  static inline const char* name = "session";

  session_state() = default;
  session_state(const session_state&) = delete;
  session_state& operator=(const session_state&) = delete;
  ~session_state() {
    if (context) context->sending->held(held_bytes, 0);
  }

  /// A queue that this client reads, by itself or as a member of a group.
  struct subscription {
    queue_id queue;
    queue_actor actor;
    /// Of a member of a `shared` or `keyed` group, instead of queue and actor.
    delivery_actor delivery;
    core::reader_id reader;
    /// Of a group's assignment; 0 otherwise.
    member_id member;
    generation owner;
    bool opening = true;
    /// Of a group's assignment: whether the client knows of it.
    bool told = false;
    /// Which opening it waits for: a late answer to an earlier one is not its own.
    std::uint64_t opening_number = 0;
    screening kept_from = {};
    /// While it reads; nothing: this client takes whole batches only.
    std::optional<core::screen> screen = {};
  };
  std::uint64_t openings = 0;
  /// Bytes the client took since the last tick.
  std::uint64_t taken_bytes = 0;

  std::shared_ptr<const session_context> context;
  connection_actor connection;
  peer from;
  std::string client;
  bool greeted = false;
  /// Of the protocol.
  std::uint16_t version = frames::protocol_version_min;
  bool closing = false;
  bool draining = false;

  std::optional<frames::reader> input;
  bool halted = false;
  /// Whole frames may wait in `input`.
  bool held = false;
  /// Requests taken from the client and not answered yet.
  std::uint32_t pending = 0;
  mono_ms last_frame{0};
  /// When the client last took some of what is unsent.
  mono_ms last_taken{0};
  /// A frame whose queue's shard is being looked up; nothing overtakes it.
  std::optional<frames::frame> stalled;

  byte_buffer output;
  std::uint64_t unsent = 0;

  struct route {
    shard_actor shard;
    queue_quotas quotas;
  };
  std::unordered_map<queue_id, route> routes;
  std::map<subscription_id, subscription> subscriptions;
  core::send_budget budget;
  /// This client's; null: none.
  std::shared_ptr<quota_pair> quotas;
  /// What it holds back of what the budget grants.
  core::pacer<subscription_id> pacer;
  /// It looks again after a while.
  bool pausing = false;
  /// What the node's send_pool counts for this connection.
  std::uint64_t held_bytes = 0;
  std::unordered_map<core::reader_id, subscription_id> readers;
  std::map<member_id, group_actor> members;
  /// Queues that are read, and the members' groups.
  watch_list watched;
  std::uint64_t assignments = 0;
  /// Soon the client is told what it was not sent.
  bool telling = false;
};

using session_pointer = session_actor::stateful_pointer<session_state>;

/// Serves one client. Whatever it sends is checked here, in full, before anybody else sees it; a
/// frame that cannot be understood ends this connection and hurts nobody else.
session_actor::behavior_type session(session_pointer self,
                                     std::shared_ptr<const session_context> context,
                                     connection_actor connection, peer from);

// -- shared by the session's parts ----------------------------------------------------------------

/// Puts a frame into the output buffer; `flush` sends it.
void reply(session_pointer self, std::uint64_t request, frames::body body);
/// @param retry_after_ms  0: as it is usual for this error.
void reply_error(session_pointer self, std::uint64_t request, const failure& why,
                 std::uint32_t retry_after_ms = 0);
void flush(session_pointer self);

/// One request more or less in the client's pipeline; the last may let reading go on.
void begin_request(session_pointer self);
void end_request(session_pointer self);

/// Asks `handle` and answers `request` with what `to_body` makes of the answer.
template <class Answer, class Handle, class ToBody, class... Args>
void ask(session_pointer self, std::uint64_t request, const Handle& handle, ToBody to_body,
         Args&&... args) {
  begin_request(self);
  self->request(handle, caf::infinite, std::forward<Args>(args)...)
    .then(
      [self, request, to_body](const Answer& answer) {
        reply(self, request, to_body(answer));
        end_request(self);
        flush(self);
      },
      [self, request](const caf::error& why) {
        reply_error(self, request, from_caf(why));
        end_request(self);
        flush(self);
      });
}

/// Bytes taken from the quotas of a topic and of a client.
struct quota_use {
  std::shared_ptr<quota_pair> topic;
  std::shared_ptr<quota_pair> client;
  std::uint64_t bytes = 0;

  /// Nothing was stored, or nothing new.
  void give_back() const;
};
/// Takes `bytes` for a batch of `topic`, which may be null. Whoever is over a quota is told which
/// one and when to come again.
/// @returns Nothing: `request` was answered with an error.
std::optional<quota_use> take_quotas(session_pointer self, std::uint64_t request,
                                     const std::shared_ptr<quota_pair>& topic, std::uint64_t bytes);
/// Tells the subscription's queue or group of more demand, or holds it back.
void send_demand(session_pointer self, subscription_id id, std::uint64_t bytes);
/// Passes demand on as far as the client's consume quota goes, and looks again when there is room.
void pace(session_pointer self);
void count_delivered(session_pointer self, subscription_id id, std::uint64_t bytes);
void forget_paced(session_pointer self, subscription_id id);

void on_produce(session_pointer self, std::uint64_t request, const frames::produce& what);

void on_subscribe(session_pointer self, std::uint64_t request, const frames::subscribe& what);
void on_unsubscribe(session_pointer self, std::uint64_t request, const frames::unsubscribe& what);
void on_credit(session_pointer self, const frames::credit& what);
void on_ended(session_pointer self, core::reader_id reader, const failure& why);
void on_want(session_pointer self, core::reader_id reader, const want& what);
/// Tells queues what they may send from now on, and the node what this connection holds.
void tell(session_pointer self, const core::send_budget::grants& grants);
void stop_reading(session_pointer self, subscription_id id, session_state::subscription& sub);
/// It is there no more.
void forget_subscription(session_pointer self, subscription_id id);
/// Forgets it and tells the client why.
void end_subscription(session_pointer self, subscription_id id, const failure& why);
/// Finds the queue's actor, then the position; `done` gets either, and then batches may come.
void open_subscription(session_pointer self, subscription_id id, queue_id queue,
                       subscribe_request wish, std::function<void(const result<reading>&)> done);
/// Ends what read from an actor that died.
void on_queue_down(session_pointer self, const caf::actor_addr& source);

// session_screen.cpp: what clients are not sent.
void on_deliver(session_pointer self, core::reader_id reader, const storage::stored_batch& batch);
void on_expiry(session_pointer self, core::reader_id reader, const core::topic_expiry& now);
void tell_all_passed(session_pointer self);
/// A subscription begins to read, or begins elsewhere.
void begin_screen(session_pointer self, session_state::subscription& sub, const reading& where);
/// @param group  The queue is a group's.
/// @errors invalid_argument, unsupported, filter_invalid
result<screening> screening_of(const session_state& s, const frames::subscribe& what, bool group);
/// Why a filter is refused to a client that would not understand what it is sent.
failure old_client(const session_state& s);

void on_join(session_pointer self, std::uint64_t request, const frames::join& what);
void on_leave(session_pointer self, std::uint64_t request, const frames::leave& what);
void on_settle(session_pointer self, std::uint64_t request, const frames::settle& what);
void on_renew(session_pointer self, std::uint64_t request, const frames::renew& what);
void on_leased(session_pointer self, core::reader_id reader, const lending& what);
void on_release(session_pointer self, std::uint64_t request, const frames::release& what);
void on_commit(session_pointer self, std::uint64_t request, const frames::commit& what);
void on_assign(session_pointer self, const assignment& what);
void on_assign_failed(session_pointer self, const assignment& what, const failure& why);
void on_revoke(session_pointer self, const revocation& what);
void on_group_down(session_pointer self, const caf::actor_addr& source);
void leave_all(session_pointer self);

/// Transactions (session_transactions.cpp).
/// @returns False if `f` is none of their frames.
bool on_transaction(session_pointer self, const frames::frame& f);

/// Topics, groups and the node itself.
/// @returns False if `f` is not an admin request.
bool on_admin(session_pointer self, const frames::frame& f);

} // namespace carafe
