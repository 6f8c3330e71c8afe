#pragma once

#include "schema/delivery.hpp"

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace carafe::client {

/// Offsets of one queue, kept as ranges.
///
/// Pure. Taking offsets off the front, or adding them at the end, allocates nothing.
///
/// @cost O(log ranges) a call.
class range_set {
public:
  void add(offset_range range);
  /// @returns Whether it was there.
  bool remove(offset at);
  void remove(offset_range range);
  void clear() noexcept;

  [[nodiscard]] bool contains(offset at) const;
  /// The parts of `range` that are not in the set, ascending.
  [[nodiscard]] std::vector<offset_range> missing(offset_range range) const;
  /// Takes out the first `max` ranges, or all there are.
  [[nodiscard]] std::vector<offset_range> take(std::size_t max);
  [[nodiscard]] std::vector<offset_range> all() const;

  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  [[nodiscard]] std::size_t ranges() const noexcept { return ranges_.size(); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

private:
  /// First -> end; apart from each other.
  std::map<std::uint64_t, std::uint64_t> ranges_;
  std::uint64_t count_ = 0;
};

} // namespace carafe::client
