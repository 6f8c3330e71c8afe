#pragma once

#include "cli/shell/command.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace carafe::shell {

/// Which messages for later a command is about, as it was typed.
struct timer_choice {
  std::string topic;
  std::optional<client::message_id> id;
  std::optional<std::string> name;
};

/// TOPIC, --id and --name.
[[nodiscard]] std::vector<option> timer_options(timer_choice& choice);

/// @errors invalid_argument: neither or both of --id and --name.
result<client::timer_selection> selection_of(const timer_choice& choice);

/// `0123456789abcdef-42`, as receipts show it.
result<client::message_id> parse_message_id(std::string_view text);

/// How long: as `parse_duration`, or one of RocketMQ's 18 delay levels, `level1` (1 s) to `level18`
/// (2 h).
result<std::chrono::milliseconds> parse_delay(std::string_view text);

/// A time to come: RFC 3339 with a zone.
result<unix_ms> parse_instant(std::string_view text);

} // namespace carafe::shell
