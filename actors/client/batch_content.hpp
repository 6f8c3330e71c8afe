#pragma once

#include "schema/batch.hpp"

#include <carafe/message.hpp>

namespace carafe::client {

/// Opens a batch that a node delivered. The node checked it against its own limits when it was
/// stored; here only what decompressing a damaged one may take is bounded.
///
/// @param first  Offset of its first message, for the error's detail.
/// @errors checksum_mismatch, batch_malformed (also if it does not have `count` messages),
///         batch_too_large, message_too_large, codec_unknown.
[[nodiscard]] result<batch_reader> open_delivered(const shared_bytes& batch, codec compression,
                                                  std::uint32_t checksum, std::uint64_t count,
                                                  offset first);

/// Copies what a message says itself to `d`. Place and id are of the batch, and `d` has them; but a
/// message that the node delivered at its time says which id it was accepted with.
void put_content(const message_view& view, delivery& d);

} // namespace carafe::client
