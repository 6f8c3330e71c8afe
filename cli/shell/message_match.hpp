#pragma once

#include "cli/shell/command.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::shell {

/// What a message must be to be shown: every condition that is there holds.
struct message_match {
  std::optional<std::string> key{};
  std::optional<std::string> tag{};
  /// Of a message's properties with one name the last counts.
  std::vector<std::pair<std::string, std::string>> properties{};

  [[nodiscard]] bool empty() const noexcept { return !key && !tag && properties.empty(); }
  [[nodiscard]] bool only_key() const noexcept { return key && !tag && properties.empty(); }
  [[nodiscard]] bool operator()(const client::delivery& d) const;
};

/// --key, --tag and --property.
[[nodiscard]] std::vector<option> match_options(message_match& match);

} // namespace carafe::shell
