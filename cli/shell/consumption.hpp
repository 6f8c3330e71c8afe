#pragma once

#include "cli/shell/command.hpp"
#include "cli/shell/delivery_text.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

namespace carafe::shell {

/// How messages are copied from a consumer to stdout.
struct consumption {
  /// End after so many messages.
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
  /// End when none came for so long.
  std::optional<std::chrono::milliseconds> idle_exit{};
  delivery_format format = delivery_format::body;
  /// Which messages are printed and counted; empty: all.
  std::function<bool(const client::delivery&)> wanted{};
  /// What is done with a message that was written; empty: nothing.
  std::function<result<void>(const client::delivery&)> settle{};
};

/// Prints messages as they come until there are enough, none came for long enough, Ctrl-C or a
/// closed stdout; then closes the consumer.
/// @pre A `signal_catcher` for `context.stop` lives.
/// @returns How many were written.
/// @errors Those of `poll`, `settle` and `close`; what came before was written, and the consumer is
///         closed.
result<std::uint64_t> copy_to_stdout(client::consumer& from, const consumption& how,
                                     command_context& context);

} // namespace carafe::shell
