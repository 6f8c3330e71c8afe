#include "config/byte_size.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace carafe::config {

namespace {

struct byte_unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array<byte_unit, 6> byte_units{{{"PiB", 1ull << 50},
                                               {"TiB", 1ull << 40},
                                               {"GiB", 1ull << 30},
                                               {"MiB", 1ull << 20},
                                               {"KiB", 1ull << 10},
                                               {"B", 1}}};

constexpr std::uint64_t bytes_max = std::numeric_limits<std::int64_t>::max();

} // namespace

result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument) return errc::config_wrong_type;
  if (error == std::errc::result_out_of_range) return errc::config_out_of_range;
  auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  std::uint64_t factor = rest.empty() ? 1 : 0;
  for (const auto& unit : byte_units)
    if (rest == unit.name) factor = unit.bytes;
  if (factor == 0) return errc::config_wrong_type;
  if (number > bytes_max / factor) return errc::config_out_of_range;
  return number * factor;
}

std::string format_bytes(std::uint64_t bytes, std::string_view space) {
  if (bytes == 0) return "0";
  for (const auto& unit : byte_units) {
    if (bytes % unit.bytes != 0) continue;
    auto text = std::to_string(bytes / unit.bytes);
    return text.append(space).append(unit.name);
  }
  return std::to_string(bytes);
}

} // namespace carafe::config
