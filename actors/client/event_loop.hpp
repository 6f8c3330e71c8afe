#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace carafe::client {

using time_point = std::chrono::steady_clock::time_point;

/// A descriptor that is closed with its owner.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() { reset(); }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

private:
  int fd_ = -1;
};

/// One thread's turn-taking: socket events, timers and tasks from other threads.
///
/// @thread `post`, `stop` and `on_thread` from anywhere; the rest on the thread in `run`, or before
///         it.
class event_loop {
public:
  using task = std::function<void()>;
  using watcher = std::function<void(std::uint32_t events)>;
  using timer = std::pair<time_point, std::uint64_t>;

  event_loop();

  /// False if the process had no descriptors left; then nothing else may be called.
  [[nodiscard]] bool good() const noexcept { return epoll_ && wake_; }

  /// Serves until `stop`; tasks posted before it still run.
  void run();
  void stop();
  /// Runs `t` on the loop's thread, after those posted before.
  void post(task t);
  /// As `post`, and waits until `t` has returned. Not from the loop's own thread.
  void post_and_wait(const task& t);
  [[nodiscard]] bool on_thread() const noexcept {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  timer at(time_point when, task t);
  /// Does nothing to a timer that has run.
  void cancel(const timer& t);

  /// Calls `w` with epoll's events. One watcher a descriptor.
  void watch(int fd, std::uint32_t events, watcher w);
  void rewatch(int fd, std::uint32_t events);
  void unwatch(int fd);

  /// Runs at the end of every turn, when all its events and tasks are done.
  void at_turn_end(task t) { turn_end_ = std::move(t); }

private:
  void signal();
  void take_posted();
  void run_timers();
  [[nodiscard]] int wait_ms() const;

  descriptor epoll_;
  descriptor wake_;
  std::atomic<std::thread::id> thread_{};
  std::mutex mutex_;
  std::vector<task> posted_; // Under mutex_.
  bool signalled_ = false;   // Under mutex_.
  bool stopping_ = false;    // Under mutex_.
  bool stopped_ = false;
  std::vector<task> taken_;
  std::map<timer, task> timers_;
  std::uint64_t next_timer_ = 1;
  /// Shared so that a watcher may remove itself.
  std::unordered_map<int, std::shared_ptr<watcher>> watchers_;
  task turn_end_;
};

} // namespace carafe::client
