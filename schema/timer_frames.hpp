#pragma once

/// Frames about messages that wait for their time of delivery.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe::frames {

/// Pending messages of a topic: the one with this id, or all with this name.
struct timer_which {
  struct message_id {
    producer_id producer;
    carafe::sequence sequence;

    friend bool operator==(const message_id&, const message_id&) = default;
  };
  std::string topic;
  std::variant<message_id, std::string> by;
};
struct timer_end {
  timer_which which;
};
struct timer_move {
  timer_which which;
  /// Unix ms; below 0: so many ms from now.
  std::int64_t deliver_at = 0;
};
struct timers_changed {
  std::uint32_t count = 0;
};
struct timer_list {
  std::string topic;
  /// Those due after this time.
  unix_ms after;
  /// 0: as many as the node gives at once.
  std::uint32_t limit = 0;
  /// Not 0: those behind this one, also ones due at the same time.
  queue_id after_queue = {};
  std::uint64_t after_place = 0;
};
struct pending_timer {
  unix_ms due;
  queue_number number;
  queue_id queue;
  /// Among those of its queue.
  std::uint64_t place = 0;
  producer_id producer;
  carafe::sequence sequence;
  std::string name;
  std::string key;
  std::uint64_t body_bytes = 0;
  unix_ms armed;
};
struct timers {
  /// The soonest first.
  std::vector<pending_timer> pending;
  /// How many the topic has.
  std::uint64_t total = 0;
};

} // namespace carafe::frames
