#include "cli/shell/value_syntax.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace carafe::shell {

namespace {

failure expected(std::string_view text, std::string_view what) {
  return {errc::invalid_argument, "'" + std::string{text} + "' is not " + std::string{what}};
}

/// The whole of `text` as a number, digits only.
std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

/// `text` is a number directly followed by one of `units`.
template <std::size_t N>
std::optional<std::uint64_t> with_unit(std::string_view text, const std::array<unit, N>& units) {
  std::string lower;
  for (char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  auto at = lower.find_first_not_of("0123456789");
  if (at == std::string::npos || at == 0) return std::nullopt;
  auto value = digits(std::string_view{lower}.substr(0, at));
  auto name = std::string_view{lower}.substr(at);
  for (const auto& u : units) {
    if (name != u.name) continue;
    if (!value || *value > std::numeric_limits<std::uint64_t>::max() / u.factor) return {};
    return *value * u.factor;
  }
  return std::nullopt;
}

/// As sizes are written: "64KiB"; bytes where no unit divides them.
std::string size_form(std::uint64_t bytes) {
  static constexpr std::array<unit, 3> units{
    {{"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}}};
  for (const auto& u : units)
    if (bytes >= u.factor && bytes % u.factor == 0)
      return std::to_string(bytes / u.factor) + std::string{u.name};
  return std::to_string(bytes);
}

/// Longest time that is still a sensible setting; keeps sums of times far from overflow.
constexpr std::uint64_t duration_ms_max = 100ull * 365 * 86'400'000;

constexpr std::string_view time_form =
  "a time: write 2026-11-22T10:00:00Z (RFC 3339, with a zone), "
  "or a time ago such as -15m, -2h, -7d";

std::vector<std::string> between_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

/// The pauses of `exponential:` followed by `rest`.
result<std::vector<std::uint64_t>> exponential(std::string_view text, std::string_view rest) {
  auto parts = between_commas(rest);
  auto first = parse_duration(parts[0]);
  auto factor = parts.size() == 3 ? parse_rate(parts[1]) : result<double>{errc::invalid_argument};
  auto last = parse_duration(parts.back());
  if (!first || !factor || !last || first->count() == 0 || *first > *last || *factor <= 1)
    return expected(text, "a growing pause: write exponential:FIRST,FACTOR,MAX, such as "
                          "exponential:1s,2,10m; FACTOR is above 1");
  std::vector<std::uint64_t> pauses;
  const auto end = static_cast<double>(last->count());
  for (auto pause = static_cast<double>(first->count()); pause < end; pause *= *factor) {
    if (pauses.size() + 1 == backoff_values_max)
      return expected(text, "within 64 pauses at its end; choose a larger factor");
    pauses.push_back(static_cast<std::uint64_t>(std::llround(pause)));
  }
  pauses.push_back(static_cast<std::uint64_t>(last->count()));
  return pauses;
}

/// Reads the fixed-width fields of RFC 3339 one after another.
class field_reader {
public:
  explicit field_reader(std::string_view text) : rest_(text) {}

  /// Exactly `width` digits; -1 if they are not there.
  int number(std::size_t width) {
    if (rest_.size() < width || rest_.substr(0, width).find_first_not_of("0123456789") != npos)
      return fail();
    int value = 0;
    std::from_chars(rest_.data(), rest_.data() + width, value);
    rest_.remove_prefix(width);
    return value;
  }

  char one_of(std::string_view accepted) {
    if (rest_.empty() || accepted.find(rest_.front()) == npos) return static_cast<char>(fail());
    char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  /// `.` and digits, as milliseconds (more digits are cut off); 0 if there is no fraction.
  int fraction_ms() {
    if (rest_.empty() || rest_.front() != '.') return 0;
    rest_.remove_prefix(1);
    auto count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (count == 0) return fail();
    int value = 0;
    for (std::size_t i = 0; i < 3; ++i) value = value * 10 + (i < count ? rest_[i] - '0' : 0);
    rest_.remove_prefix(count);
    return value;
  }

  [[nodiscard]] bool done() const { return good_ && rest_.empty(); }

private:
  static constexpr auto npos = std::string_view::npos;

  int fail() {
    good_ = false;
    return -1;
  }

  std::string_view rest_;
  bool good_ = true;
};

std::optional<unix_ms> rfc3339(std::string_view text) {
  using namespace std::chrono;
  field_reader in{text};
  int y = in.number(4);
  in.one_of("-");
  int mo = in.number(2);
  in.one_of("-");
  int d = in.number(2);
  in.one_of("Tt ");
  int h = in.number(2);
  in.one_of(":");
  int mi = in.number(2);
  in.one_of(":");
  int s = in.number(2);
  int ms = in.fraction_ms();
  char zone = in.one_of("Zz+-");
  int zone_minutes = 0;
  if (zone == '+' || zone == '-') {
    int zh = in.number(2);
    in.one_of(":");
    int zm = in.number(2);
    if (zh > 23 || zm > 59) return std::nullopt;
    zone_minutes = (zone == '+' ? 1 : -1) * (zh * 60 + zm);
  }
  if (!in.done() || h > 23 || mi > 59 || s > 59) return std::nullopt;
  auto date = year{y} / month{static_cast<unsigned>(mo)} / day{static_cast<unsigned>(d)};
  if (!date.ok()) return std::nullopt;
  auto at = sys_days{date} + hours{h} + minutes{mi - zone_minutes} + seconds{s} + milliseconds{ms};
  return unix_ms{duration_cast<milliseconds>(at.time_since_epoch()).count()};
}

} // namespace

result<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  auto value = digits(text);
  const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!value && is_number) value = std::numeric_limits<std::uint64_t>::max(); // And more.
  if (!value) return expected(text, "a whole number");
  if (*value < min || *value > max || (is_number && !digits(text))) {
    auto range = max == std::numeric_limits<std::uint64_t>::max()
                   ? "at least " + std::to_string(min)
                   : "from " + std::to_string(min) + " to " + std::to_string(max);
    return expected(text, "in range: a whole number " + range + " is expected");
  }
  return *value;
}

result<double> parse_rate(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  // What is not a number is in no range.
  if (error != std::errc{} || stop != end || !(value >= 0.001 && value <= 1e9))
    return expected(text, "a rate: a number from 0.001 to 1000000000 is expected");
  return value;
}

result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<unit, 5> units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  auto value = text == "0" ? std::optional<std::uint64_t>{0} : with_unit(text, units);
  if (!value || *value > duration_ms_max)
    return expected(text, "a duration: write a number with ms, s, m, h or d (90s, 15m, 12h, 7d), "
                          "at most 36500d, or 0");
  return std::chrono::milliseconds{*value};
}

result<std::vector<std::string>> parse_names(std::string_view text) {
  auto names = between_commas(text);
  for (const auto& name : names)
    if (name.empty()) return expected(text, "a list of names: write them with commas between: a,b");
  return names;
}

result<std::uint32_t> parse_percent(std::string_view text) {
  auto number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  auto value = digits(number);
  if (!value || *value > 100) return expected(text, "a percentage from 0% to 100%");
  return static_cast<std::uint32_t>(*value);
}

result<std::vector<std::uint64_t>> parse_backoff(std::string_view text) {
  constexpr std::string_view prefix = "exponential:";
  if (text.starts_with(prefix)) return exponential(text, text.substr(prefix.size()));
  std::vector<std::uint64_t> pauses;
  for (const auto& each : between_commas(text)) {
    auto pause = parse_duration(each);
    if (!pause) return pause.error();
    pauses.push_back(static_cast<std::uint64_t>(pause->count()));
  }
  if (pauses.size() > backoff_values_max) return expected(text, "at most 64 pauses");
  return pauses;
}

result<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<unit, 4> units{
    {{"b", 1}, {"kib", 1ull << 10}, {"mib", 1ull << 20}, {"gib", 1ull << 30}}};
  auto value = digits(text);
  if (!value) value = with_unit(text, units);
  if (!value) return expected(text, "a size: write bytes, or a number with KiB, MiB or GiB");
  return *value;
}

result<std::uint64_t> parse_size(std::string_view text, std::uint64_t min, std::uint64_t max) {
  auto value = parse_size(text);
  if (value && (*value < min || *value > max))
    return expected(text, "in range: a size from " + size_form(min) + " to " + size_form(max) +
                            " is expected");
  return value;
}

result<std::uint64_t> parse_quota(std::string_view text) {
  return parse_size(text, 0, std::uint64_t{16} << 30);
}

result<unix_ms> parse_time(std::string_view text, unix_ms now) {
  if (text.starts_with('-')) {
    auto ago = parse_duration(text.substr(1));
    if (!ago) return expected(text, time_form);
    return unix_ms{now.value - ago->count()};
  }
  auto at = rfc3339(text);
  if (!at) return expected(text, time_form);
  return *at;
}

result<start_position> parse_start(std::string_view text, unix_ms now) {
  using kind = start_position::kind;
  if (text == "earliest") return start_position{};
  if (text == "latest") return start_position{.at = kind::latest};
  if (auto at = digits(text)) return start_position{.at = kind::at_offset, .from = offset{*at}};
  auto time = parse_time(text, now);
  if (!time)
    return expected(text, "a place to start: write earliest, latest, an offset, a time "
                          "(2026-11-22T10:00:00Z) or a time ago (-15m)");
  return start_position{.at = kind::at_time, .time = *time};
}

result<std::string> parse_address(std::string_view text) {
  constexpr std::string_view form = "an address: write HOST:PORT, such as 127.0.0.1:7470";
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return expected(text, form);
  auto host = text.substr(0, colon);
  bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (!bracketed && host.find_first_of(":[]") != std::string_view::npos)
    return expected(text, "an address: write an IPv6 address in brackets, such as [::1]:7470");
  if (host.find_first_of(" \t/") != std::string_view::npos) return expected(text, form);
  if (!parse_number(text.substr(colon + 1), 1, 65'535))
    return expected(text, "an address: its port must be a number from 1 to 65535");
  return std::string{text};
}

result<std::pair<std::string, std::string>> parse_property(std::string_view text) {
  auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return expected(text, "a property: write name=value");
  return std::pair{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}};
}

} // namespace carafe::shell
