#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace carafe::core {

/// Numbers, as latencies in microseconds or sizes in bytes, in buckets of at most 1/8 relative
/// width; fixed size.
class histogram {
public:
  void add(std::uint64_t number) noexcept {
    ++counts_[bucket(number)];
    ++count_;
    max_ = std::max(max_, number);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

  /// Upper bound of the bucket that holds the `per_mille`-th of a thousand; 0 when empty.
  [[nodiscard]] std::uint64_t quantile(unsigned per_mille) const noexcept {
    if (count_ == 0) return 0;
    const auto wanted = (count_ * per_mille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      // The last bucket has no upper bound.
      if (seen >= wanted && i + 1 < counts_.size()) return std::min(upper(i), max_);
    }
    return max_;
  }

  /// Calls `row(upper bound, how many)` for each bucket that has any, lowest first.
  template <class Row>
  void for_each(Row row) const {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      if (counts_[i] > 0) row(i + 1 < counts_.size() ? upper(i) : max_, counts_[i]);
  }

private:
  static constexpr std::size_t parts = 8;
  static constexpr std::size_t buckets = parts * 40;

  static std::size_t bucket(std::uint64_t number) noexcept {
    if (number < parts) return static_cast<std::size_t>(number);
    const auto top = static_cast<std::size_t>(std::bit_width(number)) - 1; // >= 3
    const auto part = static_cast<std::size_t>(number >> (top - 3)) & (parts - 1);
    return std::min((top - 2) * parts + part, buckets - 1);
  }

  static std::uint64_t upper(std::size_t at) noexcept {
    if (at < parts) return at;
    const auto top = at / parts + 2;
    return ((parts + at % parts + 1) << (top - 3)) - 1;
  }

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

} // namespace carafe::core
