#pragma once

#include <carafe/message.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace carafe::client {

/// The value of a message's last property of this name; null if it has none.
[[nodiscard]] inline const std::string* find_property(const delivery& d, std::string_view name) {
  auto last = std::find_if(d.properties.rbegin(), d.properties.rend(),
                           [name](auto& p) { return p.first == name; });
  return last == d.properties.rend() ? nullptr : &last->second;
}

} // namespace carafe::client
