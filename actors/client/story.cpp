#include "actors/client/story.hpp"

#include <utility>

namespace carafe::client {
namespace {

// The public enums have the numbers of the frames'.
static_assert(static_cast<int>(story_event::kind::letter_lost) ==
              static_cast<int>(frames::story_event::kind::letter_lost));
static_assert(static_cast<int>(group_story::state::held_up) ==
              static_cast<int>(frames::group_story::state::held_up));
static_assert(static_cast<int>(message_story::state::rolled_back) ==
              static_cast<int>(frames::message_story::state::rolled_back));

std::vector<story_event> told(std::vector<frames::story_event>&& from) {
  std::vector<story_event> to;
  to.reserve(from.size());
  for (auto& each : from) {
    to.push_back({static_cast<story_event::kind>(each.what), each.time, each.at, each.queue,
                  each.due, each.attempt, std::move(each.member), std::move(each.error)});
    const auto& [shard, id] = each.transaction;
    if (id.producer.value != 0)
      to.back().transaction = transaction_ref{shard, id.producer, id.number};
    to.back().schedule = std::move(each.schedule);
  }
  return to;
}

group_story told(frames::group_story&& from) {
  group_story to;
  to.group = std::move(from.group);
  to.consumer = std::move(from.consumer);
  to.mode = std::move(from.mode);
  to.now = static_cast<group_story::state>(from.now);
  to.events = told(std::move(from.events));
  to.events_left_out = from.events_left_out;
  to.member = std::move(from.member);
  to.until = from.until;
  to.attempts = from.attempts;
  to.error = std::move(from.error);
  to.offset = from.at;
  to.letter_queue = from.letter_queue;
  to.letter_number = from.letter_number;
  to.letter = from.letter;
  to.letter_is = static_cast<group_story::letter_state>(from.letter_is);
  return to;
}

} // namespace

frames::message_why frame_of(const story_question& from) {
  frames::message_why to;
  to.topic = from.topic;
  to.group = from.group;
  if (const auto* place = std::get_if<story_question::place>(&from.which)) {
    to.which = frames::message_why::place{place->number, place->offset};
    return to;
  }
  const auto& id = std::get<story_question::id>(from.which);
  to.which = frames::message_why::id{id.of.producer, id.of.sequence, id.since};
  return to;
}

message_story told(frames::message_story&& from) {
  message_story to;
  to.topic = std::move(from.topic);
  to.number = from.number;
  to.queue = from.queue;
  to.has_place = from.has_place;
  to.offset = from.at;
  to.id = {from.producer, from.sequence};
  to.reached = from.reached;
  to.now = static_cast<message_story::state>(from.now);
  to.told = from.told;
  to.known_from = from.known_from;
  to.events = told(std::move(from.events));
  to.groups.reserve(from.groups.size());
  for (auto& each : from.groups) to.groups.push_back(told(std::move(each)));
  to.groups_left_out = from.groups_left_out;
  to.due = from.due;
  return to;
}

} // namespace carafe::client
