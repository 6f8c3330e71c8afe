#pragma once

#include "schema/delivery.hpp"

#include <carafe/types.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace carafe::core {

/// Messages that have a key, each in the line of its key, oldest first.
///
/// A line is joined at its end, nearly always; elsewhere the cost is that of moving what stands
/// behind. Memory: about 80 bytes a line, 8 to 16 bytes for each message behind another, 110 bytes
/// for each eight offsets of which one is in a line.
/// @cost O(log messages) a call, unless it says otherwise.
class key_lines {
public:
  explicit key_lines(std::pmr::memory_resource* nodes)
    : nodes_(nodes), lines_(nodes), pages_(nodes) {}
  key_lines(const key_lines&) = delete;
  key_lines& operator=(const key_lines&) = delete;

  /// Puts `at` into the line of `key`, unless it is in one.
  /// @param key  Not 0.
  /// @returns Whether it is the first there.
  /// @cost O(1) at the end of the queue.
  bool enter(offset at, std::uint64_t key);
  /// Takes what is in `range` out of its line.
  /// @param each  Called after each that left and was not the last of its line, with whether it was
  ///              the first, and who is first now. It must not change any line.
  /// @cost O(log messages), and O(log line) for each that leaves; O(1) at the front.
  template <class F>
  void leave(offset_range range, F&& each) {
    const auto end = range.end().value;
    for (auto page = pages_.lower_bound(range.first.value / slots);
         page != pages_.end() && page->first * slots < end;) {
      for (std::uint64_t i = 0; i < slots; ++i) {
        const auto at = page->first * slots + i;
        if (at < range.first.value || at >= end) continue;
        auto* const line = std::exchange(page->second.lines[i], nullptr);
        if (line == nullptr) continue;
        --page->second.count;
        if (const auto now = leave(*line, offset{at})) each(now->first, now->second);
      }
      page = page->second.count == 0 ? pages_.erase(page) : std::next(page);
    }
  }

  /// 0: it is in no line.
  [[nodiscard]] std::uint64_t key_of(offset at) const;
  /// Who is first in the line of `at`; nothing: it is in none.
  [[nodiscard]] std::optional<offset> first_before(offset at) const;
  /// Whether `is` holds of another one of its line.
  /// @cost O(length of the line)
  template <class F>
  [[nodiscard]] bool any_other(offset at, F&& is) const {
    const auto* const found = find(at);
    if (found == nullptr) return false;
    const auto& line = found->second;
    if (line.first != at && is(line.first)) return true;
    for (auto i = line.gone; i < line.behind.size(); ++i)
      if (const auto& other = line.behind[i]; !other.left() && other.at() != at && is(other.at()))
        return true;
    return false;
  }
  /// The first of each line.
  /// @cost O(lines)
  [[nodiscard]] std::vector<offset> firsts() const;
  /// How many stand behind another one.
  [[nodiscard]] std::uint64_t behind() const noexcept { return behind_; }
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

private:
  /// Where somebody stands, and whether they have left meanwhile.
  class standing {
  public:
    explicit standing(offset at) : twice_(at.value * 2) {}
    [[nodiscard]] offset at() const noexcept { return offset{twice_ / 2}; }
    [[nodiscard]] bool left() const noexcept { return twice_ % 2 != 0; }
    void leave() noexcept { twice_ |= 1; }
    void come_back() noexcept { twice_ &= ~std::uint64_t{1}; }

  private:
    std::uint64_t twice_;
  };
  struct one_line {
    offset first;
    /// Ascending. The first `gone` have left, and `left` others.
    std::pmr::vector<standing> behind;
    std::size_t gone = 0;
    std::size_t left = 0;

    [[nodiscard]] bool alone() const noexcept { return gone + left == behind.size(); }
  };
  using line_table = std::pmr::unordered_map<std::uint64_t, one_line>;
  static constexpr std::uint64_t slots = 8;
  /// The lines of so many offsets that follow each other.
  struct one_page {
    std::array<line_table::value_type*, slots> lines{};
    std::uint64_t count = 0;
  };

  [[nodiscard]] const line_table::value_type* find(offset at) const;
  one_page& page_of(std::uint64_t number);
  /// @returns Whether it was the first, and who is now; nothing: nobody.
  std::optional<std::pair<bool, offset>> leave(line_table::value_type& from, offset at);
  static std::pmr::vector<standing>::iterator place_of(one_line& line, offset at);
  static void close_up(one_line& line);

  std::pmr::memory_resource* nodes_;
  line_table lines_;
  std::pmr::map<std::uint64_t, one_page> pages_;
  std::uint64_t behind_ = 0;
};

} // namespace carafe::core
