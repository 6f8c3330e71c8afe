#pragma once

#include <carafe/types.hpp>

#include <cstdint>
#include <string>

namespace carafe::core {

/// Where a `shared` or `keyed` group has a message just now.
struct whereabouts {
  enum class place : std::uint8_t {
    /// The group has not begun to read its queue.
    unstarted,
    /// The group reads on at `at`, which is before it.
    unread,
    /// It waits for a member with room.
    ready,
    /// `at`, of its key, is not finished.
    behind,
    lent,
    /// For its next attempt, at `due`.
    waiting,
    /// Its letter is being written.
    dying,
    finished,
  };
  place is = place::unstarted;
  offset at = {};
  /// Of `unread`: the group takes no new messages, since so many wait.
  bool held_up = false;
  /// 0: lent before a restart, nobody knows to whom.
  member_id member = {};
  mono_ms lease_ends = {};
  unix_ms due = {};
  /// Deliveries that failed, and the last reason.
  std::uint32_t attempts = 0;
  std::string error = {};
};

} // namespace carafe::core
