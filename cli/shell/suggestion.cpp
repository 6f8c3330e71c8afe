#include "cli/shell/suggestion.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

/// Restricted Damerau-Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) table[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) table[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = a[i - 1] == b[j - 1] ? 0 : 1;
      auto& best = table[i][j];
      best = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

// Longer words are no typing mistake; the distance costs their product.
constexpr std::size_t typed_bytes_max = 40;

} // namespace

std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& known) {
  if (typed.empty() || typed.size() > typed_bytes_max) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, (typed.size() + 1) / 3) + 1;
  for (const auto& word : known) {
    auto d = distance(typed, word);
    if (d < best_distance) {
      best_distance = d;
      best = word;
    }
  }
  if (best || typed.size() < 2) return best;
  auto begun = std::find_if(known.begin(), known.end(),
                            [&](const std::string& word) { return word.starts_with(typed); });
  if (begun != known.end()) best = *begun;
  return best;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known) {
  auto word = nearest(typed, known);
  return word ? "; did you mean '" + *word + "'?" : std::string{};
}

} // namespace carafe::shell
