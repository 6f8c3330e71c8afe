#pragma once

#include <carafe/message.hpp>
#include <carafe/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::client {

/// How a group shares its work; a group has one mode.
enum class group_mode : std::uint8_t {
  /// A queue has one consumer at a time, which gets its messages in order.
  ordered,
  /// Any consumer gets any message; each message is done, tried again or given up by itself.
  shared,
  /// As `shared`, but of the messages of a key in a queue one at a time, in order.
  keyed,
  /// Every consumer gets every message.
  broadcast,
};

/// Which messages a group, or a consumer without one, wants; the node leaves the others out.
struct message_filter {
  enum class kind : std::uint8_t {
    none,
    /// `a || b`: messages with one of these tags; `*`: all.
    tags,
    /// An SQL92 condition over properties, tag and key.
    sql,
  };
  kind how = kind::none;
  std::string text{};

  friend bool operator==(const message_filter&, const message_filter&) = default;
};

struct consumer_options {
  std::vector<std::string> topics{};
  /// Empty: read without a group, nothing is committed.
  std::string group{};
  /// Of the group; a new group becomes so.
  group_mode mode = group_mode::ordered;
  /// Of the group, as its mode; without a group, of this consumer.
  message_filter filter{};
  /// Without a group only: messages whose time to live is over, too; they are marked.
  bool expired = false;
  /// A name for people; empty: `durable_name`.
  std::string member{};
  /// `broadcast`: the node keeps this consumer's offsets under this name, and a consumer that comes
  /// with it later goes on there. One consumer has it at a time. Empty: no offset is kept.
  std::string durable_name{};
  /// `ordered`: when this consumer is gone, its queues are kept for it for a while (the node's
  /// `member-grace-ms`; also after `close`), and it has them again when it comes with the same id;
  /// meanwhile nobody's queues move. One consumer has an id at a time. 1 to 127 letters, digits,
  /// '.',
  /// '_' or '-', the first no '.' or '-'. Empty: its queues go to others at once. In groups of
  /// other modes it is only a name.
  std::string member_id{};
  /// Without a group only: just these queues of the (single) topic.
  std::vector<queue_number> queues{};
  /// Where to begin; with a group, where it has no committed offset.
  start_position start{};
  range_policy out_of_range = range_policy::error;
  /// Bytes the node may send ahead: for each queue, or in `shared` and `keyed` groups for all.
  std::uint32_t credit_bytes = 1u << 20;
  /// `shared` and `keyed`: messages that this consumer may have and not have settled; 0: the
  /// group's setting, which is also the most.
  std::uint32_t in_flight_max = 0;
  /// Acknowledged messages are committed at least so often (with a group). Nothing: 100 ms; 5 ms in
  /// `shared` and `keyed` groups, where the node may wait for it before it gives out more.
  std::optional<std::chrono::milliseconds> commit_interval{};
};

struct nack_options {
  /// Pause before the next attempt; nothing: the group's back-off decides.
  std::optional<std::chrono::milliseconds> delay{};
  /// Why, for people and for the dead letter; 512 bytes are kept.
  std::string error{};
};

/// Receives messages: pull with `poll`, or push with `run`.
///
/// With a group (`ordered`), a queue has one owner at a time and its messages come in order. A
/// message is done when it is acknowledged; the committed offset follows the first message that is
/// not. When a queue is taken away (another consumer joined), messages of it that were not handed
/// out yet are dropped here and come to the new owner.
///
/// In `broadcast` groups the queues are everybody's. A consumer with a `durable_name` acknowledges
/// and goes on as in an `ordered` group. One without need not acknowledge: when its connection
/// breaks it goes on after what was handed out, and when it is made anew it begins at `start`.
///
/// In `shared` and `keyed` groups a message is lent to this consumer until it is settled: `ack`,
/// `nack` or `reject`. The lease is renewed in the background for as long as that takes. When this
/// process dies, others get what it had; when only the connection breaks, it goes on with what it
/// has, as far as nobody else got it meanwhile.
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
  /// @errors not_owner  the queue has moved on; the message will come to somebody else. Never in
  ///                    `shared` and `keyed` groups: there a late acknowledgement counts.
  virtual result<void> ack(const delivery& d) = 0;
  /// `shared` and `keyed`: handling failed, the message is to be tried again, here or elsewhere.
  /// After the group's `attempts_max` it is given up.
  /// @errors not_owner    this consumer does not have the message any more: its lease has ended.
  ///         unsupported  the group's mode is another.
  virtual result<void> nack(const delivery& d, const nack_options& how = {}) = 0;
  /// `shared` and `keyed`: no attempt would help; the message becomes a dead letter.
  /// @param error  Why; 512 bytes are kept.
  /// @errors As `nack`.
  virtual result<void> reject(const delivery& d, const std::string& error = {}) = 0;
  /// Sends everything acknowledged, failed and rejected so far and waits until it is durable.
  virtual result<void> commit() = 0;

  /// Reads on from elsewhere. Messages not handed out yet are dropped.
  /// @errors offset_out_of_range, not_owner, queue_unknown; unsupported in `shared` and `keyed`
  ///         groups, and so are `pause` and `resume`: no queue is this consumer's.
  virtual result<void> seek(const std::string& topic, queue_number number,
                            const start_position& to) = 0;
  /// No messages of these queues from `poll` until `resume`; others go on.
  virtual result<void> pause(const std::string& topic, queue_number number) = 0;
  virtual result<void> resume(const std::string& topic, queue_number number) = 0;

  /// The group it is a member of; empty: none.
  [[nodiscard]] virtual std::string group() const = 0;

  struct owned_queue {
    std::string topic;
    queue_number number;
    queue_id queue;
    carafe::offset next; ///< Offset that `poll` would hand out next.
  };
  [[nodiscard]] virtual std::vector<owned_queue> queues() const = 0;

  /// Commits, leaves the group and releases the queues. What was lent and is not settled goes back,
  /// and that is no failure. Does not wait for a lost connection.
  /// @errors disconnected     acknowledgements that were not committed are lost with the
  /// connection.
  ///         outcome_unknown  the node has not confirmed the commit in time.
  virtual result<void> close() = 0;
};

} // namespace carafe::client
