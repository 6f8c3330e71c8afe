#pragma once

/// Frames about schedules.

#include "schema/schedule.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe::frames {

struct schedule_put {
  struct pause {
    std::string name;
  };
  struct resume {
    std::string name;
  };
  std::variant<schedule_definition, pause, resume> wish;
  /// When made: the same schedule being there already is no error.
  bool if_missing = false;
};
struct schedule_delete {
  std::string name;
};
struct schedule_list {
  /// The one of this name, with its message; empty: all, without.
  std::string name;
  /// Those whose names come after it.
  std::string after;
  /// 0: as many as the node gives at once.
  std::uint32_t limit = 0;
};
struct schedule_line {
  schedule_definition what;
  schedule_progress progress;
  bool paused = false;
  unix_ms created{};
  /// 0: none comes any more.
  unix_ms next{};
  /// Why nothing is sent at the moment.
  std::string problem;
  std::uint64_t body_bytes = 0;
};
struct schedules {
  /// By name.
  std::vector<schedule_line> lines;
  /// How many there are.
  std::uint64_t total = 0;
};

} // namespace carafe::frames
