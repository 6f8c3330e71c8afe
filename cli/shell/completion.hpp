#pragma once

#include "cli/shell/command.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// Where completion finds names that are not in the commands' descriptions.
class name_source {
public:
  virtual ~name_source() = default;
  virtual std::vector<std::string> topics() = 0;
  virtual std::vector<std::string> groups() = 0;
  /// Files and folders (with a `/` at the end) whose path begins with `prefix`.
  virtual std::vector<std::string> paths(const std::string& prefix) = 0;
};

struct completion {
  /// Bytes before the cursor that a candidate replaces.
  std::size_t replaced = 0;
  /// Sorted; each whole, as it would be typed.
  std::vector<std::string> candidates;
};

/// What may stand at the end of `before_cursor`, given the word that is begun there.
[[nodiscard]] completion complete(const std::vector<command>& commands,
                                  std::string_view before_cursor, name_source& names);

/// The longest beginning that all candidates share.
[[nodiscard]] std::string common_prefix(const std::vector<std::string>& candidates);

/// Whether nothing can follow a completed word without a blank between: not so for a folder.
[[nodiscard]] bool ends_word(std::string_view candidate);

} // namespace carafe::shell
