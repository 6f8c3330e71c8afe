#pragma once

#include "actors/client/link.hpp"

#include <carafe/consumer.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace carafe::client {

/// What all kinds of consumers have in common: waiting for messages, and telling what went wrong.
///
/// The connection's thread feeds it; the consumer's threads read. Both hold `mutex_` only for
/// short: a batch is decoded under it, a callback of the user never runs under it.
class receiver : public listener, public std::enable_shared_from_this<receiver> {
public:
  receiver(link& wire, consumer_options options);

  // -- the consumer's threads
  // ----------------------------------------------------------------------

  result<std::vector<delivery>> poll(std::size_t max, std::chrono::milliseconds wait);
  /// Makes the poll that waits, or the next one, return without messages.
  void interrupt();
  [[nodiscard]] bool interrupted() const;
  void clear_interrupt();

  // As those of `consumer`:
  virtual result<void> ack(const delivery& d) = 0;
  virtual result<void> nack(const delivery& d, const nack_options& how) = 0;
  virtual result<void> reject(const delivery& d, const std::string& error) = 0;
  virtual result<void> commit() = 0;
  virtual result<void> seek(const std::string& topic, queue_number number,
                            const start_position& to) = 0;
  virtual result<void> set_paused(const std::string& topic, queue_number number, bool paused) = 0;
  [[nodiscard]] virtual std::vector<consumer::owned_queue> queues() const = 0;
  /// Ends it: afterwards `poll` answers `disconnected`.
  virtual result<void> close() = 0;

  // -- the connection's thread
  // ---------------------------------------------------------------------

  void on_room() override {}

protected:
  friend class membership;

  // -- under mutex_
  // --------------------------------------------------------------------------------

  /// Adds up to `max` messages, and the credit to be given back for what is finished.
  /// @returns Whether there were any.
  virtual bool hand_out(std::size_t max, std::vector<delivery>& out,
                        std::vector<frames::credit>& credit) = 0;
  void report(failure why);
  /// Why it could not begin in time: what the node said last, if it answered at all.
  [[nodiscard]] failure not_open(const char* silence) const;

  link& link_;
  const consumer_options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  /// It is closed, and what it has is still given back.
  bool closing_ = false;
  /// Set when nothing can come any more.
  std::optional<failure> dead_;
  /// What the node refused last and may grant later.
  std::optional<failure> refusal_;

private:
  void send_credit(std::vector<frames::credit> credit);

  std::deque<failure> failures_;
  bool interrupted_ = false;
};

} // namespace carafe::client
