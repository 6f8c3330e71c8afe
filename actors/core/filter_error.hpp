#pragma once

/// Internal to filters: how a text that is no filter is answered.

#include "carafe/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace carafe::core::filters {

/// Thrown by the grammar and the compiler, through PEGTL, and caught where the parse began: a place
/// in the text, in bytes, and what is wrong there.
struct rejected {
  std::size_t at = 0;
  std::string why;
};

/// "expected a value after '=', found the end"
/// @param at  Where something else than `wanted` is, 0..text.size().
[[nodiscard]] rejected unexpected(std::string_view text, std::size_t at, std::string_view wanted);

/// `filter_invalid` with "column 12: …", in characters from 1, and the reason.
[[nodiscard]] failure to_failure(std::string_view text, const rejected& why);

} // namespace carafe::core::filters
