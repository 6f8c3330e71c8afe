#pragma once

#include "schema/delivery.hpp"

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace carafe {

/// A set of offsets, kept as ranges: as many as there are gaps, not as there are offsets.
///
/// Taking offsets off the front of a range, or adding them at its end, allocates nothing.
///
/// @cost O(log ranges) a call, and O(1) for each range that a call makes vanish.
class offset_set {
public:
  offset_set() = default;
  explicit offset_set(const std::vector<offset_range>& ranges) {
    for (const auto& range : ranges) add(range);
  }

  void add(offset_range range);
  void remove(offset_range range);
  /// @returns Whether it was there.
  bool remove(offset at);
  /// Removes everything below `at`.
  void remove_below(offset at);
  /// Takes out the first `max` ranges, or all there are.
  [[nodiscard]] std::vector<offset_range> take(std::size_t max);
  void clear() noexcept;

  [[nodiscard]] bool contains(offset at) const;
  /// The end of the range that has `at`, or `at` if none has it.
  [[nodiscard]] offset end_of(offset at) const;
  /// The parts of `range` that are in the set, or that are not.
  [[nodiscard]] std::vector<offset_range> within(offset_range range) const;
  [[nodiscard]] std::vector<offset_range> missing(offset_range range) const;

  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  /// Number of ranges, and of offsets.
  [[nodiscard]] std::size_t ranges() const noexcept { return ranges_.size(); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The end of the last range; 0 if there is none.
  [[nodiscard]] offset end() const noexcept {
    return offset{ranges_.empty() ? 0 : ranges_.rbegin()->second};
  }
  [[nodiscard]] std::vector<offset_range> to_ranges() const;

private:
  using range_map = std::map<std::uint64_t, std::uint64_t>;

  /// The first range that begins behind `at`.
  [[nodiscard]] range_map::const_iterator behind(std::uint64_t at) const;
  [[nodiscard]] range_map::iterator behind(std::uint64_t at);

  /// First -> end; apart from each other.
  range_map ranges_;
  std::uint64_t count_ = 0;
};

} // namespace carafe
