#pragma once

/// Numbers of bytes as people write them: "64KiB", "1 GiB", "4096".

#include <carafe/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace carafe::config {

/// Reads decimal digits, perhaps followed by B, KiB, MiB, GiB, TiB or PiB.
/// @errors config_wrong_type    anything else.
///         config_out_of_range  2^63 bytes or more.
result<std::uint64_t> parse_bytes(std::string_view text);

/// In the largest unit that divides the number: "1 GiB", "1536 KiB", "17 B", "0".
/// @param space  Between number and unit.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes, std::string_view space = " ");

} // namespace carafe::config
