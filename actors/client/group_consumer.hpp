#pragma once

#include "actors/client/consumer_core.hpp"
#include "actors/client/membership.hpp"

#include <deque>

namespace carafe::client {

/// A member of an `ordered` or `broadcast` group.
///
/// Acknowledgements are collected a queue (`ack_tracker`) and committed together, one `commit` at a
/// time, at least every `commit_interval`. When a queue is revoked, what was handed out may be
/// acknowledged for half of the node's time-out; then the queue is released.
///
/// With the connection the membership is gone: the member joins anew, and its queues may come back
/// from their committed offsets. What was acknowledged before but could not be committed is not
/// handed out again if this consumer gets the queue back; another consumer gets it a second time.
///
/// In a `broadcast` group nobody else gets the queues. Without a durable name there is nothing to
/// commit, and after a reconnection reading goes on after what was handed out.
class group_consumer final : public consumer_core {
public:
  group_consumer(link& wire, consumer_options options);

  /// Joins, and waits for the node's consent.
  /// @errors timeout, subscription_mismatch, topic_unknown, group_name_invalid, too_many_members, …
  result<void> open();

  result<void> ack(const delivery& d) override;
  result<void> commit() override;
  result<void> close() override;

  void on_ready() override;
  void on_lost() override;

private:
  using positions = std::vector<frames::commit_position>;
  using target = std::pair<queue_id, offset>;

  /// A queue that was ours.
  struct former {
    ack_tracker acks;
    offset committed;
    /// Where reading went on.
    start_position next;
    /// Somebody else has it; otherwise the connection broke and it may come back.
    bool taken = false;
  };

  [[nodiscard]] errc not_read() const override { return errc::not_owner; }
  [[nodiscard]] bool acknowledges() const override { return commits(); }
  /// Whether the node keeps offsets of this consumer.
  [[nodiscard]] bool commits() const {
    return options_.mode != group_mode::broadcast || !options_.durable_name.empty();
  }
  bool on_other_frame(frames::frame& f) override;
  void on_subscription_ended(const reading_ptr& r, const failure& why) override;
  void on_passed(const reading_ptr& r) override;

  // -- group_consumer.cpp: the consumer's threads
  // --------------------------------------------------
  result<void> await_commit(std::unique_lock<std::mutex>& guard,
                            const std::vector<target>& targets);
  /// Forgets everything. @thread The connection's, under mutex_.
  void go();

  // -- group_membership.cpp: the connection's thread, under mutex_
  // ---------------------------------
  void on_joined();
  void on_assigned(const frames::assigned& a);
  void on_revoked(const frames::revoked& revoked);
  void release_if_done(const reading_ptr& r);
  void retire(const reading_ptr& r, bool taken);
  [[nodiscard]] bool may_come_back() const;
  void retire_all();
  void rejoin();

  // -- group_commit.cpp: the connection's thread, under mutex_
  // -------------------------------------
  void arm_commit(std::chrono::milliseconds wait);
  void commit_now();
  void send_commit(positions what);
  void on_committed(const positions& what, frames::body&& body);
  void on_not_committed(const positions& what, const failure& why);

  membership membership_;
  /// By it the node knows this consumer again, and lets it have its own name back.
  std::uint64_t holder_ = 0;
  /// Assignments that came before the answer to `join`.
  std::vector<frames::assigned> early_;
  std::map<queue_id, former> former_;
  /// When a queue that was ours before the connection broke would have come back, had it not gone
  /// to somebody else meanwhile.
  std::chrono::steady_clock::time_point settled_at_{};

  /// A commit waits for its answer.
  bool committing_ = false;
  /// A timer for the next one runs.
  bool commit_armed_ = false;
  /// Somebody waits in `commit`.
  unsigned commit_waiters_ = 0;
  /// Positions of a refused commit, tried one by one to find the culprit.
  std::deque<frames::commit_position> singly_;
};

} // namespace carafe::client
