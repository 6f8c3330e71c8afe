#pragma once

#include "cli/shell/command.hpp"

#include <string>
#include <vector>

namespace carafe::shell {

/// The help of the commands under `path`: one command's page, or a list of several. Empty: all.
/// @pre some command is under `path`
[[nodiscard]] std::string help_text(const std::vector<command>& commands,
                                    const std::vector<std::string>& path, bool colours);

} // namespace carafe::shell
