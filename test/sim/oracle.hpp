#pragma once

/// What clients were told and what they got, and whether a broker that keeps its word could have
/// said so. It knows nothing of the broker but the protocol's promises.

#include <carafe/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace carafe::sim {

/// The broker broke a promise.
struct broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whether `condition` holds; throws what the broker did wrong if not.
void expect(bool condition, const std::string& what);

/// A batch as its producer knows it.
struct batch_name {
  producer_id producer;
  sequence first;
  std::uint32_t count = 0;

  friend auto operator<=>(const batch_name&, const batch_name&) = default;
};
[[nodiscard]] std::string to_string(const batch_name& name);

/// A message as its producer knows it.
struct message_name {
  producer_id producer;
  sequence number;

  friend auto operator<=>(const message_name&, const message_name&) = default;
};
[[nodiscard]] std::string to_string(const message_name& name);

/// Where the broker says a batch is.
struct batch_place {
  queue_id queue;
  offset base;
  unix_ms time;

  friend bool operator==(const batch_place&, const batch_place&) = default;
};

/// - An acknowledged batch is delivered, at the place and with the time of its receipt, until
///   retention passes it.
/// - A batch has one place, however often it was sent; a place has one batch.
/// - Offsets are dense; times never fall; a producer's batches keep their order.
/// - Nothing is delivered that was never sent.
/// - A power failure takes only the end of a queue, and only what its durability lets it take.
class oracle {
public:
  void sent(const batch_name& batch, queue_id queue);
  void acknowledged(const batch_name& batch, const batch_place& place);
  /// Answered with `duplicate_too_old`: stored, and its place is not told any more.
  void stored_somewhere(const batch_name& batch);
  void delivered(const batch_name& batch, const batch_place& place);

  /// The queue as the node describes it after a start. What is beyond `end` is forgotten.
  /// @param promised  No offset below it may be gone.
  void after_start(queue_id queue, offset earliest, offset end, offset promised);

  /// The end: everything from `earliest` on was read.
  void check_all_read(queue_id queue, offset earliest, offset end) const;

  /// The offset after the last batch that was acknowledged in the queue.
  [[nodiscard]] offset acknowledged_end(queue_id queue) const;
  /// The batch in which this producer sent this message.
  [[nodiscard]] batch_name batch_with(const message_name& message) const;
  /// What is known to be there; nothing: nobody was told.
  [[nodiscard]] std::optional<message_name> message_at(queue_id queue, offset at) const;
  /// What is known to be in the queue, by its first offsets.
  [[nodiscard]] const std::map<offset, batch_name>& batches_of(queue_id queue) const;
  [[nodiscard]] std::uint64_t acknowledgements() const noexcept { return acknowledgements_; }

private:
  struct known_batch {
    queue_id queue;
    std::optional<batch_place> place;
    bool acknowledged = false;
    bool delivered = false;
    bool stored = false;
  };
  struct known_queue {
    std::map<offset, batch_name> batches;
  };

  known_batch& find(const batch_name& batch, const char* what);
  void place(const batch_name& name, known_batch& batch, const batch_place& at);
  void check_neighbours(const known_queue& queue, std::map<offset, batch_name>::const_iterator at,
                        const batch_place& place) const;

  std::map<batch_name, known_batch> batches_;
  std::map<queue_id, known_queue> queues_;
  std::uint64_t acknowledgements_ = 0;
};

/// What a group has committed on a queue, as its members were told.
///
/// - Who is given a queue begins at the last commit; a commit whose answer did not come may count
///   or not.
/// - A queue's generation rises with each owner while the node lives. Who hears of an earlier one
///   after another member has heard of a later one was told in vain, and may not commit.
class group_oracle {
public:
  /// @param earliest  Tells the queue's first offset.
  explicit group_oracle(std::function<offset(queue_id)> earliest)
    : earliest_(std::move(earliest)) {}

  void committing(queue_id queue, generation owner, offset next);
  void committed(queue_id queue, generation owner, offset next);
  void refused(queue_id queue, generation owner, offset next);
  void assigned(member_id member, queue_id queue, generation owner, offset begin);
  void node_died();
  /// What was not synced may be gone, so the last commit may be an older one.
  void lost_power(queue_id queue);

private:
  struct progress {
    std::set<offset> possible;
    std::set<offset> under_way;
    bool may_be_older = false;
    generation owner{0};
    member_id member{0};
    /// Commits that were sent by owners of earlier generations, after a later one was told.
    std::set<std::pair<generation, offset>> in_vain;
  };
  /// Nothing if the queue has another owner by now.
  progress* of(queue_id queue, generation owner);

  std::function<offset(queue_id)> earliest_;
  std::map<queue_id, progress> queues_;
};

} // namespace carafe::sim
