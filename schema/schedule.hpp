#pragma once

/// Schedules: messages that the node sends by itself, again and again. docs/adr/0016 tells how.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <variant>

namespace carafe {

/// Chosen at random when a schedule is made; never 0.
using schedule_id = strong<struct schedule_id_tag, std::uint64_t>;

/// What is sent for times that passed while the node could not send: nothing, one message for the
/// last of them, or one for each.
enum class missed_policy : std::uint8_t { skip = 0, once = 1, all = 2 };

struct cron_rule {
  std::string expression;
  /// Such as Europe/Berlin; empty: UTC.
  std::string zone;

  friend bool operator==(const cron_rule&, const cron_rule&) = default;
};

struct every_rule {
  std::uint64_t interval_ms = 0;
  /// The first time; 0: an interval after the schedule was made.
  unix_ms from{};

  friend bool operator==(const every_rule&, const every_rule&) = default;
};

struct schedule_definition {
  std::string name;
  std::string topic;
  std::variant<cron_rule, every_rule> when;
  missed_policy missed = missed_policy::once;
  /// Nothing is sent for times after it; 0: no end.
  unix_ms until{};
  /// It ends after so many messages; 0: no end.
  std::uint64_t count_max = 0;
  /// A batch of one message, not compressed and without a time of delivery.
  std::string message;

  friend bool operator==(const schedule_definition&, const schedule_definition&) = default;
};

struct schedule_progress {
  /// Rises with each change; of several rows of one schedule, that with the highest counts.
  std::uint64_t step = 0;
  /// Messages sent.
  std::uint64_t fired = 0;
  /// Times for which none was sent, because they had passed.
  std::uint64_t missed = 0;
  /// Times for which none could be sent.
  std::uint64_t failed = 0;
  /// All times up to it are dealt with.
  unix_ms handled{};
  /// The time that the last message was for, and when it was sent; 0: none was.
  unix_ms last_due{};
  unix_ms last_fired{};
  /// Why the last one of `failed` was.
  std::string error;

  friend bool operator==(const schedule_progress&, const schedule_progress&) = default;
};

struct schedule_record {
  schedule_id id;
  schedule_definition what;
  bool paused = false;
  unix_ms created{};
  /// Where it is unless a later step says otherwise.
  schedule_progress begin;

  friend bool operator==(const schedule_record&, const schedule_record&) = default;
};

namespace effects {

struct schedule_put {
  schedule_record schedule;
};
struct schedule_deleted {
  schedule_id schedule;
};
/// Of a message: its batch is in the same entry.
struct schedule_fired {
  schedule_id schedule;
  schedule_progress progress;
};

} // namespace effects

} // namespace carafe
