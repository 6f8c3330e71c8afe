#pragma once

#include "actors/client/completion.hpp"
#include "schema/batch.hpp"
#include "schema/frame.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace carafe::client {

using time_point = std::chrono::steady_clock::time_point;

/// A producer id and the counter of its sequences. Lanes of one producer share one until a lane has
/// to take a fresh one.
struct identity {
  producer_id producer;
  std::uint64_t next = 1;
};

/// A full batch on its way, with those who wait for it.
struct sealed_batch {
  encoded_batch data;
  /// One a message, or none at all when nobody waits.
  std::vector<completion> completions;
  /// After it there are no more retries.
  time_point deadline;
  /// What it holds of the producer's `in_flight_bytes_max`.
  std::uint64_t bytes = 0;
  /// The producer's flush count when it was begun.
  std::uint64_t epoch = 0;
  /// Of a named producer: the application's numbers of its first and last message.
  sequence named_first = {};
  sequence named_last = {};
};

/// The batches of one producer for one queue: sends them in order, none that is `producer_window`
/// or more behind the oldest unanswered one, and again after errors and lost connections, so that
/// each is stored once.
///
/// Why resending is safe. The node stores a batch only if its first sequence is above the last one
/// it knows of (producer, queue) and `previous` equals that last one; it answers a batch it has
/// stored with the first receipt again. So, as long as a batch keeps its producer id and sequence,
/// it is stored at most once, whatever is sent as `previous` and however late a copy arrives.
///
/// `previous` is the batch before it. For the oldest unanswered batch that is the last one known to
/// be stored; but after a batch was given up with `outcome_unknown` nobody knows whether it counts,
/// so the lane tries both.
///
/// A batch may be sent under a fresh producer id only if every copy of it under the old id was
/// refused: a copy whose answer was lost with its connection may still be stored later. Whatever
/// waits behind a refused batch cannot have been stored either, so it is enough to look at the
/// oldest. The lane takes a fresh id
///   - after a batch was given up with `outcome_unknown`, as soon as the oldest batch allows it;
///   - when the node knows neither of the possible `previous` (it forgot an idle producer, or lost
///     unsynced data). If the oldest batch does not allow it, its outcome is unknown.
/// A refusal for good (say, `message_too_large`) needs no fresh id: the batches behind are sent
/// again with the `previous` that holds without it.
///
/// A lane of a named producer keeps its queue without gaps: behind a batch that failed nothing is
/// stored, and every batch fails. So the application can send everything again that is not
/// answered: the node knows the highest number that is stored, and below it nothing is missing.
///
/// Pure: time and fresh ids are arguments. Not thread-safe.
class lane {
public:
  using key = std::uint64_t;

  struct sending {
    key batch;
    frames::produce frame;
  };
  struct settled {
    sealed_batch batch;
    /// Producer id and first sequence under which it was sent last; 0 if it never was.
    message_id first;
    result<frames::receipt> outcome;
  };

  /// @param fresh_id Gives a producer id that nobody has used.
  /// @param named Of a named producer: its name, epoch and spread.
  /// @param quota_wait Of the time for which the node asks to wait, so much does not count towards
  ///        a batch's deadline.
  lane(queue_id queue, std::shared_ptr<identity> shared, std::function<producer_id()> fresh_id,
       named_part named = {}, std::chrono::milliseconds quota_wait = {});

  /// Takes a batch. Its deadline is never before that of the batch before it.
  void push(sealed_batch batch);
  /// A batch that would come now failed before it got here.
  void miss_one();

  /// The next batch that may be sent now; from then on its answer is awaited. Call until there is
  /// nothing more.
  std::optional<sending> next(time_point now, std::vector<settled>& out);

