#pragma once

/// What was sent, acknowledged and delivered in a test, and whether a broker that keeps its word
/// could have done it. No clock, no I/O.

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace carafe::test {

/// A message as the test knows it: its producer numbers its messages from 1.
struct message_name {
  std::uint32_t producer = 0;
  std::uint64_t number = 0;

  friend auto operator<=>(const message_name&, const message_name&) = default;
};

/// Who received a message: one that reads by itself, or all members of a group together.
struct reader {
  enum class kind : std::uint8_t { alone, group };
  kind as = kind::alone;
  std::uint32_t number = 0;

  friend auto operator<=>(const reader&, const reader&) = default;
};

namespace events {

/// Given to the producer; `to` if the test chose the queue.
struct sent {
  message_name what;
  std::optional<queue_number> to;
};
/// A receipt came.
struct acknowledged {
  message_name what;
  queue_number queue;
  offset at;
};
/// An error came that promises: this is not stored.
struct refused {
  message_name what;
};
struct delivered {
  message_name what;
  queue_number queue;
  offset at;
  reader to;
};

} // namespace events

using event = std::variant<events::sent, events::acknowledged, events::refused, events::delivered>;

/// "delivered 2:17 from queue 1, offset 40, to group 3".
[[nodiscard]] std::string to_string(const event& e);

struct violation {
  /// Place in the history of the event that breaks the rule; its size if only the whole does.
  std::size_t at = 0;
  std::string rule;
  std::optional<queue_number> queue;
};

/// The first broken rule, if any. The deliveries together must cover every queue from offset 0 to
/// its end.
///
/// - Every acknowledged message was delivered, at the queue and offset of its receipt.
/// - A message has one offset, however often it was sent; an offset has one message.
/// - Offsets are dense from 0.
/// - In a queue, messages of one producer are in the order in which it sent them.
/// - Who reads alone gets offset after offset, from 0 on. A group never skips one, but may repeat.
/// - Nothing comes that was never sent, goes to another queue than told, or was refused.
[[nodiscard]] std::optional<violation> find_violation(std::span<const event> history);

/// The rule, and the events of the same queue around the one that breaks it.
[[nodiscard]] std::string describe(const violation& v, std::span<const event> history);

} // namespace carafe::test
