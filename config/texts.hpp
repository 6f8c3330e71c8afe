#pragma once

/// What `carafed` prints about its settings. All of it is generated from config/settings.hpp.

#include "config/system_config.hpp"

#include <string>

namespace carafe::config {

/// `carafed --help`: every option with unit, range, default and a sentence.
[[nodiscard]] std::string help_text(const system_config& system);

/// The annotated example, every setting at its default; config/carafed.conf holds it.
[[nodiscard]] std::string example_config();

/// The settings as a Markdown table; docs/configuration.md holds it.
[[nodiscard]] std::string settings_table();

/// The settings in effect as a config file that `load` reads back to the same.
[[nodiscard]] std::string effective_config(const system_config& system);

} // namespace carafe::config
