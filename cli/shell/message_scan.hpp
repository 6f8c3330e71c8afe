#pragma once

#include "cli/shell/command.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace carafe::shell {

/// Which part of a topic is looked through.
struct scan_range {
  std::string topic;
  /// Empty: all.
  std::vector<queue_number> queues{};
  /// Messages stored at this time or later, and before that one.
  std::optional<unix_ms> since{}, until{};
};

/// --since and --until of a command; texts, since they are read when it runs.
struct scan_times {
  std::optional<std::string> since{}, until{};
};
[[nodiscard]] std::vector<option> time_options(scan_times& times);
/// @errors invalid_argument, its detail names the option.
result<void> read_times(const scan_times& times, unix_ms now, scan_range& range);

struct scan_outcome {
  std::uint64_t scanned = 0;
  /// Ctrl-C came, or nobody reads stdout any more: there may be more.
  bool cut_short = false;
};

/// Takes a message and says whether to go on; `clear_to_write` is to be called before anything is
/// written.
using scan_taker =
  std::function<bool(const client::delivery& d, const std::function<void()>& clear_to_write)>;

/// Hands every message of the range to `take`, those of a queue in order; ends where the queues
/// ended when it began. On a terminal a bar shows how far it is.
///
/// @cost Times are looked up in the queues' indices; what lies between is read.
/// @errors topic_unknown, queue_unknown, timeout (nothing came for as long as a request may take),
///         those of a consumer without a group.
result<scan_outcome> scan(const scan_range& range, node_api& node, command_context& context,
                          const scan_taker& take);

/// The topic, if it has these queues.
result<client::topic_info> topic_with(node_api& node, const std::string& topic,
                                      const std::vector<queue_number>& queues);

} // namespace carafe::shell
