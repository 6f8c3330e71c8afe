#include "actors/client/producer_core.hpp"

#include <algorithm>

namespace carafe::client {
namespace {

using std::chrono::steady_clock;

/// A topic is looked up at most so often.
constexpr std::chrono::seconds ask_interval{1};

} // namespace

void producer_core::ask(const std::string& name) {
  auto now = steady_clock::now();
  {
    auto guard = std::lock_guard{mutex_};
    auto& topic = *topics_.at(name);
    if (!topic.waiting.empty()) arm_parked(topic);
    auto again_at = topic.asked_at + ask_interval;
    if (topic.asked_at != time_point{} && now < again_at) {
      link_.loop().at(again_at, [self = shared_from_this(), name] { self->ask(name); });
      return;
    }
    topic.asked_at = now;
  }
  auto create = options_.create_topics;
  link_.call(frames::topic_describe{name, create}, on_loss::resend, now + link_.options().timeout,
             [self = shared_from_this(), name](frames::body&& body) {
               self->on_description(name, std::move(body));
             });
}

void producer_core::on_description(const std::string& name, frames::body&& body) {
  auto refused = refusals{};
  {
    auto guard = std::lock_guard{mutex_};
    auto& topic = *topics_.at(name);
    topic.asked = false;
    auto told = std::get_if<frames::topic_description>(&body);
    if (told && !told->queues.empty()) {
      learn(topic, *told, refused);
    } else {
      auto error = std::get_if<frames::error>(&body);
      auto why = error ? error->why : failure{errc::internal, "no description of " + name};
      if (is_retriable(why.code)) {
        if (!topic.waiting.empty()) look_up(topic);
      } else {
        topic.queues.clear();
        for (auto& each : topic.waiting) refused.emplace_back(std::move(each), why);
        topic.waiting.clear();
      }
    }
  }
  tell_refused(std::move(refused));
}

void producer_core::learn(topic_state& topic, const frames::topic_description& told,
                          refusals& refused) {
  topic.known_at = steady_clock::now();
  topic.queues.assign(told.queues.size(), nullptr);
  for (auto& each : told.queues) {
    if (each.number.value >= topic.queues.size()) continue;
    auto& lane = lanes_[each.queue];
    if (!lane)
      lane = std::make_unique<lane_state>(queue_name{topic.name, each.number, each.queue}, *this);
    topic.queues[each.number.value] = lane.get();
  }
  if (std::find(topic.queues.begin(), topic.queues.end(), nullptr) != topic.queues.end())
    topic.queues.clear();
  for (auto& each : std::exchange(topic.waiting, {})) {
    auto added = result<void>{errc::internal, "the node's description of the topic has gaps"};
    if (!topic.queues.empty())
      added = append(topic, each.m, each.done, each.to, each.bytes, each.given, each.epoch);
    if (!added) refused.emplace_back(std::move(each), added.error());
  }
}

void producer_core::arm_parked(topic_state& topic) {
  if (topic.timer) return;
  topic.timer =
    link_.loop().at(topic.waiting.front().given + options_.delivery_timeout,
                    [self = shared_from_this(), &topic] { self->expire_parked(topic); });
}

void producer_core::expire_parked(topic_state& topic) {
  auto refused = refusals{};
  {
    auto guard = std::lock_guard{mutex_};
    topic.timer.reset();
    auto now = steady_clock::now();
    auto& waiting = topic.waiting;
    while (!waiting.empty() && waiting.front().given + options_.delivery_timeout <= now) {
      refused.emplace_back(std::move(waiting.front()),
                           failure{errc::timeout, "nothing is known about topic " + topic.name});
      waiting.pop_front();
    }
    if (!waiting.empty()) arm_parked(topic);
  }
  tell_refused(std::move(refused));
}

void producer_core::tell_refused(refusals refused) {
  if (!refused.empty() && options_.stop_at_failure) {
    auto guard = std::lock_guard{mutex_};
    stopped_ = true;
  }
  for (auto& [each, why] : refused) complete(each.done, why);
  auto guard = std::lock_guard{mutex_};
  for (auto& [each, why] : refused) gave_back(each.bytes, each.epoch, 1);
}

} // namespace carafe::client
