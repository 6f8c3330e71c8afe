#pragma once

#include "cli/shell/command.hpp"
#include "cli/shell/message_match.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace carafe::shell {

/// Dead letters of a group that are to be shown, brought back or purged.
struct letter_choice {
  std::string group;
  std::optional<queue_number> queue;
  std::optional<offset> at;
  std::uint64_t count = 10'000;
  message_match match;
  /// Part of their last error.
  std::optional<std::string> error;

  /// Whether they have to be read to know which these are.
  [[nodiscard]] bool looks_inside() const noexcept { return !match.empty() || error; }
  [[nodiscard]] bool matches(const client::delivery& letter) const;
};

/// GROUP, --queue, --offset, --count, --key, --tag, --property and --error.
[[nodiscard]] std::vector<option> letter_options(letter_choice& choice);

/// Those of the group that were chosen by their place, oldest of each queue first; `count` of them,
/// if nothing else decides.
/// @errors Those of `client::dead_letters`.
result<std::vector<client::dead_letter_range>> chosen_letters(const letter_choice& choice,
                                                              node_api& node);

/// Reads these letters themselves, in any order: those that match, `count` at most.
/// @errors Those of a consumer without a group; timeout.
result<std::vector<client::delivery>>
read_letters(const letter_choice& choice, const std::vector<client::dead_letter_range>& letters,
             command_context& context, node_api& node, bool with_bodies = true);

struct letter_deed {
  /// Strike them off instead of bringing them back.
  bool purge = false;
  /// So many a second; 0: as fast as they go.
  std::uint32_t rate = 0;
  /// Only if the user says yes to their number.
  bool asks = false;
};

/// Brings them back or purges them, and shows what became of each.
exit_code deal_with(const letter_choice& choice, const letter_deed& deed, command_context& context);

} // namespace carafe::shell
