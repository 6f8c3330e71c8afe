#pragma once

#include "cli/shell/message_reading.hpp"
#include "cli/shell/record.hpp"

#include <carafe/story.hpp>

#include <optional>
#include <string>

namespace carafe::shell {

/// For programs: everything, and the words of it.
/// @param origin  Whose dead letter it is, if it is one.
[[nodiscard]] record story_view(const client::message_story& story,
                                const std::optional<letter_origin>& origin);

/// For people: what happened, a line each with its time, and how it is now; the message itself
/// first, then each group.
[[nodiscard]] std::string story_text(const client::message_story& story,
                                     const std::optional<letter_origin>& origin, bool colours);

} // namespace carafe::shell
