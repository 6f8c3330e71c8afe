#pragma once

#include "cli/shell/offsets_file.hpp"
#include "cli/shell/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// What is to become of one queue's committed offset, or has.
struct offset_change {
  enum class outcome : std::uint8_t {
    /// To be set: neither done nor refused yet.
    planned,
    set,
    /// The file says nothing of this queue, or that nothing was committed.
    kept,
    /// The file's offset cannot be this queue's.
    refused,
    /// The node did not set it.
    failed,
    /// It could be set, but others are refused: all or none.
    left,
  };
  std::string topic;
  queue_number number;
  std::optional<offset> was{};
  std::optional<offset> to{};
  outcome what = outcome::planned;
  std::string detail{};
};

/// Compares a file's offsets with the queues of a group, in the order of the file; queues of which
/// the file says nothing come last. If one is refused, the others are `left`.
/// @param clamp  An offset outside of what the queue keeps becomes the nearest one within it.
[[nodiscard]] std::vector<offset_change> plan_import(const group_offsets& file,
                                                     const client::group_info& group, bool clamp);

[[nodiscard]] std::string_view outcome_name(offset_change::outcome what) noexcept;
[[nodiscard]] record change_view(const offset_change& change);

} // namespace carafe::shell
