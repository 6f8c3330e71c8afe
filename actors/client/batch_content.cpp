#include "actors/client/batch_content.hpp"

#include "actors/client/message_property.hpp"

#include <limits>
#include <string>

namespace carafe::client {
namespace {

/// Of a message that waited for its time; docs/protocol.md, 4.5.
constexpr std::string_view timer_id_property = "carafe-timer-id";

constexpr batch_limits read_limits{1u << 30, std::numeric_limits<std::uint32_t>::max(), 1u << 30};

} // namespace

result<batch_reader> open_delivered(const shared_bytes& batch, codec compression,
                                    std::uint32_t checksum, std::uint64_t count, offset first) {
  if (crc32c(batch.span()) != checksum)
    return {errc::checksum_mismatch, "batch at offset " + std::to_string(first.value)};
  auto opened = batch_reader::open(batch, compression, read_limits);
  if (opened && opened->count() != count)
    return {errc::batch_malformed, "count of the batch at " + std::to_string(first.value)};
  return opened;
}

void put_content(const message_view& view, delivery& d) {
  d.born = view.born;
  d.key = view.key;
  d.body = view.body;
  d.tag = view.tag;
  d.priority = view.priority;
  if (!view.properties.empty()) d.properties.assign(view.properties.begin(), view.properties.end());
  // Only batches of the node itself have no producer: nobody else can name another's message so.
  if (d.id.producer.value != 0) return;
  if (const auto* id = find_property(d, timer_id_property))
    d.id = message_id_from(*id).value_or(d.id);
}

} // namespace carafe::client
