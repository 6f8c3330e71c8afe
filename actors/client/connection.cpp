#include "actors/client/connection.hpp"

#include <algorithm>
#include <csignal>
#include <future>

#include <pthread.h>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds ask_again_min{20};
constexpr milliseconds ask_again_max{1'000};

/// The node refused for now; nothing was done.
bool is_not_now(errc code) {
  return is_retriable(code) && code != errc::timeout && code != errc::outcome_unknown &&
         code != errc::disconnected;
}

/// A signal of the process is for the threads of the program, not for the library's.
std::thread start_without_signals(std::shared_ptr<link> wire) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto started = std::thread{[wire = std::move(wire)] { wire->run(); }};
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

} // namespace

connection::connection(std::shared_ptr<link> l)
  : link_(std::move(l)), thread_(start_without_signals(link_)) {
  ::pthread_setname_np(thread_.native_handle(), "carafe-client");
}

connection::~connection() {
  link_->stop();
  if (link_->loop().on_thread())
    thread_.detach(); // The thread keeps the link until it has left it.
  else
    thread_.join();
}

result<frames::body> connection::ask(const frames::body& body, on_loss loss, bool again,
                                     milliseconds more) const {
  if (link_->loop().on_thread())
    return {errc::invalid_argument, "called from a callback of this connection"};
  auto deadline = steady_clock::now() + link_->options().timeout + more;
  auto wait = ask_again_min;
  while (true) {
    auto retry_after = milliseconds{};
    auto answer = ask_once(body, loss, deadline, retry_after);
    if (answer || !again || !is_not_now(answer.code())) return answer;
    wait = std::min(std::max(wait * 2, retry_after), std::max(ask_again_max, retry_after));
    if (steady_clock::now() + wait >= deadline) return answer;
    std::this_thread::sleep_for(wait);
  }
}

result<frames::body> connection::ask_once(const frames::body& body, on_loss loss,
                                          time_point deadline, milliseconds& retry_after) const {
  auto promise = std::make_shared<std::promise<frames::body>>();
  auto future = promise->get_future();
  link_->loop().post([this, body, loss, deadline, promise] {
    link_->call(body, loss, deadline,
                [promise](frames::body&& answer) { promise->set_value(std::move(answer)); });
  });
  auto answer = future.get();
  if (auto error = std::get_if<frames::error>(&answer)) {
    retry_after = milliseconds{error->retry_after_ms};
    return error->why;
  }
  return answer;
}

} // namespace carafe::client
