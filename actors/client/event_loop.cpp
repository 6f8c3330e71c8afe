#include "actors/client/event_loop.hpp"

#include <carafe/result.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace carafe::client {

void descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

event_loop::event_loop()
  : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!good()) return;
  watch(wake_.get(), EPOLLIN, [this](std::uint32_t) {
    auto count = std::uint64_t{};
    [[maybe_unused]] auto got = ::read(wake_.get(), &count, sizeof count);
  });
}

void event_loop::run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  auto events = std::array<epoll_event, 32>{};
  while (!stopped_) {
    auto count = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
    CARAFE_ASSERT(count >= 0 || errno == EINTR);
    for (auto i = 0; i < count; ++i) {
      auto found = watchers_.find(events[static_cast<std::size_t>(i)].data.fd);
      if (found == watchers_.end()) continue; // Unwatched earlier in this turn.
      auto keep = found->second;
      (*keep)(events[static_cast<std::size_t>(i)].events);
    }
    run_timers();
    take_posted();
    if (turn_end_) turn_end_();
  }
  // Whoever is freed last by a task must not find the loop in its destructor.
  timers_.clear();
  watchers_.clear();
  turn_end_ = {};
}

void event_loop::stop() {
  auto guard = std::lock_guard{mutex_};
  stopping_ = true;
  signal();
}

void event_loop::post(task t) {
  auto guard = std::lock_guard{mutex_};
  posted_.push_back(std::move(t));
  signal();
}

void event_loop::post_and_wait(const task& t) {
  // The last to touch the promise frees it: the waiter may be gone before `set_value` returns.
  auto done = std::make_shared<std::promise<void>>();
  auto returned = done->get_future();
  post([&t, done = std::move(done)] {
    t();
    done->set_value();
  });
  returned.wait();
}

void event_loop::signal() {
  if (std::exchange(signalled_, true)) return;
  auto one = std::uint64_t{1};
  [[maybe_unused]] auto put = ::write(wake_.get(), &one, sizeof one);
}

void event_loop::take_posted() {
  {
    auto guard = std::lock_guard{mutex_};
    taken_.swap(posted_);
    signalled_ = false;
    stopped_ = stopping_;
  }
  for (auto& t : taken_) t();
  taken_.clear();
}

event_loop::timer event_loop::at(time_point when, task t) {
  auto id = timer{when, next_timer_++};
  timers_.emplace(id, std::move(t));
  return id;
}

void event_loop::cancel(const timer& t) { timers_.erase(t); }

void event_loop::run_timers() {
  if (timers_.empty()) return;
  auto now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto first = timers_.extract(timers_.begin());
    first.mapped()();
  }
}

int event_loop::wait_ms() const {
  constexpr std::int64_t longest = 60'000;
  if (timers_.empty()) return -1;
  auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, longest));
}

void event_loop::watch(int fd, std::uint32_t events, watcher w) {
  watchers_[fd] = std::make_shared<watcher>(std::move(w));
  auto event = epoll_event{};
  event.events = events;
  event.data.fd = fd;
  CARAFE_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void event_loop::rewatch(int fd, std::uint32_t events) {
  auto event = epoll_event{};
  event.events = events;
  event.data.fd = fd;
  CARAFE_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void event_loop::unwatch(int fd) {
  watchers_.erase(fd);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

} // namespace carafe::client
