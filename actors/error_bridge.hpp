#pragma once

/// The one place where `failure` and `caf::error` become each other.

#include <carafe/result.hpp>

#include <caf/error.hpp>

namespace carafe {

[[nodiscard]] caf::error to_caf(const failure& why);

/// CAF's own errors become `shard_unavailable` (the receiver is gone), `timeout` or `internal`.
[[nodiscard]] failure from_caf(const caf::error& why);

} // namespace carafe
