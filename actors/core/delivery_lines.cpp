#include "actors/core/delivery_core.hpp"

namespace carafe::core {

/// @returns Whether it is the first of its key, or has none.
bool delivery_core::meet_key(queue_state& queue, offset at, std::uint64_t key) {
  if (key == 0 || !options_.keyed) return queue.lines.first_before(at).value_or(at) == at;
  behind_ -= queue.lines.behind();
  const bool first = queue.lines.enter(at, key);
  behind_ += queue.lines.behind();
  return first;
}

/// Whether another message of its key is under way: one that was brought back waits for it. Without
/// such ones only the oldest can be.
bool delivery_core::key_is_lent(const queue_state& queue, offset at) {
  return queue.revived && queue.lines.any_other(at, [&queue](offset other) {
    return lent_out(queue, other) || queue.ready.contains(other);
  });
}

/// These are finished: the next of their keys may go.
void delivery_core::leave_lines(queue_id id, queue_state& queue, offset_range range) {
  behind_ -= queue.lines.behind();
  queue.lines.leave(range, [&](bool was_first, offset first) {
    // Without messages that were brought back, only the first one's end gives another its turn.
    if (was_first || queue.revived) wake_first(id, queue, first);
  });
  behind_ += queue.lines.behind();
}

/// The oldest unfinished message of a key may go, if none of the key is under way and it does not
/// wait for its time.
void delivery_core::wake_first(queue_id id, queue_state& queue, offset first) {
  if (queue.revived && queue.fetched < queue.barrier) return;
  if (lent_out(queue, first) || queue.dying.contains(first) || key_is_lent(queue, first)) return;
  const auto* const row = queue.progress.row(first);
  if (row != nullptr && due_.contains({row->due, id, first})) return;
  make_ready(queue, first);
}

/// Nothing is in the way of `at` any more but what stands before it in its line: two of one key may
/// have been lent before a restart, if one was brought back and nobody presented the other, or if
/// the group was not `keyed` then.
void delivery_core::ready_again(queue_id id, queue_state& queue, offset at) {
  const auto first = queue.lines.first_before(at);
  if (!first) return make_ready(queue, at);
  // What is ready is not free. Where messages were brought back the window is asked more closely.
  if (*first != at && !queue.revived) take_from_window(queue, *first);
  wake_first(id, queue, *first);
}

} // namespace carafe::core
