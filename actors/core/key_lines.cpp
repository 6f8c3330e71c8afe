#include "actors/core/key_lines.hpp"

#include <algorithm>
#include <iterator>

namespace carafe::core {

bool key_lines::enter(offset at, std::uint64_t key) {
  auto& page = page_of(at.value / slots);
  auto*& slot = page.lines[at.value % slots];
  if (slot != nullptr) return slot->second.first == at;
  const auto [found, fresh] =
    lines_.try_emplace(key, one_line{at, std::pmr::vector<offset>{nodes_}});
  slot = &*found;
  ++page.count;
  if (fresh) return true;
  ++behind_;
  auto& [first, behind, gone] = found->second;
  if (at > first) {
    if (behind.size() == gone || at > behind.back())
      behind.push_back(at);
    else
      behind.insert(
        std::lower_bound(behind.begin() + static_cast<std::ptrdiff_t>(gone), behind.end(), at), at);
    return false;
  }
  if (gone > 0)
    behind[--gone] = first;
  else
    behind.insert(behind.begin(), first);
  first = at;
  return true;
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
  auto& of = from.second;
  auto& [first, behind, gone] = of;
  if (gone == behind.size()) {
    const auto key = from.first;
    lines_.erase(key);
    return std::nullopt;
  }
  --behind_;
  const bool was_first = first == at;
  if (was_first)
    first = behind[gone++];
  else
    behind.erase(
      std::lower_bound(behind.begin() + static_cast<std::ptrdiff_t>(gone), behind.end(), at));
  drop_gone(of);
  return std::pair{was_first, first};
}

/// At most half of what a line keeps has left.
void key_lines::drop_gone(one_line& of) {
  constexpr std::size_t few = 16;
  auto& [first, behind, gone] = of;
  if (gone == behind.size()) {
    behind.clear();
    gone = 0;
  }
  if (gone >= few && gone * 2 >= behind.size()) {
    behind.erase(behind.begin(), behind.begin() + static_cast<std::ptrdiff_t>(gone));
    gone = 0;
  }
  if (behind.capacity() > few && behind.capacity() / 4 > behind.size()) behind.shrink_to_fit();
}

} // namespace carafe::core
