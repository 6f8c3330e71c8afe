#pragma once

/// Internal to filters: from text to program.

#include "actors/core/filter_program.hpp"

#include "carafe/result.hpp"

#include <string_view>

namespace carafe::core::filters {

/// @pre text has at most `filter_bytes_max` bytes
/// @errors filter_invalid
[[nodiscard]] result<program> parse_tags(std::string_view text);
[[nodiscard]] result<program> parse_sql(std::string_view text);

} // namespace carafe::core::filters
