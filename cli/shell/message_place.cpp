#include "cli/shell/message_place.hpp"

#include "cli/shell/value_syntax.hpp"

#include <limits>
#include <optional>

namespace carafe::shell {

namespace {

std::optional<message_place> place_in(std::string_view text) {
  const auto second = text.rfind('/');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const auto first = text.rfind('/', second - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  const auto number = parse_number(text.substr(first + 1, second - first - 1), 0,
                                   std::numeric_limits<std::uint32_t>::max());
  const auto at =
    parse_number(text.substr(second + 1), 0, std::numeric_limits<std::uint64_t>::max());
  if (!number || !at) return std::nullopt;
  return message_place{std::string{text.substr(0, first)},
                       queue_number{static_cast<std::uint32_t>(*number)}, offset{*at}};
}

} // namespace

std::string to_string(const message_place& place) {
  return place.topic + '/' + std::to_string(place.number.value) + '/' +
         std::to_string(place.offset.value);
}

result<std::variant<message_place, client::message_id>> parse_message_name(std::string_view text) {
  using name = std::variant<message_place, client::message_id>;
  if (auto place = place_in(text)) return name{std::move(*place)};
  if (auto id = client::message_id_from(text)) return name{*id};
  return {errc::invalid_argument,
          "'" + std::string{text} +
            "' names no message: write TOPIC/QUEUE/OFFSET, such as orders/3/17, or an id as "
            "receipts tell it, such as 0123456789abcdef-42"};
}

} // namespace carafe::shell
