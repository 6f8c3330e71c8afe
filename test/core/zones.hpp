#pragma once

/// Time zones made up for tests.

#include "actors/core/time_zone.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace carafe::test {

/// Clocks show `first` more than UTC, and from each change on what it says; seconds.
class made_up_zone final : public core::time_zone {
public:
  explicit made_up_zone(std::int64_t first,
                        std::vector<std::pair<std::int64_t, std::int64_t>> changes)
    : first_(first), changes_(std::move(changes)) {}

  [[nodiscard]] span at(std::int64_t utc_s) const override {
    span out;
    out.offset_s = first_;
    for (const auto& [when, offset] : changes_) {
      if (when > utc_s) {
        out.end_s = when;
        break;
      }
      out.begin_s = when;
      out.offset_s = offset;
    }
    return out;
  }
  [[nodiscard]] const std::vector<std::pair<std::int64_t, std::int64_t>>& changes() const {
    return changes_;
  }

private:
  std::int64_t first_;
  std::vector<std::pair<std::int64_t, std::int64_t>> changes_;
};

/// As Europe/Berlin in 2026: from 29 March, 01:00 UTC, until 25 October, 01:00 UTC, an hour ahead.
inline made_up_zone berlin() {
  return made_up_zone{3'600, {{1'774'746'000, 7'200}, {1'792'890'000, 3'600}}};
}

} // namespace carafe::test
