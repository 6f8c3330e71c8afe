#pragma once

#include <cstdint>
#include <limits>

namespace carafe::core {

/// A time zone, as the core needs it; where it comes from is no business of the core.
class time_zone {
public:
  /// From `begin_s` on and before `end_s` (Unix seconds) clocks show `offset_s` more than UTC.
  struct span {
    std::int64_t begin_s = std::numeric_limits<std::int64_t>::min();
    std::int64_t end_s = std::numeric_limits<std::int64_t>::max();
    std::int64_t offset_s = 0;
  };

  virtual ~time_zone() = default;

  /// The span that `utc_s` lies in.
  [[nodiscard]] virtual span at(std::int64_t utc_s) const = 0;
};

class utc_zone final : public time_zone {
public:
  [[nodiscard]] span at(std::int64_t) const override { return {}; }
};

} // namespace carafe::core
