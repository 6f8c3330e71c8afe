#pragma once

#include "schema/batch.hpp"
#include "schema/schedule.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace carafe::core {

/// Of the message of a schedule, as a batch of its own: all of them are kept in memory.
inline constexpr std::size_t schedule_message_bytes_max = 16u << 10;

/// Properties of a message that a schedule sent: its name, the time that it is for (Unix ms), and,
/// if it stands for missed times before that too, for how many.
inline constexpr std::string_view schedule_property = "carafe-schedule";
inline constexpr std::string_view schedule_due_property = "carafe-schedule-due-ms";
inline constexpr std::string_view schedule_missed_property = "carafe-schedule-missed";

/// Whether `what.message` is a message that can be sent at any time.
/// @errors schedule_invalid, message_too_large, batch_malformed and the like
result<void> check_schedule_message(const schedule_definition& what, const batch_limits& limits);
/// Whether `what.message`, which was checked, has no key: no compacted topic takes it.
[[nodiscard]] bool is_keyless(const schedule_definition& what);

struct schedule_message {
  encoded_batch batch;
  std::string key;
};

/// The message for the time `due`, made at `now`.
/// @param passed Missed times that it stands for too.
/// @errors As `check_schedule_message`
result<schedule_message> make_schedule_message(const schedule_definition& what, unix_ms due,
                                               std::uint64_t passed, unix_ms now,
                                               const batch_limits& limits);

} // namespace carafe::core
