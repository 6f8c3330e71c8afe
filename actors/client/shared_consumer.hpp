#pragma once

#include "actors/client/lease_book.hpp"
#include "actors/client/lent_inbox.hpp"
#include "actors/client/membership.hpp"

namespace carafe::client {

/// A member of a `shared` or `keyed` group.
///
/// The node lends messages; what the application settles is gathered and sent as ranges, one
/// `settle` at a time, at least every `commit_interval`. Leases are renewed for as long as the
/// application takes.
///
/// When the connection breaks or the node forgets the member, the messages stay: after joining
/// again the member presents them, drops what others got meanwhile (as far as it was not handed
/// out) and sends again what was not answered.
class shared_consumer final : public receiver {
public:
  shared_consumer(link& wire, consumer_options options);

  /// Joins, and waits for the node's consent.
  /// @errors timeout, subscription_mismatch, topic_unknown, group_name_invalid, too_many_members,
  ///         unsupported (the node does not know the mode), …
  result<void> open() { return membership_.open(); }

  result<void> ack(const delivery& d) override;
  result<void> nack(const delivery& d, const nack_options& how) override;
  result<void> reject(const delivery& d, const std::string& error) override;
  result<void> commit() override;
  result<void> seek(const std::string& topic, queue_number number,
                    const start_position& to) override;
  result<void> set_paused(const std::string& topic, queue_number number, bool paused) override;
  [[nodiscard]] std::vector<consumer::owned_queue> queues() const override { return {}; }
  result<void> close() override;

  void on_ready() override;
  void on_lost() override;
  bool on_frame(frames::frame& f) override;

private:
  /// What belongs to one membership; answers to an earlier one are void.
  struct episode {
    subscription_id subscription;
    std::chrono::milliseconds lease{};
    /// A settle, a renewal, or the question what is still ours waits for its answer.
    bool settling = false;
    bool renewing = false;
    bool presenting = false;
    /// The node could not take a settle just now.
    bool resting = false;
    time_point renewed_at{};
  };

  // -- shared_consumer.cpp: the consumer's threads, under mutex_
  bool hand_out(std::size_t max, std::vector<delivery>& out,
                std::vector<frames::credit>& credit) override;
  void return_credit(std::uint32_t bytes);
  void give_up_first(const failure& why);
  result<void> fail(frames::settle_failed what);
  void on_gathered();
  result<void> await_durable(std::unique_lock<std::mutex>& guard);
  /// Forgets everything. @thread The connection's.
  void go();

  // -- shared_leases.cpp: the connection's thread, under mutex_
  void on_joined(const frames::joined& joined);
  void on_leased(frames::leased&& batch);
  void on_ended(const failure& why);
  void begin_episode();
  void rejoin();
  void arm_renewal();
  void renew();
  void present();
  void ask_again_later(std::uint32_t after_ms);
  void on_presented(frames::body&& body);

  // -- shared_settle.cpp: the connection's thread, under mutex_
  void arm_settle(std::chrono::milliseconds wait);
  void settle_now();
  void on_answer(bool some_failed, frames::body&& body);
  void on_refused(bool some_failed, const frames::error& error);
  void rest(std::uint32_t after_ms);

  [[nodiscard]] std::shared_ptr<shared_consumer> self();
  /// Calls `then` with the answer, under mutex_, unless the episode is another by then.
  void ask(frames::body body, std::function<void(frames::body&&)> then);

  membership membership_;
  lease_book book_;
  lent_inbox inbox_;
  episode now_;
  std::uint64_t episodes_ = 0;
  /// What was lent before the answer to `join` came.
  std::vector<frames::leased> early_;
  std::optional<event_loop::timer> renewal_;

  /// A timer for the next settle runs; one is about to be sent.
  bool settle_armed_ = false;
  bool settle_posted_ = false;
  /// Threads in `commit`.
  unsigned waiters_ = 0;
  /// The node refused a settle: each queue's is sent by itself, to find the culprit.
  bool singly_ = false;
  /// It said that something that failed is not ours, and was asked what is.
  bool disputed_ = false;
};

} // namespace carafe::client
