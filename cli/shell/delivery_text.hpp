#pragma once

#include <carafe/message.hpp>

#include <cstdint>
#include <string>

namespace carafe::shell {

enum class delivery_format : std::uint8_t {
  body,
  /// For people: tells which attempt it is, from the second on.
  body_and_attempt,
  json,
};

/// Adds `d` to `out`, with a newline at its end: its body as it is, or an object.
void append_delivery(std::string& out, const client::delivery& d, delivery_format format);

} // namespace carafe::shell
