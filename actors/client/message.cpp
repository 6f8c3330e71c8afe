#include <carafe/message.hpp>

#include <cinttypes>
#include <cstdio>

namespace carafe::client {

std::string to_string(message_id id) {
  char text[48];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-%" PRIu64, id.producer.value, id.sequence.value);
  return text;
}

} // namespace carafe::client
