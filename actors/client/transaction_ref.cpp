#include <carafe/transactions.hpp>

#include <charconv>
#include <limits>

namespace carafe::client {

std::string to_string(const transaction_ref& which) {
  return std::to_string(which.shard.value) + "-" +
         to_string(message_id{which.producer, sequence{which.number}});
}

std::optional<transaction_ref> transaction_ref_from(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  transaction_ref out;
  const auto* end = text.data() + dash;
  const auto shard = std::from_chars(text.data(), end, out.shard.value);
  if (shard.ec != std::errc{} || shard.ptr != end) return std::nullopt;
  const auto rest = message_id_from(text.substr(dash + 1)); // It has the same shape.
  if (!rest || rest->producer.value == 0) return std::nullopt;
  out.producer = rest->producer;
  out.number = rest->sequence.value;
  return out;
}

} // namespace carafe::client
