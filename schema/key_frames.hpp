#pragma once

/// Frames about messages of one key.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace carafe::frames {

struct key_find {
  std::string topic;
  queue_number number;
  std::string key;
  offset from;
  /// 0: the queue's end.
  offset until;
  /// Stored at `since` or later, and before that time; 0: at any.
  unix_ms since;
  unix_ms before;
  /// 0: as many as the node gives in one answer.
  std::uint32_t limit = 0;
};

struct key_found {
  std::vector<offset> offsets;
  /// Everything below was looked for.
  offset next;
  bool more = false;
  std::uint64_t looked = 0;
};

} // namespace carafe::frames
