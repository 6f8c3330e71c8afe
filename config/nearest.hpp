#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace carafe::config {

/// The one of `known` that `key` is most likely a slip of, or "" if none is near. A key without its
/// section is near.
[[nodiscard]] std::string nearest(std::string_view key, const std::vector<std::string>& known);

} // namespace carafe::config
