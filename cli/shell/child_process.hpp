#pragma once

#include "cli/shell/interruption.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace carafe::shell {

struct child_limits {
  std::size_t output_bytes_max = 1u << 20;
  std::chrono::milliseconds time_max{30'000};
};

/// How a command ended, and what it wrote to stdout.
struct child_outcome {
  enum class end : std::uint8_t {
    /// `number`: its exit code.
    exited,
    /// `number`: the signal.
    killed,
    output_too_large,
    too_slow,
    /// Ctrl-C came while it ran.
    interrupted,
    /// `number`: errno.
    not_started,
  };
  end how = end::exited;
  int number = 0;
  std::string output{};

  [[nodiscard]] bool good() const noexcept { return how == end::exited && number == 0; }
  /// "exit code 3", "more output than 1.0 MiB".
  [[nodiscard]] std::string text(const child_limits& limits) const;
};

/// Runs `command` in /bin/sh, in a process group of its own, with `input` on stdin, this process's
/// stderr, and waits for its end; what it started and left behind is not waited for. A command that
/// exceeds its limits is killed with all of its group; Ctrl-C first asks it to end.
child_outcome run_child(const std::string& command, std::string_view input,
                        const child_limits& limits, const interruption& stop);

} // namespace carafe::shell
