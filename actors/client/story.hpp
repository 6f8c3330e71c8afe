#pragma once

#include "schema/frame.hpp"

#include <carafe/story.hpp>

namespace carafe::client {

[[nodiscard]] frames::message_why frame_of(const story_question& from);
[[nodiscard]] message_story told(frames::message_story&& from);

} // namespace carafe::client
