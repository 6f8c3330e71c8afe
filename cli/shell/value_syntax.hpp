#pragma once

/// How values are written on the command line. Every error is `invalid_argument`, its detail one
/// sentence that quotes what was typed and says what is expected.

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::shell {

/// A plain decimal number from `min` to `max`.
result<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max);

/// So much a second: a decimal fraction such as `0.5` or `2000`, from 0.001 to 1000000000.
result<double> parse_rate(std::string_view text);

/// `0`, or a number with one of the units ms, s, m, h, d: `90s`, `15m`, `12h`, `7d`.
result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// `a,b`: names between commas, none of them empty.
result<std::vector<std::string>> parse_names(std::string_view text);

/// A whole number from 0 to 100, with or without `%`.
result<std::uint32_t> parse_percent(std::string_view text);

/// Pauses, in milliseconds: up to `backoff_values_max` durations between commas, or
/// `exponential:FIRST,FACTOR,MAX`: FIRST, each next one FACTOR times as long, until MAX.
result<std::vector<std::uint64_t>> parse_backoff(std::string_view text);
inline constexpr std::size_t backoff_values_max = 64;

/// Bytes: a plain number, or one with B, KiB, MiB or GiB (in any case).
result<std::uint64_t> parse_size(std::string_view text);

/// The same from `min` to `max`.
result<std::uint64_t> parse_size(std::string_view text, std::uint64_t min, std::uint64_t max);

/// Bytes a second of a quota: a size, at most 16 GiB; 0: none.
result<std::uint64_t> parse_quota(std::string_view text);

/// RFC 3339 with a zone (`2026-11-22T10:00:00Z`), or a time before `now`: `-15m`.
result<unix_ms> parse_time(std::string_view text, unix_ms now);

/// `earliest`, `latest`, an offset, or a time as in `parse_time`.
result<start_position> parse_start(std::string_view text, unix_ms now);

/// HOST:PORT; an IPv6 address in brackets.
result<std::string> parse_address(std::string_view text);

/// `name=value`; the value may be empty and may hold more `=`.
result<std::pair<std::string, std::string>> parse_property(std::string_view text);

} // namespace carafe::shell
