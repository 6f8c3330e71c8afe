#include "actors/core/key_lines.hpp"

#include <algorithm>
#include <iterator>

namespace carafe::core {

bool key_lines::enter(offset at, std::uint64_t key) {
  auto& page = page_of(at.value / slots);
  auto*& slot = page.lines[at.value % slots];
  if (slot != nullptr) return slot->second.first == at;
  const auto [found, fresh] =
    lines_.try_emplace(key, one_line{at, std::pmr::vector<standing>{nodes_}});
  slot = &*found;
  ++page.count;
  if (fresh) return true;
  ++behind_;
  auto& line = found->second;
  const bool goes_first = at < line.first;
  const auto who = goes_first ? std::exchange(line.first, at) : at;
  if (line.behind.size() == line.gone || who > line.behind.back().at()) {
    line.behind.emplace_back(who);
  } else if (goes_first && line.gone > 0) {
    line.behind[--line.gone] = standing{who};
  } else if (const auto place = place_of(line, who); place->at() == who) {
    place->come_back();
    --line.left;
  } else {
    line.behind.insert(place, standing{who});
  }
  return goes_first;
}

std::uint64_t key_lines::key_of(offset at) const {
  const auto* const found = find(at);
  return found == nullptr ? 0 : found->first;
}

std::optional<offset> key_lines::first_before(offset at) const {
  const auto* const found = find(at);
  if (found == nullptr) return std::nullopt;
  return found->second.first;
}

std::vector<offset> key_lines::firsts() const {
  std::vector<offset> out;
  out.reserve(lines_.size());
  for (const auto& [key, line] : lines_) out.push_back(line.first);
  return out;
}

const key_lines::line_table::value_type* key_lines::find(offset at) const {
  const auto page = pages_.find(at.value / slots);
  return page == pages_.end() ? nullptr : page->second.lines[at.value % slots];
}

key_lines::one_page& key_lines::page_of(std::uint64_t number) {
  if (!pages_.empty() && pages_.rbegin()->first == number) return pages_.rbegin()->second;
  return pages_.try_emplace(pages_.end(), number)->second;
}

std::optional<std::pair<bool, offset>> key_lines::leave(line_table::value_type& from, offset at) {
  auto& line = from.second;
  if (line.alone()) {
    const auto key = from.first;
    lines_.erase(key);
    return std::nullopt;
  }
  --behind_;
  const bool was_first = line.first == at;
  if (was_first) {
    for (; line.behind[line.gone].left(); ++line.gone) --line.left;
    line.first = line.behind[line.gone++].at();
  } else {
    place_of(line, at)->leave();
    ++line.left;
  }
  close_up(line);
  return std::pair{was_first, line.first};
}

/// Where `at` stands behind the first one, or would.
std::pmr::vector<key_lines::standing>::iterator key_lines::place_of(one_line& line, offset at) {
  return std::lower_bound(line.behind.begin() + static_cast<std::ptrdiff_t>(line.gone),
                          line.behind.end(), at,
                          [](const standing& each, offset to) { return each.at() < to; });
}

/// At most half of what a line keeps has left.
void key_lines::close_up(one_line& line) {
  constexpr std::size_t few = 16;
  auto& behind = line.behind;
  if (line.alone()) {
    behind.clear();
    line.gone = line.left = 0;
  }
  const auto absent = line.gone + line.left;
  if (absent < few || absent * 2 < behind.size()) return;
  behind.erase(behind.begin(), behind.begin() + static_cast<std::ptrdiff_t>(line.gone));
  std::erase_if(behind, [](const standing& each) { return each.left(); });
  line.gone = line.left = 0;
  if (behind.capacity() / 4 > behind.size()) behind.shrink_to_fit();
}

} // namespace carafe::core
