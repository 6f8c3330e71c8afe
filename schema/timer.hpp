#pragma once

/// Messages that wait for their time of delivery: docs/adr/0013 tells how they are kept.

#include <carafe/types.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace carafe {

/// One waiting message. `number` counts those of its queue, in the order of their entries.
struct timer_key {
  unix_ms due;
  queue_id queue;
  std::uint64_t number = 0;

  friend auto operator<=>(const timer_key&, const timer_key&) = default;
};

struct timer_record {
  timer_key at;
  producer_id producer;
  carafe::sequence sequence;
  /// Its property `carafe-timer`.
  std::string name;
  unix_ms armed;
  /// A batch of this message alone, not compressed and without its time of delivery.
  std::string batch;

  friend bool operator==(const timer_record&, const timer_record&) = default;
};

namespace effects {

/// These wait no more. When fired, a batch of the same entry has them, in this order.
struct timers_ended {
  enum class reason : std::uint8_t { fired = 0, cancelled = 1, dropped = 2 };
  queue_id queue;
  reason why = reason::fired;
  std::vector<timer_key> which;
};
/// It waits for another time now.
struct timer_moved {
  unix_ms from;
  timer_record row;
};

} // namespace effects

} // namespace carafe
