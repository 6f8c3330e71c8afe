#pragma once

#include <carafe/message.hpp>

#include <cstdint>
#include <string>

namespace carafe::shell {

class json_writer;

enum class delivery_format : std::uint8_t {
  body,
  /// For people: tells which attempt it is, from the second on.
  body_and_attempt,
  /// For people: queue, offset, time, key, tag and body on one line, made printable; `-` is none.
  line,
  json,
};

/// Adds `d` to `out`, with a newline at its end: its body as it is, a line of all
/// that matters, or an object.
void append_delivery(std::string& out, const client::delivery& d, delivery_format format);

/// Adds the member `id`: null if nobody has numbered the message, as a dead letter.
void append_id(json_writer& w, const client::message_id& id);

} // namespace carafe::shell
