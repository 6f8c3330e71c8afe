#pragma once

#include <carafe/message.hpp>
#include <carafe/result.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::client {

struct consumer_options {
  std::vector<std::string> topics{};
  /// Empty: read without a group, nothing is committed.
  std::string group{};
  /// A name for people.
  std::string member{};
  /// Without a group only: just these queues of the (single) topic.
  std::vector<queue_number> queues{};
  /// Where to begin; with a group, where it has no committed offset.
  start_position start{};
  range_policy out_of_range = range_policy::error;
  /// Bytes the node may send ahead, for each queue.
  std::uint32_t credit_bytes = 1u << 20;
  /// Acknowledged messages are committed at least so often (with a group).
  std::chrono::milliseconds commit_interval{100};
};

/// Receives messages: pull with `poll`, or push with `run`.
///
/// With a group (`ordered`), a queue has one owner at a time and its messages come in order. A
/// message is done when it is acknowledged; the committed offset follows the first message that is
/// not. When a queue is taken away (another consumer joined), messages of it that were not handed
/// out yet are dropped here and come to the new owner.
///
/// @thread Any, one at a time for `poll`.
class consumer {
public:
  virtual ~consumer() = default; // As `close`.

  /// The next messages in order of arrival, waiting up to `wait` for the first.
  /// @returns 1..`max` messages, or none when the time is over.
  /// @errors offset_out_of_range, topic_unknown, subscription_mismatch, … what ended a
  ///         subscription; the others go on.
  virtual result<std::vector<delivery>> poll(std::size_t max, std::chrono::milliseconds wait) = 0;

  /// Calls `handle` for every message on this thread and acknowledges it when `handle` returns
  /// true; ends when `handle` returns false (that message is not acknowledged), `stop` is called
  /// or an error comes.
  virtual result<void> run(const std::function<bool(const delivery&)>& handle) = 0;
  virtual void stop() = 0;

  /// Marks a message as handled (no network round trip; see `commit_interval`).
  /// @errors not_owner  the queue has moved on; the message will come to somebody else.
  virtual result<void> ack(const delivery& d) = 0;
  /// Commits everything acknowledged and waits until it is durable.
  virtual result<void> commit() = 0;

  /// Reads on from elsewhere. Messages not handed out yet are dropped.
  /// @errors offset_out_of_range, not_owner, queue_unknown.
  virtual result<void> seek(const std::string& topic, queue_number number,
                            const start_position& to) = 0;
  /// No messages of these queues from `poll` until `resume`; others go on.
  virtual result<void> pause(const std::string& topic, queue_number number) = 0;
  virtual result<void> resume(const std::string& topic, queue_number number) = 0;

  struct owned_queue {
    std::string topic;
    queue_number number;
    queue_id queue;
    carafe::offset next; ///< Offset that `poll` would hand out next.
  };
  [[nodiscard]] virtual std::vector<owned_queue> queues() const = 0;

  /// Commits, leaves the group and releases the queues. Does not wait for a lost connection.
  /// @errors disconnected     acknowledgements that were not committed are lost with the
  /// connection.
  ///         outcome_unknown  the node has not confirmed the commit in time.
  virtual result<void> close() = 0;
};

} // namespace carafe::client
