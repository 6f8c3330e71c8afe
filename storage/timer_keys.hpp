#pragma once

/// Keys of `timers.mdb` that have a time in them.

#include "schema/timer.hpp"
#include "storage/key_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace carafe::storage {

/// Run of what fits no span.
inline constexpr std::uint64_t no_run = 0;
inline constexpr std::size_t due_key_bytes = 24;

/// Times before 1970 come first.
inline constexpr std::uint64_t time_sign = std::uint64_t{1} << 63;

[[nodiscard]] inline std::string time_bytes(unix_ms t) {
  return big_endian(static_cast<std::uint64_t>(t.value) ^ time_sign);
}

/// @pre text.size() >= at + 8
[[nodiscard]] inline unix_ms time_at(std::string_view text, std::size_t at) {
  return unix_ms{static_cast<std::int64_t>(big_endian_at(text, at) ^ time_sign)};
}

[[nodiscard]] inline std::string due_key(const timer_key& at) {
  return time_bytes(at.due) + big_endian(at.queue.value) + big_endian(at.number);
}

/// @pre due.size() >= due_key_bytes
[[nodiscard]] inline timer_key key_of(std::string_view due) {
  return {time_at(due, 0), queue_id{big_endian_at(due, 8)}, big_endian_at(due, 16)};
}

[[nodiscard]] inline std::string row_key(std::uint64_t run, const timer_key& at) {
  return big_endian(run) + due_key(at);
}

/// @pre row.size() >= 8
[[nodiscard]] inline std::uint64_t run_of(std::string_view row) { return big_endian_at(row, 0); }

/// @pre row.size() >= 8
[[nodiscard]] inline std::string_view due_of(std::string_view row) { return row.substr(8); }

} // namespace carafe::storage
