#include "actors/client/link.hpp"

#include <algorithm>
#include <utility>

#include <sys/epoll.h>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Past it no more batches are encoded into the output: they wait where they can be batched better.
constexpr std::size_t unwritten_max = 1u << 20;
constexpr std::uint32_t keep_alive_parts = 6;

} // namespace

void link::stop() {
  loop_.post([this] {
    state_ = state::stopped;
    requests_.fail_all({errc::disconnected, "closed"});
    close_stream();
    connecting_.reset();
  });
  loop_.stop();
}

batch_limits link::limits() const {
  auto guard = std::lock_guard{limits_mutex_};
  return limits_;
}

std::uint16_t link::version() const {
  auto guard = std::lock_guard{limits_mutex_};
  return version_;
}

void link::add(const std::shared_ptr<listener>& l) {
  listeners_.push_back(l);
  if (ready()) l->on_ready();
}

void link::remove(const listener* l) {
  // The slot stays until the turn ends: a listener may go while all are being told something.
  for (auto& each : listeners_) {
    if (each.lock().get() == l) each.reset();
  }
}

bool link::has_room() {
  auto room = ready() && produces_unanswered_ < std::max(welcome_.in_flight_max, 1u) &&
              stream_->unwritten() < unwritten_max;
  if (!room) room_wanted_ = true;
  return room;
}

void link::call(frames::body body, on_loss loss, std::optional<time_point> deadline,
                answer_handler answer) {
  requests_.call(std::move(body), loss, deadline, std::move(answer), ready());
}

void link::send(frames::body body) {
  if (ready()) stream_->put({requests_.number(), std::move(body)});
}

void link::produce(frames::produce p, answer_handler answer) {
  ++produces_unanswered_;
  requests_.call(
    std::move(p), on_loss::forget, {},
    [this, answer = std::move(answer)](frames::body&& body) {
      --produces_unanswered_;
      answer(std::move(body));
    },
    true);
}

void link::on_socket(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    auto got = stream_->read([this](frames::frame&& f) {
      on_frame(std::move(f));
      return !doom_;
    });
    if (got && *got) last_received_ = steady_clock::now();
    if (!got && !doom_) doom_ = got.error();
  }
  if (doom_) {
    lose(*std::exchange(doom_, {}));
    return;
  }
  if ((events & EPOLLOUT) != 0) flush();
}

void link::on_frame(frames::frame&& f) {
  if (f.request != 0) {
    requests_.answer(f.request, std::move(f.body));
    return;
  }
  if (auto error = std::get_if<frames::error>(&f.body)) {
    // The node says why it is about to close.
    doom_ = error->why;
    return;
  }
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    auto l = listeners_[i].lock();
    if (l && l->on_frame(f)) return;
  }
}

void link::flush() {
  if (stream_->unwritten() == 0) return;
  last_sent_ = steady_clock::now();
  if (auto written = stream_->flush(); !written) {
    lose(written.error());
    return;
  }
  auto waits = stream_->unwritten() > 0;
  if (waits == std::exchange(waits_to_write_, waits)) return;
  loop_.rewatch(stream_->fd(), waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void link::end_turn() {
  if (stream_ && !waits_to_write_) flush();
  if (room_wanted_ && has_room()) {
    tell_room();
    if (stream_ && !waits_to_write_) flush();
  }
  std::erase_if(listeners_, [](auto& l) { return l.expired(); });
}

void link::tell_room() {
  room_wanted_ = false;
  auto count = listeners_.size();
  ++room_turn_; // Another one goes first each time, so that nobody starves.
  for (std::size_t i = 0; i < count; ++i) {
    if (auto l = listeners_[(room_turn_ + i) % count].lock()) l->on_room();
  }
}

void link::keep_alive() {
  auto idle = milliseconds{welcome_.idle_timeout_ms};
  auto now = steady_clock::now();
  if (now - last_received_ > idle) {
    lose({errc::disconnected, "nothing received for " + std::to_string(idle.count()) + " ms"});
    return;
  }
  auto part = idle / keep_alive_parts;
  if (now - last_sent_ >= part || now - last_received_ >= part) send(frames::ping{});
  keep_alive_timer_ = loop_.at(now + std::max(part, milliseconds{1}), [this] { keep_alive(); });
}

void link::close_stream() {
  if (keep_alive_timer_) loop_.cancel(*std::exchange(keep_alive_timer_, {}));
  if (attempt_timer_) loop_.cancel(*std::exchange(attempt_timer_, {}));
  if (stream_) loop_.unwatch(stream_->fd());
  stream_.reset();
  waits_to_write_ = false;
  produces_unanswered_ = 0;
}

void link::lose(const failure& why) {
  close_stream();
  if (state_ != state::ready) {
    attempt_failed(why);
    return;
  }
  state_ = state::idle;
  requests_.lost(why);
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (auto l = listeners_[i].lock()) l->on_lost();
  }
  if (state_ == state::idle) loop_.at(steady_clock::now() + back_off(), [this] { attempt(); });
}

} // namespace carafe::client
