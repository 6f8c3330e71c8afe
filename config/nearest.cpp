#include "config/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace carafe::config {

namespace {

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view without_section(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

} // namespace

std::string nearest(std::string_view key, const std::vector<std::string>& known) {
  // Nobody means a key by two hundred characters, and the cost grows with their square.
  if (key.size() > 100) return {};
  const auto name = without_section(key);
  const std::size_t slips_max = std::max<std::size_t>(2, name.size() / 3);
  std::size_t best = slips_max * 2 + 1;
  std::string found;
  for (const auto& candidate : known) {
    const auto name_slips = distance(name, without_section(candidate));
    if (name_slips > slips_max) continue;
    // Of two equal names the one whose section is nearer wins.
    const auto slips = name_slips * 2 + (distance(key, candidate) > name_slips ? 1 : 0);
    if (slips >= best) continue;
    best = slips;
    found = candidate;
  }
  return found;
}

} // namespace carafe::config
