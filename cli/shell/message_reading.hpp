#pragma once

#include "cli/shell/message_place.hpp"
#include "cli/shell/node_api.hpp"

#include <carafe/result.hpp>

#include <chrono>
#include <optional>

namespace carafe::shell {

/// Reads the message at a place, also one that is too old to be delivered, for so long at most.
/// @errors topic_unknown, queue_unknown; offset_out_of_range: there is none yet, or none any more;
///         not_found: a later one of its key took its place; timeout.
result<client::delivery> read_at(const message_place& place, node_api& node,
                                 std::chrono::milliseconds patience);

/// The message that a dead letter is of.
struct letter_origin {
  message_place place;
  queue_id queue;
  /// Its topic was deleted: what is at this place now is another message.
  bool gone = false;
};
/// Nothing: it is no dead letter.
[[nodiscard]] std::optional<letter_origin> origin_of(const client::delivery& letter,
                                                     node_api& node);

} // namespace carafe::shell
