#pragma once

/// Internal to filters: LIKE.

#include "carafe/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::core::filters {

/// A pattern of LIKE, taken apart once: `%` is any bytes, `_` one character, all else itself.
///
/// `_` takes one byte and the bytes that continue its UTF-8 character, if it begins one.
class like_pattern {
public:
  /// @param escape  Takes the meaning from `%`, `_` and itself; it stands before nothing else.
  /// @returns Nothing if `escape` stands before anything else.
  [[nodiscard]] static std::optional<like_pattern> of(std::string_view pattern,
                                                      std::optional<char> escape);

  /// @cost Text bytes, but for patterns with `%`: at most the product of text and pattern bytes.
  [[nodiscard]] bool matches(std::string_view text) const noexcept;

private:
  /// What stands between two `%`.
  struct part {
    std::string bytes;
    /// For each of `bytes` whether it stands for any character; empty if none does.
    std::vector<bool> any;
  };

  void add(char c, bool any);
  [[nodiscard]] static std::size_t end_of(const part& p, std::string_view text,
                                          std::size_t from) noexcept;
  [[nodiscard]] static std::size_t end_of_first(const part& p, std::string_view text,
                                                std::size_t from) noexcept;
  [[nodiscard]] static bool ends_with(const part& p, std::string_view text,
                                      std::size_t from) noexcept;

  /// Never empty; one part: the whole text.
  std::vector<part> parts_{1};
};

} // namespace carafe::core::filters
