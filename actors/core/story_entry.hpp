#pragma once

/// What both halves of a story read from the log: its own part, and those of its groups.

#include "actors/core/story.hpp"
#include "schema/batch.hpp"

#include <carafe/result.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace carafe::core {

inline bool holds(const std::vector<offset_range>& ranges, offset at) {
  return std::ranges::any_of(
    ranges, [at](const offset_range& range) { return range.first <= at && at < range.end(); });
}

inline frames::story_event happened(frames::story_event::kind what, const decoded_entry& entry) {
  frames::story_event e;
  e.what = what;
  e.time = entry.header.time;
  return e;
}

/// It was checked when it came.
inline result<batch_reader> open_stored(const effects::batch& batch) {
  constexpr auto any = std::numeric_limits<std::uint32_t>::max();
  return batch_reader::open(batch.bytes, batch.compression, {any, any, any});
}

inline std::uint64_t number_in(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

} // namespace carafe::core
