#pragma once

#include <atomic>
#include <chrono>

namespace carafe::shell {

/// Wakes a thread that waits for its input: because somebody pressed Ctrl-C or asked the process to
/// end, or because another thread has something for it.
///
/// @thread `request` and `wake` any, also in signal handlers; `wait` and `clear` one.
class interruption {
public:
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  /// Ctrl-C, SIGTERM or SIGHUP came: finish soon.
  [[nodiscard]] bool requested() const noexcept { return requested_.load(); }
  void request() noexcept;

  /// Ends the current or the next `wait`.
  void wake() noexcept;
  /// Waits until `fd` is readable (-1: nothing to read), at most `limit` (negative: for ever).
  /// @returns Whether `fd` is readable.
  bool wait(int fd, std::chrono::milliseconds limit);

private:
  int event_ = -1;
  std::atomic<bool> requested_ = false;
};

/// While it lives, the first SIGINT, SIGTERM or SIGHUP becomes `target.request()`; a second one of
/// a kind ends the process as usual.
class signal_catcher {
public:
  explicit signal_catcher(interruption& target);
  ~signal_catcher();
  signal_catcher(const signal_catcher&) = delete;
  signal_catcher& operator=(const signal_catcher&) = delete;
};

} // namespace carafe::shell
