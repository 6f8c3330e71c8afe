#pragma once

#include "actors/client/lane.hpp"
#include "actors/client/queue_name.hpp"

#include <carafe/producer.hpp>

#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

namespace carafe::client {

/// A producer's way to one queue: the batch being built, and the lane it then goes.
///
/// Time is an argument. Not thread-safe.
class outbox {
public:
  outbox(queue_name name, const producer_options& options, batch_limits limits,
         std::shared_ptr<identity> shared, std::function<producer_id()> fresh_id,
         named_part named = {});

  /// Adds a message to the batch being built; full batches are sealed.
  /// @param bytes What the message holds of the producer's `in_flight_bytes_max`.
  /// @param given When it was given to the producer.
  /// @param number Of a named producer: the application's own.
  /// @errors What `batch_builder::add` says; then `done` is as it was.
  result<void> add(const message_view& message, completion& done, std::uint64_t bytes,
                   time_point given, std::uint64_t epoch, sequence number = {});
  /// Closes the batch being built, if there is one, and gives it to the lane.
  void seal();
  /// Seals if the batch could go now and need not wait for more.
  void seal_if_due(time_point now, bool at_once);
  /// Takes what could not be encoded or waited too long.
  void expire(time_point now, std::vector<lane::settled>& out);
  /// Gives up everything.
  void abandon(const failure& why, std::vector<lane::settled>& out);

  [[nodiscard]] const queue_name& name() const noexcept { return name_; }
  [[nodiscard]] lane& way() noexcept { return lane_; }
  [[nodiscard]] bool building() const noexcept { return builder_.count() > 0; }
  [[nodiscard]] bool idle() const noexcept { return !building() && lane_.empty(); }
  /// How many batches were sealed so far.
  [[nodiscard]] std::uint64_t sealed() const noexcept { return sealed_; }
  /// Epoch of the batch being built.
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  /// When something is to be done if nothing happens before. Without `may_send` that is only to
  /// give up.
  [[nodiscard]] std::optional<time_point> wake_at(bool may_send) const;

private:
  void begin(time_point given, std::uint64_t epoch);
  void note(completion& done);
  [[nodiscard]] std::chrono::milliseconds spread_max() const;

  queue_name name_;
  const producer_options& options_;
  std::uint32_t count_max_;
  lane lane_;
  batch_builder builder_;
  std::vector<completion> completions_;
  std::size_t expected_ = 0;
  std::uint64_t bytes_ = 0;
  time_point first_given_{};
  std::uint64_t epoch_ = 0;
  /// Whether the batch being built has messages for later.
  bool timed_ = false;
  sequence named_first_;
  sequence named_last_;
  /// Of the messages in the batch being built: one of an id that is there goes into the next.
  std::unordered_set<id_digest> ids_;
  std::uint64_t sealed_ = 0;
  std::vector<lane::settled> failed_;
};

} // namespace carafe::client
