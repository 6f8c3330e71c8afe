#pragma once

#include "cli/shell/table.hpp"

#include <carafe/story.hpp>

#include <string>
#include <string_view>

namespace carafe::shell {

// Names for programs, as docs/shell.md lists them.
[[nodiscard]] std::string_view name_of(client::story_event::kind what) noexcept;
[[nodiscard]] std::string_view name_of(client::group_story::state now) noexcept;
[[nodiscard]] std::string_view name_of(client::message_story::state now) noexcept;
[[nodiscard]] std::string_view name_of(client::group_story::letter_state now) noexcept;

// And what people read: one sentence without a full stop.
[[nodiscard]] std::string words_of(const client::story_event& event,
                                   const client::message_story& story);
[[nodiscard]] std::string words_of(const client::group_story& group,
                                   const client::message_story& story);
[[nodiscard]] std::string words_of(const client::message_story& story);

/// The group's topic of dead letters, queue and offset; empty: there is no letter.
[[nodiscard]] std::string letter_of(const client::group_story& group);

[[nodiscard]] tone tone_of(client::group_story::state now) noexcept;

} // namespace carafe::shell
