#pragma once

#include "actors/core/time_zone.hpp"

#include <carafe/result.hpp>

#include <memory>
#include <string>

namespace carafe {

/// A time zone of the system's database (Debian: package tzdata), such as Europe/Berlin; `name`
/// empty: UTC, which needs no database. The database knows changes up to 2037; later a zone stays
/// as it is then.
/// @errors schedule_invalid
/// @cost   The first call looks through the database's folder: some ms, more on a cold disk.
/// @thread Any.
result<std::shared_ptr<const core::time_zone>> find_time_zone(const std::string& name);

} // namespace carafe
