#include "actors/catalogue.hpp"
#include "actors/core/catalogue_core.hpp"
#include "actors/error_bridge.hpp"
#include "actors/story.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

/// Each reads the log.
constexpr std::size_t stories_max = 4;
/// Groups that one story asks.
constexpr std::size_t groups_max = 256;

bool reads(const group_record& group, const std::string& topic) {
  return std::ranges::find(group.topics, topic) != group.topics.end();
}

/// Whether it can be told at all.
result<topic_record> topic_of_wish(catalogue_pointer self, const frames::message_why& wish) {
  const auto& s = self->state;
  const auto* topic = s.core->topic(wish.topic);
  if (topic == nullptr) return {errc::topic_unknown, wish.topic};
  if (const auto* place = std::get_if<frames::message_why::place>(&wish.which);
      place != nullptr && place->number.value >= topic->queues.size())
    return no_such_queue(*topic, place->number);
  if (!wish.group.empty()) {
    const auto* group = s.core->group(wish.group);
    if (group == nullptr) return {errc::group_unknown, wish.group};
    if (!reads(*group, wish.topic))
      return {errc::invalid_argument, wish.group + " does not read " + wish.topic};
  }
  for (const auto& place : topic->queues)
    if (!s.shards.contains(place.shard))
      return {errc::shard_unavailable, "shard " + std::to_string(place.shard.value)};
  if (s.stories.size() >= stories_max)
    return {errc::too_many_requests,
            "at most " + std::to_string(stories_max) + " stories are told at a time"};
  return *topic;
}

} // namespace

caf::result<frames::message_story> tell_story(catalogue_pointer self,
                                              const frames::message_why& wish) {
  auto& s = self->state;
  const auto topic = topic_of_wish(self, wish);
  if (!topic) return to_caf(topic.error());
  story_plan plan;
  plan.wish = wish;
  plan.topic = *topic;
  plan.shards = s.shards;
  plan.clocks = s.clocks;
  for (const auto& [id, group] : s.core->groups()) {
    if (!reads(group, topic->name) || (!wish.group.empty() && group.name != wish.group)) continue;
    if (plan.groups.size() == groups_max) {
      ++plan.groups_left_out;
      continue;
    }
    auto& each = plan.groups.emplace_back();
    each.record = group;
    each.actor = group_of(self, group);
    each.consumers = s.core->consumers_of(group.name);
    if (const auto* letters = s.core->topic(core::dead_letters_of(group.name)))
      each.letters = *letters;
  }
  std::ranges::sort(plan.groups, {}, [](const auto& each) { return each.record.name; });
  auto teller = self->spawn<caf::monitored>(carafe::tell_story_of, std::move(plan));
  s.stories.push_back(teller);
  return self->delegate(teller, why_atom_v);
}

} // namespace carafe