  void on_receipt(key batch, const frames::receipt& receipt, std::vector<settled>& out);
  void on_error(key batch, const frames::error& error, time_point now, std::vector<settled>& out);
  /// Nothing of the batch is stored: these of its messages were before. The others are sent again.
  void on_duplicates(key batch, const frames::duplicates& told, std::vector<settled>& out);
  /// The connection is gone, and with it all awaited answers.
  void on_lost();
  /// Gives up what is past its deadline.
  void expire(time_point now, std::vector<settled>& out);
  /// Gives up everything.
  void abandon(failure why, std::vector<settled>& out);

  /// When to call `expire`, or `next` if one `may_send`, if nothing happens before.
  [[nodiscard]] std::optional<time_point> wake_at(bool may_send) const;

  [[nodiscard]] queue_id queue() const noexcept { return queue_; }
  [[nodiscard]] bool empty() const noexcept { return batches_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return batches_.size(); }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  /// Whether a batch pushed now would be sent at once.
  [[nodiscard]] bool open() const noexcept;
  [[nodiscard]] producer_id producer() const noexcept { return identity_->producer; }

private:
  struct entry {
    sealed_batch batch;
    key id = 0;
    producer_id producer;
    /// 0 until it is first sent under the present identity.
    sequence first;
    /// As it was sent last.
    sequence previous;
    bool in_flight = false;
    /// It was the oldest when it was sent last, ...
    bool guessed = false;
    /// ... and was refused because of its `previous`.
    bool gap = false;
    /// A copy was sent of which no answer will tell whether it is stored.
    bool exposed = false;
    /// What to say when its time is over and it is surely not stored: the node's last refusal.
    failure refusal = errc::timeout;
    /// By so much its deadline was moved.
    time_point::duration waited{};

    [[nodiscard]] sequence last() const { return sequence{first.value + batch.data.count - 1}; }
  };

  [[nodiscard]] entry* find(key id);
  [[nodiscard]] bool in_window(key batch) const noexcept;
  void settle(entry& e, result<frames::receipt> outcome, std::vector<settled>& out);
  /// Gives a batch up; it may be stored if a copy of it is unanswered.
  void give_up(entry& e, failure unsent, std::vector<settled>& out);
  void refused(entry& e, const failure& why, std::vector<settled>& out);
  /// Makes the oldest batch fit to be sent: which `previous`, which identity.
  void resolve_front(time_point now, std::vector<settled>& out);
  void take_fresh_identity();
  /// Gives up what may not be sent, because one before it failed.
  void drop_behind(std::vector<settled>& out);
  void settle_one(entry& e, result<frames::receipt> outcome, std::vector<settled>& out);
  void erase(const entry& e);
  void stall(time_point until);
  /// The node takes nothing for so long: `quota_wait` of it does not count towards the deadlines.
  void hold(time_point now, std::chrono::milliseconds time, const failure& why);
  /// Why it is not stored when its time is over.
  [[nodiscard]] failure too_late(const entry& e, time_point now) const;
  [[nodiscard]] std::chrono::milliseconds back_off();

  queue_id queue_;
  named_part named_;
  time_point::duration quota_wait_;
  /// Of a named producer: from this batch on everything fails.
  std::optional<key> broken_from_;
  std::shared_ptr<identity> identity_;
  std::function<producer_id()> fresh_id_;
  std::deque<entry> batches_;
  key next_key_ = 1;
  std::size_t in_flight_ = 0;
  /// The last sequence known to be stored, then those of batches given up since, in order. The
  /// node's last one is among them.
  std::vector<sequence> chain_{sequence{}};
  /// Which of them is tried as the oldest batch's `previous`.
  std::size_t guess_ = 0;
  std::size_t guesses_refused_ = 0;
  /// Something was refused: wait for the other answers and until `retry_at_`, then begin again.
  bool stalled_ = false;
  /// … for a time: a batch was refused since it was last begun again.
  bool refused_ = false;
  time_point retry_at_{};
  time_point held_until_{};
  failure held_by_ = errc::too_many_requests;
  unsigned refusals_ = 0;
};

} // namespace carafe::client
