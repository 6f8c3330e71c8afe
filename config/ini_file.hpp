#pragma once

/// CAF's config file format, read with CAF's own parser, but keeping what CAF drops: line numbers,
/// duplicates, types that do not fit, and sections nobody knows.

#include <carafe/result.hpp>

#include <caf/config_value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace carafe::config {

struct ini_entry {
  /// With its section: "carafe.data-dir"; without one if it stands before the first section.
  std::string key;
  caf::config_value value;
  std::size_t line = 0;
};

struct ini_section {
  std::string name;
  std::size_t line = 0;
};

struct ini_file {
  /// In the order of the file; `[carafe]` and `carafe { … }` both give keys of section `carafe`.
  std::vector<ini_entry> entries;
  std::vector<ini_section> sections;
};

/// @param name  Of the file, for error details.
/// @errors config_unreadable    bad syntax or a key set twice; names file and line.
///         config_out_of_range  a number that fits no integer; names key, file and line.
result<ini_file> parse_ini(std::string_view text, std::string_view name);

/// Reads the whole file, which may be a pipe, and parses it.
/// @errors config_unreadable  also if it cannot be read or is longer than 1 MiB.
result<ini_file> read_ini(const std::string& path);

/// "carafed.conf:12".
[[nodiscard]] std::string place(std::string_view name, std::size_t line);

} // namespace carafe::config
