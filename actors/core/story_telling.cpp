#include "actors/core/story_telling.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

namespace {

using frames::group_story;
using frames::message_story;
using now_state = group_story::state;
using stage = story::part::stage;

bool is_deleted(const story& what, const story_surroundings& around) {
  return what.subject().at && *what.subject().at < around.start;
}

group_story from_log(const story::part& in) {
  group_story out;
  out.events = in.events.all();
  out.events_left_out = in.events.left_out();
  out.attempts = in.attempts;
  out.error = in.error;
  if (in.letter) {
    out.letter_queue = in.letter->queue;
    out.letter = in.letter->at;
    out.letter_is = in.letter_is;
  }
  return out;
}

/// What is over is so whatever else is said.
std::optional<now_state> ending(stage at) {
  switch (at) {
  case stage::acknowledged:
    return now_state::acknowledged;
  case stage::filtered:
    return now_state::filtered;
  case stage::expired:
    return now_state::expired;
  case stage::dead:
    return now_state::dead;
  case stage::skipped:
    return now_state::skipped;
  case stage::gone:
    return now_state::lost;
  case stage::passed:
    return now_state::done;
  case stage::unread:
  case stage::lent:
  case stage::waiting:
    return std::nullopt;
  }
  return std::nullopt;
}

unix_ms wall_of(mono_ms at, instant now) {
  const auto left = at.value > now.mono.value ? at.value - now.mono.value : 0;
  return unix_ms{now.wall.value + static_cast<std::int64_t>(left)};
}

} // namespace

group_story tell(const story& what, group_id group, const whereabouts& where,
                 const std::string& member, const story_surroundings& around) {
  using place = whereabouts::place;
  const auto& in = what.parts().at(group);
  auto out = from_log(in);
  if (const auto over = ending(in.now)) {
    out.now = *over;
    return out;
  }
  const bool lost = is_deleted(what, around) && !in.copied;
  switch (where.is) {
  case place::unstarted:
    // Just now it is being reset.
    out.now = lost ? now_state::lost : in.mentioned ? now_state::unread : now_state::unstarted;
    out.at = *what.subject().at;
    return out;
  case place::unread:
    out.now = lost ? now_state::lost : where.held_up ? now_state::held_up : now_state::unread;
    out.at = where.at;
    return out;
  case place::finished: // It is being written, or was before what the log still tells.
    out.now = lost && in.now == stage::unread && what.begins() ? now_state::lost : now_state::done;
    return out;
  case place::ready:
    out.now = now_state::ready;
    break;
  case place::behind:
    out.now = now_state::behind;
    out.at = where.at;
    break;
  case place::lent:
    out.now = now_state::lent;
    out.member = member.empty() ? in.member : member;
    out.until = wall_of(where.lease_ends, around.now);
    break;
  case place::waiting:
    out.now = now_state::waiting;
    out.until = where.due;
    break;
  case place::dying:
    out.now = now_state::dying;
    break;
  }
  out.attempts = where.attempts;
  out.error = where.error.empty() && where.attempts > 0 ? in.error : where.error;
  return out;
}

group_story tell(const story& what, group_id group, std::optional<offset> committed,
                 const std::string& reader, const story_surroundings& around) {
  const auto& in = what.parts().at(group);
  auto out = from_log(in);
  if (const auto over = ending(in.now)) {
    out.now = *over;
    return out;
  }
  const bool deleted = is_deleted(what, around);
  if (!committed) {
    out.now = deleted ? now_state::lost : now_state::unstarted;
  } else if (*what.subject().at < *committed) {
    out.now = now_state::done;
  } else {
    out.now = deleted ? now_state::lost : now_state::unread;
    out.at = *committed;
    out.member = reader;
  }
  return out;
}

message_story tell(const story& what, const story_surroundings& around) {
  message_story out;
  const auto& about = what.subject();
  out.queue = about.queue;
  out.has_place = about.at.has_value();
  out.at = about.at.value_or(offset{});
  out.producer = what.id().producer;
  out.sequence = what.id().number;
  out.now = what.state();
  if (out.now == message_story::state::stored && is_deleted(what, around))
    out.now = message_story::state::deleted;
  out.told = around.now.wall;
  out.known_from = what.known_from();
  out.events = what.events(around.start);
  if (out.now == message_story::state::pending) out.due = what.due();
  return out;
}

void add(message_story& to, group_story what, std::size_t& bytes) {
  constexpr std::size_t each = 64;
  bytes += each + what.group.size() + what.consumer.size() + what.error.size();
  for (const auto& event : what.events) bytes += each + event.member.size() + event.error.size();
  if (to.groups.empty() || (bytes <= story_bytes_max && to.groups.size() < story_groups_max))
    to.groups.push_back(std::move(what));
  else
    ++to.groups_left_out;
}

} // namespace carafe::core
