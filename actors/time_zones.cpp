#include "actors/time_zones.hpp"

#include <date/tz.h>

#include <algorithm>
#include <cctype>
#include <exception>

namespace carafe {

namespace {

/// No zone has changed before; and years far below 0 are none.
constexpr std::int64_t first_s = -62'135'596'800; // The year 1.

std::int64_t seconds_of(date::sys_seconds at) { return at.time_since_epoch().count(); }

class system_zone final : public core::time_zone {
public:
  explicit system_zone(const date::time_zone* zone) : zone_(zone) {}

  [[nodiscard]] span at(std::int64_t utc_s) const override {
    const auto info =
      zone_->get_info(date::sys_seconds{std::chrono::seconds{std::max(utc_s, first_s)}});
    span out;
    if (const auto begin = seconds_of(info.begin); begin > first_s) out.begin_s = begin;
    out.end_s = seconds_of(info.end);
    out.offset_s = info.offset.count();
    return out;
  }

private:
  const date::time_zone* zone_;
};

bool looks_like_one(const std::string& name) {
  return name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '-' || c == '+';
         });
}

} // namespace

result<std::shared_ptr<const core::time_zone>> find_time_zone(const std::string& name) {
  if (name.empty()) return std::shared_ptr<const core::time_zone>{new core::utc_zone};
  if (!looks_like_one(name))
    return {errc::schedule_invalid, "zone: a name is such as Europe/Berlin or UTC"};
  try {
    auto zone = std::make_shared<const system_zone>(date::locate_zone(name));
    static_cast<void>(zone->at(0)); // Its file is read at the first look.
    return std::shared_ptr<const core::time_zone>{std::move(zone)};
  } catch (const std::exception& why) {
    return {errc::schedule_invalid, "zone '" + name + "': " + why.what()};
  }
}

} // namespace carafe
