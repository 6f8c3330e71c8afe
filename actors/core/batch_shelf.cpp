#include "actors/core/batch_shelf.hpp"

#include <iterator>

namespace carafe::core {

void batch_shelf::put(queue_id queue, delivery_batch_ptr batch, const needed& is_needed) {
  const auto bytes = batch->what.bytes.size();
  if (bytes > bytes_max_ / 4) return; // It would be alone here.
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
  const auto base = batch->what.base;
  batches_.emplace(std::pair{queue, base}, std::move(batch));
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
  bytes_ -= at->second->what.bytes.size();
  return batches_.erase(at);
}

} // namespace carafe::core
