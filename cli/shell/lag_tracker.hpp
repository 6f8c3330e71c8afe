#pragma once

#include <carafe/admin.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace carafe::shell {

/// How a group gets on, in messages a second.
struct lag_flow {
  double in_per_second = 0;
  double done_per_second = 0;
  /// Above 0: the lag grows.
  double change_per_second = 0;
  /// When nothing is left if it goes on like this; none: never.
  std::optional<std::uint64_t> drain_ms;
};

/// Compares what a group's queues looked like at several moments.
///
/// Rates are those between the newest look and the oldest of the last `looks_max`. A queue counts
/// from its second look on.
class lag_tracker {
public:
  static constexpr std::size_t looks_max = 10;

  void observe(const client::group_info& group, mono_ms now);

  /// None before the second look.
  [[nodiscard]] std::optional<lag_flow> total() const;
  [[nodiscard]] std::optional<lag_flow> of(const std::string& topic, queue_number number) const;

private:
  using queue_key = std::pair<std::string, queue_number>;
  struct state {
    std::uint64_t lag = 0;
    std::uint64_t end = 0;
  };
  struct look {
    mono_ms at;
    std::map<queue_key, state> queues;
  };

  [[nodiscard]] std::optional<lag_flow> flow(const state& before, const state& after) const;

  std::deque<look> looks_;
};

} // namespace carafe::shell
