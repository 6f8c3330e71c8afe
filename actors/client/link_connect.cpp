#include "actors/client/link.hpp"

#include <algorithm>
#include <utility>

#include <sys/epoll.h>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* software = "carafe-client/0.1.0";
/// What a produce frame needs around its batch.
constexpr std::uint32_t frame_overhead_bytes = 1'024;

} // namespace

link::link(connect_options options, node_address where)
  : options_(std::move(options)),
    where_(std::move(where)),
    requests_(loop_, [this](const frames::frame& f) { stream_->put(f); }),
    jitter_(std::random_device{}()) {
  if (loop_.good()) loop_.at_turn_end([this] { end_turn(); });
}

void link::start(std::function<void(result<void>)> done) {
  loop_.post([this, done = std::move(done)]() mutable {
    first_ = std::move(done);
    attempt();
  });
}

void link::attempt() {
  if (state_ == state::stopped) return;
  state_ = state::connecting;
  auto found = resolve(where_);
  if (!found) {
    attempt_failed(found.error());
    return;
  }
  endpoints_ = std::move(*found);
  endpoint_failure_ = {errc::connection_refused, "no address"};
  attempt_timer_ = loop_.at(steady_clock::now() + options_.timeout, [this] {
    attempt_timer_.reset();
    lose({errc::timeout, "no connection in time"});
  });
  try_endpoint();
}

void link::try_endpoint() {
  while (!endpoints_.empty()) {
    auto to = endpoints_.front();
    endpoints_.erase(endpoints_.begin());
    auto socket = begin_connect(to);
    if (!socket) {
      endpoint_failure_ = socket.error();
      continue;
    }
    connecting_ = std::move(*socket);
    loop_.watch(connecting_.get(), EPOLLOUT, [this](std::uint32_t) { on_connecting(); });
    return;
  }
  attempt_failed(endpoint_failure_);
}

void link::on_connecting() {
  loop_.unwatch(connecting_.get());
  auto socket = std::move(connecting_);
  auto done = finish_connect(socket);
  if (done) {
    greet(std::move(socket));
    return;
  }
  endpoint_failure_ = done.error();
  socket.reset();
  try_endpoint();
}

void link::greet(descriptor socket) {
  state_ = state::greeting;
  stream_ = std::make_unique<frame_stream>(std::move(socket));
  loop_.watch(stream_->fd(), EPOLLIN, [this](std::uint32_t events) { on_socket(events); });
  auto hello = frames::hello{};
  hello.client = options_.name;
  hello.software = software;
  requests_.call(
    std::move(hello), on_loss::forget, {},
    [this](frames::body&& body) { on_welcome(std::move(body)); }, true);
}

void link::on_welcome(frames::body&& body) {
  auto welcome = std::get_if<frames::welcome>(&body);
  if (!welcome) {
    auto error = std::get_if<frames::error>(&body);
    doom_ =
      error ? error->why : failure{errc::frame_malformed, "the answer to hello is no welcome"};
    return;
  }
  if (attempt_timer_) loop_.cancel(*std::exchange(attempt_timer_, {}));
  welcome_ = std::move(*welcome);
  {
    auto guard = std::lock_guard{limits_mutex_};
    version_ = welcome_.version;
    limits_ = {};
    limits_.message_bytes_max = welcome_.message_bytes_max;
    limits_.batch_count_max = std::max(welcome_.batch_count_max, 1u);
    limits_.batch_bytes_max =
      welcome_.frame_bytes_max - std::min(welcome_.frame_bytes_max / 2, frame_overhead_bytes);
  }
  state_ = state::ready;
  attempts_ = 0;
  last_received_ = last_sent_ = steady_clock::now();
  if (welcome_.idle_timeout_ms > 0) keep_alive();
  if (auto first = std::exchange(first_, {})) first({});
  requests_.resume();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (auto l = listeners_[i].lock()) l->on_ready();
  }
}

void link::attempt_failed(const failure& why) {
  close_stream();
  if (connecting_) loop_.unwatch(connecting_.get());
  connecting_.reset();
  requests_.lost(why);
  state_ = state::idle;
  if (auto first = std::exchange(first_, {})) {
    state_ = state::stopped;
    first(why);
    return;
  }
  loop_.at(steady_clock::now() + back_off(), [this] { attempt(); });
}

std::chrono::milliseconds link::back_off() {
  auto ceiling =
    std::min(options_.backoff_min * (1 << std::min(attempts_, 16u)), options_.backoff_max);
  ++attempts_;
  auto half = std::max<std::int64_t>(ceiling.count() / 2, 1);
  return milliseconds{half + std::uniform_int_distribution<std::int64_t>{0, half}(jitter_)};
}

} // namespace carafe::client
