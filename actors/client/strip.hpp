#pragma once

#include "schema/batch.hpp"

#include <carafe/result.hpp>

#include <cstdint>
#include <vector>

namespace carafe::client {

/// `batch` without the messages at these places, encoded anew.
/// @param places Ascending, fewer than the batch has messages.
/// @errors What a batch that cannot be read gives.
result<encoded_batch> without(const encoded_batch& batch, const std::vector<std::uint32_t>& places);

} // namespace carafe::client
