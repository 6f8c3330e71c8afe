#pragma once

/// How numbers, sizes, spans and times are written for people.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>

namespace carafe::shell {

/// "1,234,567".
[[nodiscard]] std::string count_text(std::uint64_t count);
/// "812 B", "64.0 KiB", "1.2 GiB".
[[nodiscard]] std::string size_text(std::uint64_t bytes);
/// "250 ms", "3.2 s", "3m 12s", "2h 05m", "3d 04h".
[[nodiscard]] std::string span_text(std::uint64_t ms);
/// "850 us", "1.2 ms", "3.4 s".
[[nodiscard]] std::string latency_text(std::uint64_t us);
/// "0.4/s", "4,888/s".
[[nodiscard]] std::string rate_text(double per_second);
/// "4.7 MiB/s".
[[nodiscard]] std::string size_rate_text(double bytes_per_second);
/// RFC 3339 in UTC with milliseconds, "2026-11-22T10:00:00.123Z": what `--from` takes.
[[nodiscard]] std::string time_text(unix_ms time);

} // namespace carafe::shell
