#pragma once

#include <carafe/message.hpp>
#include <carafe/types.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe::client {

/// Messages of a topic that wait for their time: the one with this id (of its receipt), or all
/// whose property `carafe-timer` is this name.
struct timer_selection {
  std::string topic;
  std::variant<message_id, std::string> which;
};

/// A time by the node's clock, or from now.
using delivery_time = std::variant<unix_ms, std::chrono::milliseconds>;

/// One of a topic's waiting messages, in the order in which they are listed.
struct timer_place {
  unix_ms due;
  queue_id queue;
  /// Among the messages for later of its queue.
  std::uint64_t number = 0;
};

struct pending_timer {
  unix_ms due;
  queue_number number;
  queue_id queue;
  /// Among the messages for later of its queue.
  std::uint64_t place = 0;
  message_id id;
  std::string name;
  std::string key;
  std::uint64_t body_bytes = 0;
  /// When it was stored.
  unix_ms armed;
};

struct pending_timers {
  /// The soonest first.
  std::vector<pending_timer> timers;
  /// Of the whole topic.
  std::uint64_t total = 0;
};

} // namespace carafe::client
