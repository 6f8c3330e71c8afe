#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::demo {

/// A paragraph of a Debian control file; both parts point into the file's text.
struct package_record {
  /// The source package, which several binary packages may share.
  std::string_view key;
  std::string_view body;
};

/// The paragraphs of a control file, in order, at most `most`.
[[nodiscard]] std::vector<package_record> split_records(std::string_view text, std::size_t most);

/// @throws std::runtime_error
[[nodiscard]] std::string read_whole_file(const std::string& path);
void write_whole_file(const std::string& path, std::string_view content);

} // namespace carafe::demo
