#pragma once

#include "actors/core/delivery_batch.hpp"

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace carafe::core {

/// Batches that were read, and have messages that will be asked for again: these failed, or wait
/// behind another one of their key.
///
/// They are copies: what was read is a part of a log entry, and keeps all of that in memory. A
/// batch of more than a quarter of what it may hold is not put here.
///
/// @invariant `bytes()` is at most what it may be. When that is reached, those go that nobody needs
///            soon; if there are none, it takes no more: what came first is asked for first.
/// @cost O(log batches) a call; O(batches) once for each quarter of what it may hold that came.
class batch_shelf {
public:
  explicit batch_shelf(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  using needed = std::function<bool(queue_id, const delivery_batch&)>;
  /// @param is_needed  Whether a batch has anything that will be asked for soon.
  void put(queue_id queue, const delivery_batch_ptr& batch, const needed& is_needed);
  /// The batch that has this message; nullptr: it is not here.
  [[nodiscard]] delivery_batch_ptr find(queue_id queue, offset at) const;
  /// All of a queue.
  void drop(queue_id queue);
  void clear();

  /// In memory, about.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return batches_.size(); }

private:
  /// By queue and first offset.
  using batch_map = std::map<std::pair<queue_id, offset>, delivery_batch_ptr>;

  batch_map::iterator erase(batch_map::iterator at);

  std::uint64_t bytes_max_;
  batch_map batches_;
  std::uint64_t bytes_ = 0;
  /// What came since it was looked through.
  std::uint64_t came_ = 0;
};

} // namespace carafe::core
