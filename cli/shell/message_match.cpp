#include "cli/shell/message_match.hpp"

#include <algorithm>

namespace carafe::shell {

bool message_match::operator()(const client::delivery& d) const {
  if (key && d.key != *key) return false;
  if (tag && d.tag != *tag) return false;
  return std::ranges::all_of(properties, [&d](const auto& wanted) {
    auto last = std::find_if(d.properties.rbegin(), d.properties.rend(),
                             [&](const auto& p) { return p.first == wanted.first; });
    return last != d.properties.rend() && last->second == wanted.second;
  });
}

std::vector<option> match_options(message_match& match) {
  return {text("--key", "K", match.key, "Only messages of this key."),
          text("--tag", "T", match.tag, "Only messages with this tag."),
          parsed("--property", "K=V", match.properties, "Only messages with this property.",
                 parse_property)
            .many()};
}

} // namespace carafe::shell
