#pragma once

#include "actors/messages.hpp"

#include <carafe/result.hpp>

namespace carafe {

/// Looks through a part of the log for what concerns a message.
///
/// @errors Those of `commit_log::read_entries` and `decode_entry`.
/// @cost   One reading and one decoding of `bytes_max` bytes of entries, or of one entry; with
///         `since` a binary search before that.
/// @thread Any that may block.
result<walk_reply> walk(const storage::commit_log& log, const walk_request& wish);

} // namespace carafe
