#include "actors/core/delivery_entry.hpp"

#include <variant>

namespace carafe::core {

namespace {

/// About what it takes in an entry.
std::size_t bytes_of(const effects::effect& effect) {
  constexpr std::size_t each = 64, row = 128;
  if (const auto* done = std::get_if<effects::settled>(&effect))
    return each + done->ranges.size() * sizeof(offset_range);
  if (const auto* lent = std::get_if<effects::lent>(&effect))
    return each + lent->ranges.size() * sizeof(offset_range) + lent->member.size();
  if (const auto* waiting = std::get_if<effects::waiting>(&effect))
    return each + row + waiting->row.error.size();
  return each;
}

} // namespace

std::size_t next_entry(const std::vector<effects::effect>& gathered) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < gathered.size() && count < delivery_effects_max; ++count) {
    bytes += bytes_of(gathered[count]);
    if (bytes > delivery_entry_bytes_max && count > 0) break;
  }
  return count;
}

} // namespace carafe::core
