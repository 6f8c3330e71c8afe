#pragma once

#include <carafe/message.hpp>
#include <carafe/result.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace carafe::client {

struct producer_options {
  /// A batch is sent when it holds this many encoded bytes …
  std::uint32_t batch_bytes = 64 * 1024;
  /// … or this many messages …
  std::uint32_t batch_count = 4'096;
  /// … or its first message has waited so long. 0: at once, batching only what piles up behind
  /// batches in flight.
  std::chrono::milliseconds linger{0};
  /// Bytes that were given and are not acknowledged; `send` waits past it.
  std::uint64_t in_flight_bytes_max = 32u << 20;
  /// How long a message waits for room under `in_flight_bytes_max` before `send_async` refuses it;
  /// 0: `delivery_timeout`.
  std::chrono::milliseconds room_timeout{0};
  codec compression = codec::none;
  /// From `send` to the last retry, also while a quota holds the message up; after it the answer is
  /// `outcome_unknown`, or, if it is surely not stored, `timeout` or what the node said last:
  /// `too_many_requests` then names the quota, and how long it would take on.
  std::chrono::milliseconds delivery_timeout{30'000};
  /// After the first message that fails none is taken: `send` and `send_async` answer
  /// `disconnected`, so that nothing is stored behind it but what was given before.
  bool stop_at_failure = false;
  /// Makes it a named producer, which remembers over restarts of node and application what it has
  /// stored. A name is 1 to 127 letters, digits, '.', '_' or '-', the first no '.' or '-'. It has
  /// one holder: who opens it fences whoever had it before (`producer_fenced`).
  ///
  /// Each message has a `sequence` of the application's own. After a restart the application sends
  /// again from the last one that it knows to be stored, or from the first: what is stored already
  /// is told so (`receipt::duplicate`) and not stored twice. Stored is what the queue of the
  /// message has; so the same message must go to the same queue: by the same key, or the same `to`,
  /// or neither. The first message that fails stops the producer, as `stop_at_failure` does: behind
  /// it nothing of its queue is stored. Then make another producer of this name, and send again.
  std::string name = {};
  /// A missing topic comes to be by its first use, if the node allows it (create-on-use-queues).
  bool create_topics = true;
  /// Of the time for which the node asks to wait with `too_many_requests` (over a quota), so much
  /// does not count: not towards `delivery_timeout`, nor in `flush`, nor for room unless
  /// `room_timeout` is set. For who would rather wait in `send` than lose a message; at most a
  /// year.
  std::chrono::milliseconds quota_wait{0};
  /// The node asks to wait so long: why. Runs on the connection's thread, for each refusal; keep it
  /// short, and do not call the producer in it.
  std::function<void(const failure& why, std::chrono::milliseconds wait)> on_throttled = {};
};

/// Sends messages, each exactly once into its queue however often the connection breaks.
///
/// Keyed messages go to a queue chosen by a checksum of the key; the others round-robin, a batch at
/// a time.
///
/// @thread Any; calls of several threads are ordered by a lock.
class producer {
public:
  using callback = std::function<void(const result<receipt>&)>;

  virtual ~producer() = default; // Waits for what is in flight, at most `delivery_timeout`.

  /// Waits for the receipt.
  /// @errors message_too_large, topic_unknown, storage_full, timeout and too_many_requests (surely
  ///         not stored), outcome_unknown (may be stored), …
  virtual result<receipt> send(const std::string& topic, message m) = 0;

  /// @param to A queue number, instead of the one that key or turn would choose.
  virtual std::future<result<receipt>> send_async(const std::string& topic, message m,
                                                  std::optional<queue_number> to = {}) = 0;

  /// `done` runs on the connection's thread: keep it short, never block in it, never call `flush`.
  /// Waits while more than `in_flight_bytes_max` is unacknowledged.
  /// @errors Only what is known at once (message_too_large, timeout waiting for room); then `done`
  ///         is not called.
  virtual result<void> send_async(const std::string& topic, message m, callback done,
                                  std::optional<queue_number> to = {}) = 0;

  /// Sends what lingers and waits until everything given before is answered.
  /// @errors timeout after `delivery_timeout`.
  virtual result<void> flush() = 0;

  /// Waits no longer: what is not answered fails at once, with `outcome_unknown` if it may be
  /// stored, otherwise with `disconnected`, or with `too_many_requests` if it waits for a quota.
  /// From then on nothing is taken.
  virtual void give_up() = 0;

  /// Of a named producer: the highest `sequence` that a queue of the topic has, 0 if none. Lower
  /// ones may be missing in other queues if an earlier run ended in the middle: send again from
  /// what the application knows to be stored; what is there is not stored twice.
  /// @errors invalid_argument (it has no name, or it was called on the connection's thread),
  ///         producer_fenced, topic_unknown, timeout
  /// @cost One request.
  virtual result<sequence> last_sequence(const std::string& topic) const = 0;

  /// Chosen at random for this object. Messages of a named producer have other ids in each run.
  [[nodiscard]] virtual producer_id id() const = 0;
};

} // namespace carafe::client
