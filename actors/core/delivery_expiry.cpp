#include "actors/core/delivery_core.hpp"

#include <utility>

namespace carafe::core {

namespace {

/// A message that was brought back is wanted, however old it is.
bool redriven(const delivery_progress& progress, offset at) {
  const auto* const row = progress.row(at);
  return row != nullptr && row->letter_queue.value != 0 && row->stored.value == 0;
}

} // namespace

/// Of messages that are about to be lent, those that are not too old; the others end here.
std::vector<offset_range> delivery_core::without_expired(queue_id id, queue_state& queue,
                                                         const delivery_batch& batch,
                                                         std::vector<offset_range> ranges,
                                                         effects_list& out, instant now) {
  if (batch.expires.empty() || now.wall < batch.expires_first) return ranges;
  offset_set left{ranges};
  for (const auto& range : ranges)
    for (auto at = range.first; at < range.end(); at = at + 1)
      if (batch.expires[at.value - batch.what.base.value] <= now.wall &&
          !redriven(queue.progress, at))
        left.remove(at);
  for (const auto& range : ranges)
    for (const auto& part : left.missing(range)) expire(id, queue, part, out, now);
  return left.to_ranges();
}

void delivery_core::expire(queue_id id, queue_state& queue, offset_range range, effects_list& out,
                           instant now) {
  left_out_.expired += range.count;
  if (!options_.how.expired_to_dead_letters) {
    forget(queue, id, range);
    queue.progress.settle({range});
    using reason = effects::settled::reason;
    out.push_back(write{id, effects::settled{options_.group, id, {range}, reason::expired}, true});
    return;
  }
  const auto& rows = queue.progress.waiting();
  for (auto at = range.first; at < range.end(); at = at + 1) {
    const auto before = rows.find(at);
    const auto attempts = before == rows.end() ? 0 : before->second.attempts;
    auto row = next_row(queue, at, attempts, "expired", now);
    row.attempts = attempts; // Nobody failed.
    queue.dying.insert(at);
    out.push_back(bury{id, std::move(row)});
  }
}

} // namespace carafe::core
