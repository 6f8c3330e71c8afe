#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// The word of `known` that `typed` most likely meant: at most a third of its letters wrong
/// (missing, extra, replaced or swapped with their neighbour), or what it begins.
[[nodiscard]] std::optional<std::string> nearest(std::string_view typed,
                                                 const std::vector<std::string>& known);

/// "; did you mean 'topic'?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view typed,
                                       const std::vector<std::string>& known);

} // namespace carafe::shell
