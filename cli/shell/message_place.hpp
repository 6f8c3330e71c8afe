#pragma once

#include <carafe/message.hpp>
#include <carafe/result.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace carafe::shell {

/// Where one message is.
struct message_place {
  std::string topic;
  queue_number number;
  carafe::offset offset;

  friend bool operator==(const message_place&, const message_place&) = default;
};

/// "orders/3/17".
[[nodiscard]] std::string to_string(const message_place& place);

/// `TOPIC/QUEUE/OFFSET`, or an id as receipts tell it: `0123456789abcdef-42`.
/// @errors As those of value_syntax.hpp.
result<std::variant<message_place, client::message_id>> parse_message_name(std::string_view text);

} // namespace carafe::shell
