#pragma once

/// The node's settings and CAF's own, ready to make an actor system of.

#include "config/node_options.hpp"

#include <carafe/result.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/config_value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::config {

/// Filled by `load` (config/load.hpp). Modules and message types are added by whoever makes the
/// actor system, before or after: `system.load<caf::io::middleman>()`.
///
/// Differs from CAF's defaults in two settings, so that an idle node reacts at once: workers
/// sleep on a condition variable instead of in fixed naps, and BASP has no workers of its own.
class system_config : public caf::actor_system_config {
public:
  system_config();

  /// Section `[carafe]`.
  node_options node;

  /// Whether CAF has settings in this section.
  [[nodiscard]] bool has_caf_section(std::string_view name) const;

  /// "scheduler.max-threads" and so on, all that `set_caf` takes.
  [[nodiscard]] std::vector<std::string> caf_keys() const;

  /// Sets one of CAF's own settings from the config file.
  /// @param key    With its section.
  /// @param where  Origin of the value for error details.
  /// @errors config_unknown_key, config_wrong_type, config_out_of_range.
  result<void> set_caf(std::string_view key, const caf::config_value& value,
                       std::string_view where);

  /// The same for a command line argument.
  /// @param text  What follows the `=`; nothing if there is none, which turns a flag on.
  result<void> set_caf_text(std::string_view key, std::optional<std::string_view> text,
                            std::string_view where);

  /// One line for each of CAF's own settings: key, type, what it does.
  [[nodiscard]] std::string caf_help() const;

private:
  [[nodiscard]] const caf::config_option* find_caf(std::string_view key) const;
};

/// A value as the config file has it.
[[nodiscard]] std::string caf_text(const caf::config_value& value);

} // namespace carafe::config
