#pragma once

/// Internal to filters: LIKE.

#include <cstddef>
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

  /// Texts that it may be asked about, bytes. What has `_` behind a `%` is compared byte by byte
  /// from each place of the text: a hostile pattern would hold up the node for seconds over a text
  /// of megabytes, and does for some milliseconds over one of 4 KiB.
  [[nodiscard]] std::size_t text_bytes_max() const noexcept;

  /// @cost Text bytes; with `_` or long repetitions behind a `%` at most the product of the bytes
  ///       of text and pattern.
  /// @pre  text.size() <= text_bytes_max()
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
  bool any_behind_gap_ = false;
};

} // namespace carafe::core::filters
