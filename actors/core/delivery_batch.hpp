#pragma once

#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace carafe::core {

/// A batch on its way to consumers.
struct delivery_batch {
  effects::batch what;
  unix_ms time;
  /// `keyed`: of each message, the hash of its key; 0: it has none. Empty: none has one.
  std::vector<std::uint64_t> keys;
  /// Those that pass the group's filter; nothing: all.
  std::optional<std::vector<offset_range>> passes = {};
  /// `shared`: of each message, its priority. Empty: all have the usual one.
  std::vector<std::uint8_t> priorities = {};
  /// When each message expires. Empty: none does.
  std::vector<unix_ms> expires = {};
  /// The soonest of them.
  unix_ms expires_first = never;

  static constexpr unix_ms never{std::numeric_limits<std::int64_t>::max()};

  [[nodiscard]] offset end() const { return what.base + what.count; }
};
using delivery_batch_ptr = std::shared_ptr<const delivery_batch>;

} // namespace carafe::core
