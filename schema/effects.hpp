#pragma once

/// Internal to schema/: the effects of an entry, without header and attachments.

#include "schema/records.hpp"

#include <cstddef>
#include <vector>

namespace carafe {

/// One flat segment. Batches are taken to lie one after another in the attachments, in the order
/// of `effects`, each padded to 8 bytes.
[[nodiscard]] std::vector<std::byte> encode_effects(const std::vector<effects::effect>& effects);

/// Batches are views into `attachments`.
/// @errors storage_corrupt, format_newer (an effect that this version does not know).
result<std::vector<effects::effect>> decode_effects(shared_bytes segment,
                                                    const shared_bytes& attachments);

} // namespace carafe
