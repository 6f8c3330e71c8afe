#pragma once

#include "actors/client/receiver.hpp"
#include "actors/client/source.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace carafe::client {

/// What readers of whole queues, with and without a group, have in common: queues that are being
/// read, handing out their messages, credit, pause and seek.
class consumer_core : public receiver {
public:
  using receiver::receiver;

  // -- the consumer's threads
  // ----------------------------------------------------------------------

  result<void> nack(const delivery& d, const nack_options& how) override;
  result<void> reject(const delivery& d, const std::string& error) override;
  result<void> seek(const std::string& topic, queue_number number,
                    const start_position& to) override;
  result<void> set_paused(const std::string& topic, queue_number number, bool paused) override;
  [[nodiscard]] std::vector<consumer::owned_queue> queues() const override;

  // -- the connection's thread
  // ---------------------------------------------------------------------

  bool on_frame(frames::frame& f) override;

protected:
  using verdict = std::function<void(result<void>)>;

  /// A queue that is being read.
  struct reading {
    reading(queue_name name, std::uint32_t credit_bytes) : from(std::move(name), credit_bytes) {}

    source from;
    /// Its number on this connection; 0: none.
    subscription_id subscription;
    /// Whether the node still has that one, and its credit.
    bool live = false;
    /// Where to begin, while the node has not told the offset that this is.
    std::optional<start_position> start;
    /// `subscribe` frames without an answer: what is delivered meanwhile is of the old position.
    unsigned moving = 0;
    /// Who waits for `seek`, and where to go on if it fails.
    std::vector<verdict> movers;
    std::optional<start_position> fallback;
    bool seeking = false;
    bool paused = false;
    /// Nothing more comes; `seek` may revive it.
    bool ended = false;
    /// Why, until the messages before it are handed out.
    std::optional<failure> ended_why;
    // Of a group's queue:
    generation owner;
    ack_tracker acks;
    /// Known to be committed.
    offset committed;
    bool revoked = false;
    /// Revoked, and there is no more time for acknowledgements.
    bool overdue = false;
  };
  using reading_ptr = std::shared_ptr<reading>;

  /// A frame that only one kind of consumer knows. @thread The connection's.
  virtual bool on_other_frame(frames::frame& f) = 0;
  /// What to answer when a queue is asked for that is not read.
  [[nodiscard]] virtual errc not_read() const = 0;
  /// Whether messages count as done only when acknowledged.
  [[nodiscard]] virtual bool acknowledges() const = 0;

  // -- under mutex_
  // --------------------------------------------------------------------------------

  [[nodiscard]] reading_ptr find(const std::string& topic, queue_number number) const;
  [[nodiscard]] reading_ptr find(queue_id queue) const;
  [[nodiscard]] reading_ptr find(subscription_id subscription) const;
  void put(const reading_ptr& r);
  /// Stops reading; the reason comes out of `poll` after what came before.
  void end(const reading_ptr& r, const failure& why);
  void tell_end(reading& r);

  // -- the connection's thread, under mutex_
  // -------------------------------------------------------

  void set_subscription(const reading_ptr& r, subscription_id id);
  /// By value: `r` may be the pointer that is erased.
  void remove(reading_ptr r);
  /// Positions a queue: at `start` if it has one, else at its next offset. With a live subscription
  /// that one is moved, otherwise there is a new one.
  void subscribe(const reading_ptr& r);
  /// Where it goes on, or is to begin.
  [[nodiscard]] static start_position position(const reading& r);
  virtual void on_subscription_ended(const reading_ptr& r, const failure& why);
  /// The position to commit has moved, though nobody acknowledged. @thread Any.
  virtual void on_passed(const reading_ptr&) {}
  /// What was asked for on a connection that is gone will not come.
  void forget_connection(const reading_ptr& r);

  std::map<queue_id, reading_ptr> readings_;

private:
  [[nodiscard]] std::shared_ptr<consumer_core> self();

  // -- consumer_core.cpp: the consumer's threads, under mutex_
  // -------------------------------------
  bool hand_out(std::size_t max, std::vector<delivery>& out,
                std::vector<frames::credit>& credit) override;

  // -- consumer_wire.cpp: the connection's thread, under mutex_
  // ------------------------------------
  void on_deliver(const reading_ptr& r, frames::deliver&& batch);
  /// Who learns of messages that were left out.
  [[nodiscard]] ack_tracker* acks_of(reading& r) const {
    return acknowledges() ? &r.acks : nullptr;
  }
  void on_subscribed(const reading_ptr& r, frames::body&& body);
  void on_position(const reading_ptr& r, offset begin);
  void on_no_position(const reading_ptr& r, const frames::error& error);
  void subscribe_later(const reading_ptr& r, std::uint32_t after_ms);
  static void settle_movers(reading& r, const result<void>& outcome);
  void move(const reading_ptr& r, const start_position& to, verdict done);
  void unsubscribe(reading& r);
  void return_credit(reading& r);

  std::unordered_map<subscription_id, reading_ptr> by_subscription_;
  /// Whose turn it is to hand out.
  std::vector<reading_ptr> turns_;
  std::size_t turn_ = 0;
  std::set<std::pair<std::string, queue_number>> paused_;
};

} // namespace carafe::client
