#pragma once

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace carafe::client {

/// Messages of one key in one queue.
struct key_question {
  std::string topic;
  queue_number number;
  std::string key;
  /// Offsets from `from` on, and below `until`; 0: to the queue's end.
  offset from{};
  offset until{};
  /// Stored at `since` or later, and before that time; 0: at any.
  unix_ms since{};
  unix_ms before{};
  /// At most so many; 0: as many as the node gives in one answer, which is 10,000.
  std::uint32_t limit = 0;
};

struct key_places {
  /// Ascending.
  std::vector<offset> offsets;
  /// Everything below was looked for.
  offset next;
  /// There may be more from `next` on.
  bool more = false;
  /// So many messages were read for this answer.
  std::uint64_t looked = 0;
};

} // namespace carafe::client
