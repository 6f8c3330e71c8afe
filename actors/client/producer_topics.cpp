#include "actors/client/producer_core.hpp"

#include <algorithm>
#include <utility>

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
      if (std::exchange(topic.id, told->topic) != told->topic) {
        // Another topic of this name: nothing of what was known of the one before holds.
        topic.queues.clear();
        topic.spread = 0;
        topic.stored.clear();
      }
      if (holder_.name.value != 0 && topic.spread == 0)
        ask_progress(name, *told);
      else
        learn(topic, *told, refused);
    } else {
      auto error = std::get_if<frames::error>(&body);
      not_learnt(topic, error ? error->why : failure{errc::internal, "no description of " + name},
                 refused);
    }
  }
  tell_refused(std::move(refused));
}

void producer_core::not_learnt(topic_state& topic, const failure& why, refusals& refused) {
  if (why.code == errc::producer_fenced) stop(why);
  if (is_retriable(why.code)) {
    if (!topic.waiting.empty()) look_up(topic);
    return;
  }
  topic.queues.clear();
  for (auto& each : topic.waiting) refused.emplace_back(std::move(each), why);
  topic.waiting.clear();
}

void producer_core::ask_progress(const std::string& name, const frames::topic_description& told) {
  auto& topic = *topics_.at(name);
  topic.asked = true;
  auto question = frames::producer_request{
    frames::producer_progress_ask{holder_.name, holder_.epoch, topic.name}};
  link_.call(std::move(question), on_loss::resend, steady_clock::now() + link_.options().timeout,
             [self = shared_from_this(), name, told](frames::body&& body) {
               self->on_progress(name, told, std::move(body));
             });
}

void producer_core::on_progress(const std::string& name, const frames::topic_description& told,
                                frames::body&& body) {
  auto refused = refusals{};
  {
    auto guard = std::lock_guard{mutex_};
    auto& topic = *topics_.at(name);
    topic.asked = false;
    auto answer = std::get_if<frames::producer_answer>(&body);
    auto progress = answer ? std::get_if<frames::producer_progress>(&answer->what) : nullptr;
    const auto count = static_cast<std::uint32_t>(told.queues.size());
    if (!progress || progress->spread > count) {
      auto error = std::get_if<frames::error>(&body);
      not_learnt(topic, error ? error->why : failure{errc::internal, "no progress in " + name},
                 refused);
    } else {
      topic.spread = progress->spread == 0 ? count : progress->spread;
      for (const auto& place : progress->queues) topic.stored[place.queue] = place.last;
      learn(topic, told, refused);
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
    if (!lane) {
      lane = std::make_unique<lane_state>(queue_name{topic.name, each.number, each.queue}, *this,
                                          topic.spread);
      if (auto at = topic.stored.find(each.queue); at != topic.stored.end())
        lane->stored = at->second;
    }
    topic.queues[each.number.value] = lane.get();
  }
  if (std::find(topic.queues.begin(), topic.queues.end(), nullptr) != topic.queues.end())
    topic.queues.clear();
  const bool stops = holder_.name.value != 0;
  for (auto& each : std::exchange(topic.waiting, {})) {
    auto added = result<void>{errc::internal, "the node's description of the topic has gaps"};
    if (stops && !refused.empty())
      added = refused.front().second; // What is stored of a queue has no gaps.
    else if (!topic.queues.empty())
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
    if (holder_.name.value != 0 && !refused.empty()) {
      for (auto& each : std::exchange(waiting, {}))
        refused.emplace_back(std::move(each), failure{errc::disconnected, "one before it failed"});
    }
    if (!waiting.empty()) arm_parked(topic);
  }
  tell_refused(std::move(refused));
}

void producer_core::tell_refused(refusals refused) {
  if (!refused.empty() && (options_.stop_at_failure || holder_.name.value != 0)) {
    auto guard = std::lock_guard{mutex_};
    stopped_ = true;
  }
  for (auto& [each, why] : refused) complete(each.done, why);
  auto guard = std::lock_guard{mutex_};
  for (auto& [each, why] : refused) gave_back(each.bytes, each.epoch, 1);
}

} // namespace carafe::client
