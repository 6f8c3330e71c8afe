#pragma once

#include <carafe/admin.hpp>
#include <carafe/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// How far a group is, as `group export` writes it.
struct group_offsets {
  struct queue {
    std::string topic;
    queue_number number;
    /// None: the group never committed.
    std::optional<offset> committed;

    friend bool operator==(const queue&, const queue&) = default;
  };
  std::string group;
  /// "ordered", "shared" or "keyed".
  std::string mode;
  std::vector<std::string> topics;
  unix_ms exported;
  std::vector<queue> queues;

  friend bool operator==(const group_offsets&, const group_offsets&) = default;
};

[[nodiscard]] group_offsets offsets_of(const client::group_info& group, unix_ms now);

/// JSON, a line for each queue.
[[nodiscard]] std::string to_text(const group_offsets& offsets);

/// Reads what `to_text` wrote; every field must be there, once, and be what it should.
/// @errors invalid_argument; its detail names the field.
result<group_offsets> parse_offsets(std::string_view text);

/// Why the offsets of a `broadcast` group are neither written nor read.
[[nodiscard]] failure offsets_of_names(const std::string& group);

} // namespace carafe::shell
