#include "actors/client/solo_consumer.hpp"

#include <algorithm>

namespace carafe::client {
namespace {

using std::chrono::steady_clock;

/// Topics are looked up again so often, to find queues that were added.
constexpr std::chrono::seconds look_interval{5};

} // namespace

result<void> solo_consumer::open(const std::vector<queue_name>& queues) {
  {
    auto guard = std::lock_guard{mutex_};
    for (auto& name : queues) {
      auto r = std::make_shared<reading>(name, options_.credit_bytes);
      r->start = options_.start;
      put(r);
    }
  }
  link_.loop().post([this, self = shared_from_this()] {
    link_.add(self);
    if (options_.queues.empty())
      link_.loop().at(steady_clock::now() + look_interval, [this, self] { look_for_queues(); });
  });
  auto guard = std::unique_lock{mutex_};
  auto placed = changed_.wait_until(guard, steady_clock::now() + link_.options().timeout, [&] {
    return std::all_of(readings_.begin(), readings_.end(),
                       [](auto& each) { return !each.second->start || each.second->ended; });
  });
  if (!placed) return not_open("the node has not told where reading begins");
  return {};
}

void solo_consumer::on_ready() {
  auto guard = std::lock_guard{mutex_};
  for (auto& [queue, r] : readings_) {
    if (!r->ended) subscribe(r);
  }
}

void solo_consumer::on_lost() {
  auto guard = std::lock_guard{mutex_};
  for (auto& [queue, r] : readings_) forget_connection(r);
}

void solo_consumer::look_for_queues() {
  {
    auto guard = std::lock_guard{mutex_};
    if (dead_) return;
  }
  auto self = shared_from_this();
  for (auto& topic : options_.topics) {
    link_.call(frames::topic_describe{topic, true}, on_loss::forget,
               steady_clock::now() + link_.options().timeout,
               [this, self](frames::body&& body) { on_description(body); });
  }
  link_.loop().at(steady_clock::now() + look_interval, [this, self] { look_for_queues(); });
}

void solo_consumer::on_description(const frames::body& body) {
  auto told = std::get_if<frames::topic_description>(&body);
  if (!told) return;
  auto guard = std::lock_guard{mutex_};
  if (dead_) return;
  for (auto& each : told->queues) {
    if (find(each.queue)) continue;
    auto name = queue_name{told->name, each.number, each.queue};
    auto r = std::make_shared<reading>(std::move(name), options_.credit_bytes);
    r->start = start_position{}; // It is new: all that is in it came after this consumer.
    put(r);
    if (link_.ready()) subscribe(r);
  }
}

result<void> solo_consumer::close() {
  {
    auto guard = std::lock_guard{mutex_};
    if (std::exchange(closed_, true)) return {};
    dead_ = failure{errc::disconnected, "the consumer is closed"};
    changed_.notify_all();
  }
  if (link_.loop().on_thread()) {
    leave();
    return {};
  }
  link_.loop().post_and_wait([this] { leave(); });
  return {};
}

void solo_consumer::leave() {
  auto guard = std::lock_guard{mutex_};
  while (!readings_.empty()) remove(readings_.begin()->second);
  link_.remove(this);
}

} // namespace carafe::client
