#pragma once

/// What members of groups that lend messages see, and when.

#include "test/sim/oracle.hpp"

#include <carafe/types.hpp>

#include <cstdint>

namespace carafe::sim {

struct message_place {
  queue_id queue;
  offset at;

  friend auto operator<=>(const message_place&, const message_place&) = default;
};

/// When a client did or heard something; what was earlier has a lower number.
struct moment {
  std::uint64_t number = 0;
  std::uint64_t ms = 0;
  std::int64_t wall_ms = 0;
  /// The latest that the wall clock had shown until then.
  std::int64_t wall_most_ms = 0;
};

/// One membership; a member that joins again has another one.
struct holder {
  std::uint64_t number = 0;

  friend auto operator<=>(const holder&, const holder&) = default;
};

/// A message as it came.
struct lent_message {
  message_place place;
  message_name name;
  std::uint32_t attempt = 0;
  /// Sent by the node after this: its answer to what was asked then came before.
  moment fence;
};

/// What a dead letter says.
struct letter_told {
  message_place letter;
  message_place source;
  message_name name;
  std::uint32_t attempts = 0;
  std::int64_t last_failed_ms = 0;
  /// Where it was first, if it was written again for retention.
  std::optional<message_place> first = {};
};

} // namespace carafe::sim
