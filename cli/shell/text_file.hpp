#pragma once

#include <optional>
#include <string>
#include <variant>

namespace carafe::shell {

/// What went wrong with a file, for people: "offsets.json: No such file or directory".
struct file_error {
  std::string text;
};

/// The whole of a file.
/// @param fd_of_dash  What `-` reads, at its present position.
std::variant<std::string, file_error> read_text_file(const std::string& path, int fd_of_dash);

/// Writes a new file, or takes the place of one only when all of it is written.
/// @param overwrite  Whether there may be one already.
std::optional<file_error> write_text_file(const std::string& path, const std::string& text,
                                          bool overwrite);

} // namespace carafe::shell
