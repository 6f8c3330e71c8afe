#pragma once

/// The table of settings: the one source of every key, unit, range and sentence about it. Defaults
/// are the initial values of `node_options`.

#include "config/node_options.hpp"

#include <carafe/result.hpp>

#include <caf/config_value.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace carafe::config {

/// The member of `node_options` that holds a setting's value.
using setting_field = std::variant<std::string node_options::*, std::uint16_t node_options::*,
                                   std::uint32_t node_options::*, std::uint64_t node_options::*,
                                   log_level node_options::*>;

/// Which characters a text may have.
enum class alphabet : std::uint8_t {
  /// No control characters.
  path,
  /// Letters, digits and `.` `-` `_` `:`.
  name,
};

struct setting {
  /// Without the section.
  std::string_view key;
  setting_field field;
  std::string_view unit;
  /// Of an integer, or of the length of a text in bytes.
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::uint64_t multiple_of = 1;
  alphabet characters = alphabet::path;
  /// One sentence.
  std::string_view about;
};

/// The section of all our settings.
inline constexpr std::string_view section = "carafe";

extern const std::array<setting, 30> settings;

/// The setting with this key (without the section), or nullptr.
[[nodiscard]] const setting* find_setting(std::string_view key) noexcept;

/// Sets one member of `options`.
/// @param where  Origin of the value for error details, for example "carafed.conf:12".
/// @errors config_wrong_type, config_out_of_range; the detail names key, origin and range.
result<void> assign(node_options& options, const setting& what, const caf::config_value& value,
                    std::string_view where);

/// The same for the text of a command line argument: numbers are decimal, texts unquoted.
result<void> assign_text(node_options& options, const setting& what, std::string_view text,
                         std::string_view where);

/// Two settings that contradict each other.
struct conflict {
  std::string_view first;
  std::string_view second;
  std::string text;
};

/// What no range of a single setting can express; nothing if all is well.
[[nodiscard]] std::optional<conflict> find_conflict(const node_options& options);

/// "10..60000", "16 MiB..64 GiB, a multiple of 4096", "error, warning, info, debug".
[[nodiscard]] std::string range_text(const setting& what);

/// The value as a person reads it: "1 GiB", "604800000", "./carafe-data".
[[nodiscard]] std::string value_text(const setting& what, const node_options& options);

/// The value as the config file has it: "\"1GiB\"", "604800000", "\"./carafe-data\"".
[[nodiscard]] std::string file_text(const setting& what, const node_options& options);

[[nodiscard]] std::string_view to_string(log_level level) noexcept;

} // namespace carafe::config
