#pragma once

#include "cli/shell/record.hpp"
#include "schema/records.hpp"

#include <string>
#include <string_view>

namespace carafe::shell {

/// A log entry for programs.
[[nodiscard]] record entry_view(const decoded_entry& entry, shard_id shard, std::string_view file);

/// A log entry for people: index, term, time, kind and what it does, on one line.
[[nodiscard]] std::string entry_line(const decoded_entry& entry);

} // namespace carafe::shell
