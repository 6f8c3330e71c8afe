#include <carafe/message.hpp>

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace carafe::client {

std::string to_string(message_id id) {
  char text[48];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-%" PRIu64, id.producer.value, id.sequence.value);
  return text;
}

std::optional<message_id> message_id_from(std::string_view text) {
  constexpr std::size_t producer_digits = 16;
  if (text.size() < producer_digits + 2 || text[producer_digits] != '-') return std::nullopt;
  message_id id;
  const auto* begin = text.data();
  const auto* middle = begin + producer_digits;
  const auto* end = begin + text.size();
  const auto producer = std::from_chars(begin, middle, id.producer.value, 16);
  const auto number = std::from_chars(middle + 1, end, id.sequence.value);
  if (producer.ec != std::errc{} || producer.ptr != middle) return std::nullopt;
  if (number.ec != std::errc{} || number.ptr != end || id.sequence.value == 0) return std::nullopt;
  return id;
}

} // namespace carafe::client
