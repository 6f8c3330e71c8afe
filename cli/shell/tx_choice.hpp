#pragma once

#include "cli/shell/command.hpp"

#include <string_view>

namespace carafe::shell {

/// `0-0123456789abcdef-42`, as `tx list` shows it.
result<client::transaction_ref> parse_transaction(std::string_view text);

[[nodiscard]] std::string_view state_name(client::transaction_state state) noexcept;

/// `tx commit` and `tx rollback`.
command tx_end_command(bool commit);

} // namespace carafe::shell
