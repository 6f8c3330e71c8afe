#include "actors/core/batch_shelf.hpp"

#include <iterator>

namespace carafe::core {

namespace {

std::uint64_t cost_of(const delivery_batch& batch) {
  constexpr std::uint64_t overhead = sizeof(delivery_batch) + 128; // Of nodes and allocations.
  const auto each = batch.keys.size() * sizeof(std::uint64_t) +
                    batch.expires.size() * sizeof(unix_ms) + batch.priorities.size();
  return overhead + each + batch.what.bytes.size();
}

} // namespace

void batch_shelf::put(queue_id queue, const delivery_batch_ptr& batch, const needed& is_needed) {
  const auto bytes = cost_of(*batch);
  if (bytes > bytes_max_ / 4) return; // A few of these would be all there is.
  if (const auto there = batches_.find({queue, batch->what.base}); there != batches_.end())
    erase(there);
  came_ += bytes;
  if (bytes_ + bytes > bytes_max_ && came_ > bytes_max_ / 4) {
    came_ = 0;
    for (auto at = batches_.begin(); at != batches_.end();)
      at = is_needed(at->first.first, *at->second) ? std::next(at) : erase(at);
  }
  if (bytes_ + bytes > bytes_max_) return;
  bytes_ += bytes;
  auto copy = std::make_shared<delivery_batch>(*batch);
  copy->what.bytes = shared_bytes::copy_of(batch->what.bytes.span());
  batches_.emplace(std::pair{queue, batch->what.base}, std::move(copy));
}

delivery_batch_ptr batch_shelf::find(queue_id queue, offset at) const {
  auto found = batches_.upper_bound({queue, at});
  if (found == batches_.begin()) return nullptr;
  --found;
  if (found->first.first != queue || at >= found->second->end()) return nullptr;
  return found->second;
}

void batch_shelf::drop(queue_id queue) {
  auto at = batches_.lower_bound({queue, offset{0}});
  while (at != batches_.end() && at->first.first == queue) at = erase(at);
}

void batch_shelf::clear() {
  batches_.clear();
  bytes_ = 0;
}

batch_shelf::batch_map::iterator batch_shelf::erase(batch_map::iterator at) {
  bytes_ -= cost_of(*at->second);
  return batches_.erase(at);
}

} // namespace carafe::core
