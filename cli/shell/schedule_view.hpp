#pragma once

#include "cli/shell/command.hpp"
#include "cli/shell/record.hpp"

#include <carafe/schedules.hpp>

#include <memory>
#include <string>

namespace carafe::shell {

/// A schedule as a row of a list.
[[nodiscard]] record schedule_row(const client::schedule_info& schedule);
/// … and on its own, with its message.
[[nodiscard]] record schedule_view(const client::schedule_info& schedule);
/// "next at 2026-11-27T08:00:00.000Z", for a sentence.
[[nodiscard]] std::string next_text(const client::schedule_info& schedule);

/// NAME, of a schedule that is there.
[[nodiscard]] option schedule_name(std::string& target);

} // namespace carafe::shell
