#include "storage/sync_worker.hpp"

namespace carafe::storage {

sync_worker::~sync_worker() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void sync_worker::post(job work) {
  {
    std::lock_guard lock{mutex_};
    jobs_.push_back(std::move(work));
  }
  changed_.notify_all();
  // A synced log has no use for it.
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
}

result<void> sync_worker::wait_below(std::size_t jobs) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return jobs_.size() < jobs; });
  if (failed_) return *failed_;
  return {};
}

std::size_t sync_worker::left() const {
  std::lock_guard lock{mutex_};
  return jobs_.size();
}

void sync_worker::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto work = std::move(jobs_.front());
    auto skipped = failed_.has_value();
    lock.unlock();
    auto done = skipped ? result<void>{} : work();
    // Before the job counts as done: it holds files that the next one may want closed.
    work = nullptr;
    lock.lock();
    if (!done) failed_ = done.error();
    jobs_.pop_front();
    changed_.notify_all();
  }
}

} // namespace carafe::storage
