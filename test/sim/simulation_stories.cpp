/// Asks the node what became of messages, and holds its answers against what clients know.

#include "test/sim/content.hpp"
#include "test/sim/simulation.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

using kind = frames::story_event::kind;
using state = frames::message_story::state;

std::string name_of(queue_id queue, offset at) {
  return "the story of offset " + std::to_string(at.value) + " of queue " +
         std::to_string(queue.value);
}

/// What a node may answer while a disk is broken, or it stops.
bool may_refuse(errc code) {
  return code == errc::storage_corrupt || code == errc::storage_failed ||
         code == errc::shard_unavailable || code == errc::shutting_down ||
         code == errc::outcome_unknown || code == errc::timeout || code == errc::disconnected ||
         code == errc::too_many_requests;
}

/// What the message itself went through.
void check_message_story(const frames::message_story& told, queue_id queue, offset at,
                         const std::optional<message_name>& name, offset earliest_before,
                         offset earliest_after) {
  const auto where = name_of(queue, at);
  expect(told.has_place && told.queue == queue && told.at == at, where + " is of another");
  expect(told.now == state::stored || told.now == state::deleted, where + " is in an odd state");
  expect(at < earliest_after || told.now == state::stored, where + " says deleted too early");
  expect(at >= earliest_before || told.now == state::deleted, where + " does not say deleted");
  expect(!told.events.empty() || told.known_from.value != 0, where + " does not begin");
  const bool begins = !told.events.empty() && told.events.front().what == kind::stored;
  if (begins) expect(told.events.front().at == at, where + " was stored elsewhere");
  if (begins && name)
    expect(told.producer == name->producer && told.sequence == name->number,
           where + " is not of message " + to_string(*name));
  const bool says =
    std::ranges::any_of(told.events, [](const auto& event) { return event.what == kind::deleted; });
  expect(!says || told.now == state::deleted, where + " tells of a deletion that was not");
}

} // namespace

void simulation::ask_why() {
  if (lending_.empty()) return;
  const auto& topic = dice_.pick(topics_);
  const auto& queue = dice_.pick(topic.queues);
  const auto end = oracle_.acknowledged_end(queue.queue);
  const offset at{dice_.below(end.value + 2)};
  if (plan_.stories) ask_why(topic, queue, at);
}

void simulation::ask_why(const known_topic& topic, const frames::topic_queue& queue, offset at) {
  const auto asked_ms = rig_.clocks->now_ms;
  rig::client admin{rig_, "admin"};
  const auto earliest = [&]() -> std::optional<offset> {
    const auto now =
      admin.ask<frames::topic_description>(frames::topic_describe{topic.name, false});
    if (!now) return std::nullopt;
    return now->queues.at(queue.number.value).earliest;
  };
  const auto earliest_before = earliest();
  frames::message_why wish;
  wish.topic = topic.name;
  wish.which = frames::message_why::place{queue.number, at};
  const auto told = admin.ask<frames::message_story>(wish);
  if (!told) {
    admin.post_disconnect();
    expect(may_refuse(told.code()), name_of(queue.queue, at) + ": " + told.error().message());
    return;
  }
  const auto earliest_after = earliest();
  admin.post_disconnect();
  if (!earliest_before || !earliest_after) return;
  ++summary_.stories;
  if (told->now == state::unknown) {
    expect(at >= oracle_.acknowledged_end(queue.queue),
           name_of(queue.queue, at) + " is not known, and it was acknowledged");
    return;
  }
  const auto name = oracle_.message_at(queue.queue, at);
  check_message_story(*told, queue.queue, at, name, *earliest_before, *earliest_after);
  for (const auto& group : lending_) {
    if (std::ranges::count(group.topics, topic.name) == 0) continue;
    if (group.fewer && topic.name != group.topics.front()) continue;
    const auto part = std::ranges::find(told->groups, group.name, &frames::group_story::group);
    expect(part != told->groups.end(),
           name_of(queue.queue, at) + " does not tell of group " + group.name);
    group.told.check_story({queue.queue, at}, name, *told, *part, asked_ms);
  }
}

} // namespace carafe::sim
