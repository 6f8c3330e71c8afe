#include "actors/client/batch_content.hpp"

#include <limits>
#include <string>

namespace carafe::client {
namespace {

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
}

} // namespace carafe::client
