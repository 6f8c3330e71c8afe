#pragma once

#include <cstdint>

namespace carafe {

/// What this process uses, as the kernel counts it (getrusage(2), proc(5)).
struct process_usage {
  std::uint64_t cpu_ms = 0;
  /// Resident now, without the pages of files.
  std::uint64_t memory_bytes = 0;
  /// Given to write calls, as for files; what is sent with send calls is not in it. 0 where the
  /// kernel does not count.
  std::uint64_t disk_written_bytes = 0;
};

/// @cost Two small files of /proc, about 50 us.
[[nodiscard]] process_usage usage_of_this_process();

} // namespace carafe
