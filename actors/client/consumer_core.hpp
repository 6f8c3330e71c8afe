#pragma once

#include "actors/client/link.hpp"
#include "actors/client/source.hpp"

#include <carafe/consumer.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace carafe::client {

/// What consumers with and without a group have in common: queues that are being read, handing out
/// their messages, credit, pause and seek.
///
/// The connection's thread feeds the queues; the consumer's threads read them. Both hold `mutex_`
/// only for short: a batch is decoded under it, a callback of the user never runs under it.
class consumer_core : public listener, public std::enable_shared_from_this<consumer_core> {
public:
  consumer_core(link& wire, consumer_options options);

  // -- the consumer's threads
  // ----------------------------------------------------------------------

  result<std::vector<delivery>> poll(std::size_t max, std::chrono::milliseconds wait);
  /// Makes the poll that waits, or the next one, return without messages.
  void interrupt();
  [[nodiscard]] bool interrupted() const;
  void clear_interrupt();

  virtual result<void> ack(const delivery& d) = 0;
  virtual result<void> commit() = 0;
  /// Whether this queue is still read here.
  [[nodiscard]] bool holds(queue_id queue) const;
  result<void> seek(const std::string& topic, queue_number number, const start_position& to);
  result<void> set_paused(const std::string& topic, queue_number number, bool paused);
  [[nodiscard]] std::vector<consumer::owned_queue> queues() const;
  /// Ends it: afterwards `poll` answers `disconnected`.
  virtual result<void> close() = 0;

  // -- the connection's thread
  // ---------------------------------------------------------------------

  bool on_frame(frames::frame& f) override;
  void on_room() override {}

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
  void report(failure why);
  /// Why it could not begin in time: what the node said last, if it answered at all.
  [[nodiscard]] failure not_open(const char* silence) const;
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
  virtual void on_subscription_ended(const reading_ptr& r, const failure& why);
  /// What was asked for on a connection that is gone will not come.
  void forget_connection(const reading_ptr& r);

  link& link_;
  const consumer_options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  /// Set when nothing can come any more.
  std::optional<failure> dead_;
  /// What the node refused last and may grant later.
  std::optional<failure> refusal_;
  std::map<queue_id, reading_ptr> readings_;

private:
  struct credit_note {
    subscription_id subscription;
    std::uint32_t bytes = 0;
  };

  // -- consumer_core.cpp: the consumer's threads, under mutex_
  // -------------------------------------
  bool hand_out(std::size_t max, std::vector<delivery>& out, std::vector<credit_note>& credit);
  void send_credit(std::vector<credit_note> credit);

  // -- consumer_wire.cpp: the connection's thread, under mutex_
  // ------------------------------------
  void on_deliver(const reading_ptr& r, frames::deliver&& batch);
  void on_subscribed(const reading_ptr& r, frames::body&& body);
  void on_position(const reading_ptr& r, offset begin);
  void on_no_position(const reading_ptr& r, const frames::error& error);
  void subscribe_later(const reading_ptr& r, std::uint32_t after_ms);
  [[nodiscard]] static start_position position(const reading& r);
  static void settle_movers(reading& r, const result<void>& outcome);
  void move(const reading_ptr& r, const start_position& to, verdict done);
  void unsubscribe(reading& r);
  void return_credit(reading& r);

  std::unordered_map<subscription_id, reading_ptr> by_subscription_;
  /// Whose turn it is to hand out.
  std::vector<reading_ptr> turns_;
  std::size_t turn_ = 0;
  std::set<std::pair<std::string, queue_number>> paused_;
  std::deque<failure> failures_;
  bool interrupted_ = false;
};

} // namespace carafe::client
