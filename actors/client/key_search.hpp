#pragma once

#include "schema/frame.hpp"

#include <carafe/key_search.hpp>

namespace carafe::client {

[[nodiscard]] frames::key_find frame_of(const key_question& from);
[[nodiscard]] key_places told(frames::key_found&& from);

} // namespace carafe::client
