#include "cli/shell/value_text.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace carafe::shell {

namespace {

template <class... Values>
std::string printed(const char* format, Values... values) {
  std::array<char, 96> buffer;
  int length = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string scaled_size(double bytes) {
  static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  // From 1023.95 on, one digit behind the point would print as 1024.0.
  while (bytes >= 1023.95 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return printed(unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

} // namespace

std::string count_text(std::uint64_t count) {
  auto text = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string size_text(std::uint64_t bytes) { return scaled_size(static_cast<double>(bytes)); }

std::string span_text(std::uint64_t ms) {
  auto s = ms / 1'000;
  auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  if (ms < 1'000) return printed("%llu ms", number(ms));
  if (s < 60) return printed("%llu.%llu s", number(s), number(ms % 1'000 / 100));
  if (s < 3'600) return printed("%llum %02llus", number(s / 60), number(s % 60));
  if (s < 86'400) return printed("%lluh %02llum", number(s / 3'600), number(s / 60 % 60));
  return printed("%llud %02lluh", number(s / 86'400), number(s / 3'600 % 24));
}

std::string latency_text(std::uint64_t us) {
  auto value = static_cast<double>(us);
  if (us < 1'000) return printed("%.0f us", value);
  if (us < 1'000'000) return printed("%.1f ms", value / 1'000);
  return printed("%.1f s", value / 1'000'000);
}

std::string rate_text(double per_second) {
  if (per_second < 9.95) return printed("%.1f/s", per_second);
  return count_text(static_cast<std::uint64_t>(std::llround(per_second))) + "/s";
}

std::string size_rate_text(double bytes_per_second) { return scaled_size(bytes_per_second) + "/s"; }

std::string time_text(unix_ms time) {
  using namespace std::chrono;
  auto at = sys_time<milliseconds>{milliseconds{time.value}};
  auto day_start = floor<days>(at);
  year_month_day date{day_start};
  hh_mm_ss clock{at - day_start};
  return printed("%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                 static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                 static_cast<int>(clock.seconds().count()),
                 static_cast<int>(clock.subseconds().count()));
}

} // namespace carafe::shell
