#pragma once

#include <carafe/message.hpp>

#include <string>

namespace carafe::shell {

/// Everything of a message for people, on as many lines as it takes; its body at the end, made
/// printable but for its line breaks.
[[nodiscard]] std::string message_details(const client::delivery& d, bool colours);

} // namespace carafe::shell
