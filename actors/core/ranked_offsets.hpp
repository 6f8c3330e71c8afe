#pragma once

#include "schema/delivery.hpp"

#include <carafe/priority.hpp>
#include <carafe/types.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory_resource>
#include <set>

namespace carafe::core {

/// Offsets by priority, highest first; those of one priority as they are in the queue.
/// @cost O(log offsets) a call, for each priority that occurs.
class ranked_offsets {
public:
  using lane_map = std::map<std::uint8_t, std::pmr::set<offset>, std::greater<>>;

  explicit ranked_offsets(std::pmr::memory_resource* nodes) : nodes_(nodes) {}

  void insert(offset at, std::uint8_t priority) {
    auto& lane = lanes_.try_emplace(priority, nodes_).first->second;
    lane.insert(lane.end(), at);
  }
  void erase(offset_range range) {
    for (auto lane = lanes_.begin(); lane != lanes_.end();) {
      auto& all = lane->second;
      if (const auto first = all.lower_bound(range.first);
          first != all.end() && *first < range.end())
        all.erase(first, all.lower_bound(range.end()));
      lane = all.empty() ? lanes_.erase(lane) : std::next(lane);
    }
  }
  [[nodiscard]] bool contains(offset at) const {
    return std::ranges::any_of(lanes_, [at](const auto& lane) { return lane.second.contains(at); });
  }
  [[nodiscard]] bool empty() const noexcept { return lanes_.empty(); }
  [[nodiscard]] const lane_map& lanes() const noexcept { return lanes_; }

private:
  std::pmr::memory_resource* nodes_;
  /// None is empty.
  lane_map lanes_;
};

} // namespace carafe::core
