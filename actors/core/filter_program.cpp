#include "actors/core/filter_program.hpp"

#include <algorithm>
#include <numeric>

namespace carafe::core::filters {

void program::sort_properties() {
  std::vector<std::uint16_t> order(properties.size());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::uint16_t a, std::uint16_t b) { return properties[a] < properties[b]; });
  std::vector<std::string> sorted;
  std::vector<std::uint16_t> place(properties.size());
  for (const auto number : order) {
    place[number] = static_cast<std::uint16_t>(sorted.size());
    sorted.push_back(std::move(properties[number]));
  }
  properties = std::move(sorted);
  for (auto& i : code) {
    if (i.what == opcode::property) i.at = place[i.at];
  }
}

std::optional<std::uint16_t> program::property_of(std::string_view name) const noexcept {
  const auto at = std::lower_bound(properties.begin(), properties.end(), name);
  if (at == properties.end() || *at != name) return std::nullopt;
  return static_cast<std::uint16_t>(at - properties.begin());
}

} // namespace carafe::core::filters
