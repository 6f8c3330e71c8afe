#pragma once

/// Requests that are answered. Both are messages on ordinary topics: a request says in its
/// properties where its answer is to go (docs/protocol.md, "Requests and answers").
///
///     auto r = c->make_requester({});
///     auto answer = (*r)->request("prices", {.body = "tea"});

#include <carafe/admin.hpp>
#include <carafe/consumer.hpp>
#include <carafe/message.hpp>
#include <carafe/producer.hpp>
#include <carafe/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace carafe::client {

/// Of a request: TOPIC/QUEUE, where its answer is to go.
inline constexpr std::string_view reply_to_property = "reply-to";
/// Of a request and of its answer: which one it answers.
inline constexpr std::string_view correlation_id_property = "correlation-id";
/// Of an answer: that there is none, and why.
inline constexpr std::string_view reply_error_property = "reply-error";

struct requester_options {
  /// Where answers come. It is made if it is missing, with so many queues and these settings:
  /// answers are of use for as long as somebody waits.
  std::string reply_topic = "carafe-replies";
  std::uint32_t reply_queues = 4;
  topic_settings reply_settings{.retention_ms = 3'600'000, .mode = durability::memory};
  /// Nothing: one of the topic's queues by chance. Requesters that share a queue read each other's
  /// answers and drop them.
  std::optional<queue_number> reply_queue{};
  /// From the call to the answer.
  std::chrono::milliseconds timeout{10'000};
  /// Requests that wait for their answers.
  std::size_t in_flight_max = 10'000;
  /// How requests are sent; its `delivery_timeout` is not above `timeout`.
  producer_options sending{};
};

/// Sends requests and waits for their answers, many at a time; each answer is told from the others
/// by its correlation id. What comes after the time is over is dropped.
///
/// A request is stored as any message is, so it may be handled although its requester has given up;
/// and, like any message, it may be handled twice: the first answer counts.
///
/// @thread Any.
class requester {
public:
  using callback = std::function<void(const result<delivery>&)>;

  /// Requests without an answer are answered with `disconnected`; what is not sent yet is waited
  /// for, at most `timeout`. Not from a callback.
  virtual ~requester() = default;

  /// Sends `m` and waits for its answer. Look at `reply_error_of` the answer.
  /// @param within  Instead of `requester_options::timeout`.
  /// @errors timeout          it is stored and was not answered in time; it may still be handled.
  ///         outcome_unknown  it may be stored.
  ///         too_many_requests  `in_flight_max`; those of a producer: it was not sent.
  ///         invalid_argument when called from a callback.
  virtual result<delivery> request(const std::string& topic, message m,
                                   std::optional<std::chrono::milliseconds> within = {}) = 0;

  /// The same without waiting. `done` is called once, on a thread of this requester: keep it short,
  /// others wait for it.
  /// @errors Only what is known at once; then `done` is not called.
  virtual result<void> request_async(const std::string& topic, message m, callback done,
                                     std::optional<std::chrono::milliseconds> within = {}) = 0;

  /// Requests that wait for their answers.
  [[nodiscard]] virtual std::size_t in_flight() const = 0;
  /// Answers that came when nobody waited for them any more.
  [[nodiscard]] virtual std::uint64_t late() const = 0;
};

// -- the answering side ---------------------------------------------------------------------------

/// Where the answer to a request goes.
struct reply_address {
  std::string topic;
  queue_number number;
  std::string correlation_id;

  friend bool operator==(const reply_address&, const reply_address&) = default;
};

/// Nothing: nobody waits for an answer to `d`.
[[nodiscard]] std::optional<reply_address> reply_address_of(const delivery& d);
/// What the answering side says went wrong, if it did.
[[nodiscard]] std::optional<std::string> reply_error_of(const delivery& answer);

/// Sends the answer to a request and waits for its receipt. A failure becomes an answer without a
/// body, with the property `reply-error`; so does one that is larger than the node takes.
/// @errors invalid_argument  `request` says not where its answer is to go.
///         Those of a producer. Unless they are retriable (`is_retriable`) no answer can reach the
///         requester.
[[nodiscard]] result<receipt> reply(producer& through, const delivery& request,
                                    const result<message>& answer);

/// Calls `handle` for every message on this thread, sends what it returns as the answer, and then
/// acknowledges the message; until `from.stop()`. Messages that are no requests are handled too,
/// and what `handle` returns is dropped.
/// @errors Those of `consumer::run`; of an answer that could not be sent now: its request is not
///         acknowledged.
result<void> respond(consumer& from, producer& through,
                     const std::function<result<message>(const delivery&)>& handle);

} // namespace carafe::client
