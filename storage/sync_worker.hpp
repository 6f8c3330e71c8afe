#pragma once

#include <carafe/result.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace carafe::storage {

/// Runs syncs one after another on a thread of its own, so that their writer need not wait.
///
/// After the first failure nothing more is run: an fsync is never retried.
class sync_worker {
public:
  using job = std::function<result<void>()>;

  sync_worker() = default;
  sync_worker(const sync_worker&) = delete;
  sync_worker& operator=(const sync_worker&) = delete;
  /// Waits for the jobs.
  ~sync_worker();

  void post(job work);

  /// Waits until fewer than `jobs` are left.
  /// @pre jobs > 0
  /// @errors That of the first job that failed.
  result<void> wait_below(std::size_t jobs);

  /// Jobs not done yet.
  [[nodiscard]] std::size_t left() const;

private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  /// The first one is being done.
  std::deque<job> jobs_;
  std::optional<failure> failed_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace carafe::storage
