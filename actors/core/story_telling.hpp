#pragma once

#include "actors/core/delivery_core.hpp"
#include "actors/core/delivery_where.hpp"
#include "actors/core/story.hpp"
#include "schema/story_frames.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace carafe::core {

/// Of one answer: what is left out is counted in it.
inline constexpr std::size_t story_bytes_max = 1u << 20;
inline constexpr std::size_t story_groups_max = 1'000;

/// What is so just now, besides the log.
struct story_surroundings {
  /// Where the message's queue begins.
  offset start;
  instant now;
};

/// What the log says of a message in a group that settles single ones, and what its actor says.
/// @param member  The name of who has it.
[[nodiscard]] frames::group_story tell(const story& what, group_id group, const whereabouts& where,
                                       const std::string& member, const story_surroundings& around);

/// … in a group, or of a consumer, that commits offsets.
/// @param committed  Nothing: it has not begun.
/// @param reader     Who reads the queue.
[[nodiscard]] frames::group_story tell(const story& what, group_id group,
                                       std::optional<offset> committed, const std::string& reader,
                                       const story_surroundings& around);

/// What the log says of the message itself.
[[nodiscard]] frames::message_story tell(const story& what, const story_surroundings& around);

/// Adds a group's part, or counts it as left out if the answer would become too large.
void add(frames::message_story& to, frames::group_story what, std::size_t& bytes);

} // namespace carafe::core
