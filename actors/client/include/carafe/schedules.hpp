#pragma once

#include <carafe/message.hpp>
#include <carafe/types.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe::client {

/// Times of the clock on the wall.
struct cron_times {
  /// Minute, hour, day of the month, month, day of the week, as cron has them; six fields begin
  /// with the second. Or @hourly, @daily, @weekly, @monthly, @yearly.
  std::string expression{};
  /// Such as Europe/Berlin; empty: UTC.
  std::string zone{};

  friend bool operator==(const cron_times&, const cron_times&) = default;
};

/// Again and again after the same while.
struct interval_times {
  /// At least a second.
  std::chrono::milliseconds every{0};
  /// The first time; 0: an interval after the schedule was made.
  unix_ms from{};

  friend bool operator==(const interval_times&, const interval_times&) = default;
};

/// What is sent for times that passed while the node was down, or could not write: nothing, one
/// message for the last of them, or one for each (the newest 1,000).
enum class missed_times : std::uint8_t { skip = 0, once = 1, all = 2 };

/// A message that the node sends by itself whenever it is due.
///
/// What is sent has the properties `carafe-schedule` (the name), `carafe-schedule-due-ms` (the time
/// that it is for) and, if it stands for missed times before that too, `carafe-schedule-missed`
/// (for how many). A message with a key goes to its key's queue, others go to the queues in turn.
struct schedule_definition {
  std::string name{};
  std::string topic{};
  std::variant<cron_times, interval_times> when{};
  missed_times missed = missed_times::once;
  /// Nothing is sent for times after it; 0: no end.
  unix_ms until{};
  /// It ends after so many messages; 0: no end.
  std::uint64_t count_max = 0;
  /// Without a time of delivery; `born` is the time at which it is sent. At most 16 KiB.
  client::message message{};
};

struct schedule_info {
  /// The message is there when one schedule was asked for.
  schedule_definition what;
  bool paused = false;
  unix_ms created;
  /// 0: none comes any more.
  unix_ms next;
  /// The time that the last message was for, and when it was sent; 0: none was.
  unix_ms last_due;
  unix_ms last_fired;
  /// Messages sent; times that passed without one; times when one could not be sent.
  std::uint64_t fired = 0;
  std::uint64_t missed = 0;
  std::uint64_t failed = 0;
  /// Why the last of these could not.
  std::string error;
  /// Why nothing is sent at the moment.
  std::string problem;
  std::uint64_t body_bytes = 0;
};

} // namespace carafe::client
