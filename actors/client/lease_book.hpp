#pragma once

#include "schema/message_frames.hpp"
#include "schema/offset_set.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace carafe::client {

/// What a member of a `shared` or `keyed` group was lent, and what it has to tell about it.
///
/// A message is *held* from its lease until the application settles it; then it is *gathered* until
/// a `settle` takes it along; then it is *under way* until the node has answered. At most one
/// settle is under way.
///
/// Pure: no clock, no threads. The node limits how much a member holds, and what is gathered was
/// held before.
class lease_book {
public:
  /// In one settle; with the longest error texts it stays below a frame's smallest limit.
  static constexpr std::size_t ranges_max = 16'384;
  static constexpr std::size_t failed_max = 256;

  enum class answer {
    marked,
    /// It was acknowledged before, and the node has not confirmed it so far.
    repeated,
    /// It was never lent here.
    foreign,
  };

  /// These were lent.
  /// @returns Those that are new here: the others are held already, or about to be settled.
  std::vector<offset_range> take(queue_id queue, const std::vector<offset_range>& ranges);
  /// Done for good, also if it is not held any more.
  answer ack(queue_id queue, offset at);
  /// @returns False if it is not held.
  bool fail(frames::settle_failed what);
  /// Everything that is held goes back.
  void give_back();

  /// What was gathered, as far as it fits; nothing if there is none.
  /// @param one_queue  Only one queue's, to find what the node objects to.
  /// @pre nothing is under way
  std::optional<frames::settle> next_settle(member_id member, bool one_queue);
  /// What is under way is durable.
  void settled();
  /// It was not taken, or nobody knows: it is gathered again.
  void gather_again();
  /// The node will never take it.
  void drop_under_way();
  void drop_failed_under_way();

  /// Everything the node may believe to be ours. What is lent from now on until `lose` is not lost,
  /// whatever the answer says.
  [[nodiscard]] std::vector<frames::queue_ranges> present();
  /// The node has told what is not ours any more. What is done stays done.
  /// @returns What is not held any more.
  std::vector<frames::queue_ranges> lose(const std::vector<frames::queue_ranges>& lost);

  /// Messages.
  [[nodiscard]] std::uint64_t held() const noexcept { return held_; }
  [[nodiscard]] std::uint64_t gathered() const noexcept { return gathered_; }
  /// Counts what was settled here, and how much of that is durable (or void).
  [[nodiscard]] std::uint64_t marked() const noexcept { return marked_; }
  [[nodiscard]] std::uint64_t durable() const noexcept;

private:
  struct portion {
    offset_set done;
    offset_set returned;
    std::map<offset, frames::settle_failed> failed;

    [[nodiscard]] std::uint64_t count() const {
      return done.count() + returned.count() + failed.size();
    }
  };
  struct queue_leases {
    offset_set held;
    portion gathered;
    portion under_way;
    /// Lent while the node is asked what is ours.
    offset_set lent_again;
    /// Nothing from here on was ever lent.
    offset horizon;
  };

  /// Null if nothing of it was ever lent.
  queue_leases* find(queue_id queue);
  /// Whether what is to be told about a message that was lent anew still holds.
  bool settles(queue_leases& queue, offset at);
  void add_to(frames::settle& to, queue_id id, queue_leases& queue, std::size_t& ranges);
  void count();

  std::map<queue_id, queue_leases> queues_;
  /// The one that was used last: usually it is the next, too.
  queue_id last_id_;
  queue_leases* last_ = nullptr;
  bool presenting_ = false;
  std::uint64_t held_ = 0;
  std::uint64_t gathered_ = 0;
  std::uint64_t marked_ = 0;
  std::uint64_t durable_ = 0;
  /// What `durable_` will be when the settle under way is answered.
  std::optional<std::uint64_t> covers_;
};

} // namespace carafe::client
