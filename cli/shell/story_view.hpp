#pragma once

#include "cli/shell/record.hpp"

#include <carafe/story.hpp>

#include <string>

namespace carafe::shell {

/// For programs: everything, and the words of it.
[[nodiscard]] record story_view(const client::message_story& story);

/// For people: what happened, a line each with its time, and how it is now; the message itself
/// first, then each group.
[[nodiscard]] std::string story_text(const client::message_story& story, bool colours);

} // namespace carafe::shell
