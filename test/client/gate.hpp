#pragma once

#include <condition_variable>
#include <mutex>

namespace carafe::test {

/// Closed at first; whoever passes waits until it is opened.
class gate {
public:
  void pass() {
    auto guard = std::unique_lock{mutex_};
    changed_.wait(guard, [this] { return open_; });
  }
  void open() {
    auto guard = std::lock_guard{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  void close() {
    auto guard = std::lock_guard{mutex_};
    open_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

} // namespace carafe::test
