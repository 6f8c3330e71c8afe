#pragma once

/// Internal to schema/: LZ4 frames and Zstandard frames.

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace carafe {

/// Compresses `plain` into `out` (its old content is lost) as one frame that announces its size.
/// @pre compression is not codec::none
/// @returns Compressed bytes, at the beginning of `out`.
result<std::span<const std::byte>> compress(codec compression, std::span<const std::byte> plain,
                                            std::vector<std::byte>& out);

/// Decompresses exactly one frame. Never holds more than `bytes_max` of output, whatever the frame
/// announces.
/// @returns The content in a buffer of its own, aligned for Cap'n Proto.
/// @errors batch_too_large  announced or actual content over `bytes_max`.
///         batch_malformed  not one whole frame, or not of the announced size.
///         codec_unknown    `compression` is none or no enumerator.
result<shared_bytes> decompress(codec compression, std::span<const std::byte> compressed,
                                std::size_t bytes_max);

} // namespace carafe
