#include "cli/shell/interruption.hpp"

#include <carafe/result.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

constexpr std::array<int, 3> caught{SIGINT, SIGTERM, SIGHUP};
std::atomic<interruption*> signal_target = nullptr;

extern "C" void carafe_shell_on_signal(int) {
  const int kept = errno;
  if (auto* target = signal_target.load()) target->request();
  errno = kept;
}

} // namespace

interruption::interruption() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CARAFE_ASSERT(event_ >= 0);
}

interruption::~interruption() { ::close(event_); }

void interruption::request() noexcept {
  requested_.store(true);
  wake();
}

void interruption::wake() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is full: then the waiter is awake anyway.
  [[maybe_unused]] auto written = ::write(event_, &one, sizeof one);
}

bool interruption::wait(int fd, std::chrono::milliseconds limit) {
  std::array<pollfd, 2> watched{{{event_, POLLIN, 0}, {fd, POLLIN, 0}}};
  const nfds_t count = fd < 0 ? 1 : 2;
  if (::poll(watched.data(), count, static_cast<int>(limit.count())) <= 0) return false;
  if (watched[0].revents != 0) {
    std::uint64_t woken = 0;
    [[maybe_unused]] auto read = ::read(event_, &woken, sizeof woken);
  }
  return count == 2 && watched[1].revents != 0;
}

namespace {

/// `nohup`: what is to outlive its terminal does not end with it.
bool stays_ignored(int signal) {
  struct sigaction now = {};
  return signal == SIGHUP && ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

} // namespace

signal_catcher::signal_catcher(interruption& target) {
  signal_target.store(&target);
  struct sigaction action = {};
  action.sa_handler = carafe_shell_on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (int signal : caught)
    if (!stays_ignored(signal)) ::sigaction(signal, &action, nullptr);
}

signal_catcher::~signal_catcher() {
  for (int signal : caught)
    if (!stays_ignored(signal)) ::signal(signal, SIG_DFL);
  signal_target.store(nullptr);
}

} // namespace carafe::shell
