#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

/// What a newer node calls by a name that this version does not know is `unknown`.
template <class Enum, class Wire>
Enum known_or(Wire from, Enum last, Enum unknown) {
  return enum_from_wire(from, last).value_or(unknown);
}

void put(capnp::List<wire::story::Event>::Builder to, const std::vector<story_event>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    const auto& each = from[i];
    auto row = to[i];
    row.setKind(enum_to_wire<wire::story::Event::Kind>(each.what));
    row.setTimeMs(each.time.value);
    row.setOffset(each.at.value);
    row.setQueue(each.queue.value);
    row.setDueMs(each.due.value);
    row.setAttempt(each.attempt);
    row.setMember(wire_text{each.member});
    row.setError(wire_text{each.error});
    row.setTransactionShard(each.transaction.shard.value);
    row.setTransactionProducer(each.transaction.id.producer.value);
    row.setTransactionNumber(each.transaction.id.number);
    row.setSchedule(wire_text{each.schedule});
  }
}

std::vector<story_event> get(capnp::List<wire::story::Event>::Reader from, decoding& state) {
  using kind = story_event::kind;
  std::vector<story_event> to;
  to.reserve(from.size());
  for (auto row : from) {
    auto& each = to.emplace_back();
    each.what = known_or(row.getKind(), kind::letter_lost, kind::other);
    each.time = unix_ms{row.getTimeMs()};
    each.at = offset{row.getOffset()};
    each.queue = queue_id{row.getQueue()};
    each.due = unix_ms{row.getDueMs()};
    each.attempt = row.getAttempt();
    each.member = state.text(row.getMember());
    each.error = state.text(row.getError());
    each.transaction = {shard_id{row.getTransactionShard()},
                        {producer_id{row.getTransactionProducer()}, row.getTransactionNumber()}};
    each.schedule = state.text(row.getSchedule());
  }
  return to;
}

void put(wire::story::GroupStory::Builder to, const group_story& from) {
  to.setGroup(wire_text{from.group});
  to.setConsumer(wire_text{from.consumer});
  to.setMode(wire_text{from.mode});
  to.setState(enum_to_wire<wire::story::GroupStory::State>(from.now));
  put(to.initEvents(size_of(from.events.size())), from.events);
  to.setEventsLeftOut(from.events_left_out);
  to.setMember(wire_text{from.member});
  to.setUntilMs(from.until.value);
  to.setAttempts(from.attempts);
  to.setError(wire_text{from.error});
  to.setOffset(from.at.value);
  to.setLetterQueue(from.letter_queue.value);
  to.setLetterOffset(from.letter.value);
  to.setLetterQueueNumber(from.letter_number.value);
  to.setLetterState(enum_to_wire<wire::story::GroupStory::LetterState>(from.letter_is));
}

group_story get(wire::story::GroupStory::Reader from, decoding& state) {
  using now = group_story::state;
  using letter = group_story::letter_state;
  group_story to;
  to.group = state.text(from.getGroup());
  to.consumer = state.text(from.getConsumer());
  to.mode = state.text(from.getMode());
  to.now = known_or(from.getState(), now::held_up, now::done);
  to.events = get(from.getEvents(), state);
  to.events_left_out = from.getEventsLeftOut();
  to.member = state.text(from.getMember());
  to.until = unix_ms{from.getUntilMs()};
  to.attempts = from.getAttempts();
  to.error = state.text(from.getError());
  to.at = offset{from.getOffset()};
  to.letter_queue = queue_id{from.getLetterQueue()};
  to.letter = offset{from.getLetterOffset()};
  to.letter_number = queue_number{from.getLetterQueueNumber()};
  to.letter_is = known_or(from.getLetterState(), letter::lost, letter::none);
  return to;
}

} // namespace

void put(wire::story::Question::Builder to, const message_why& from) {
  to.setTopic(wire_text{from.topic});
  to.setGroup(wire_text{from.group});
  if (const auto* place = std::get_if<message_why::place>(&from.which)) {
    auto out = to.initPlace();
    out.setQueueNumber(place->number.value);
    out.setOffset(place->at.value);
    return;
  }
  const auto& id = std::get<message_why::id>(from.which);
  auto out = to.initId();
  out.setProducer(id.producer.value);
  out.setSequence(id.sequence.value);
  out.setSinceMs(id.since.value);
}

message_why get(wire::story::Question::Reader from, decoding& state) {
  message_why to;
  to.topic = state.text(from.getTopic());
  to.group = state.text(from.getGroup());
  switch (from.which()) {
  case wire::story::Question::PLACE:
    to.which = message_why::place{queue_number{from.getPlace().getQueueNumber()},
                                  offset{from.getPlace().getOffset()}};
    return to;
  case wire::story::Question::ID:
    to.which =
      message_why::id{producer_id{from.getId().getProducer()}, sequence{from.getId().getSequence()},
                      unix_ms{from.getId().getSinceMs()}};
    return to;
  }
  state.refuse(errc::frame_malformed, "which message");
  return to;
}

void put(wire::story::Story::Builder to, const message_story& from) {
  to.setTopic(wire_text{from.topic});
  to.setQueueNumber(from.number.value);
  to.setQueue(from.queue.value);
  to.setHasPlace(from.has_place);
  to.setOffset(from.at.value);
  to.setProducer(from.producer.value);
  to.setSequence(from.sequence.value);
  to.setDurability(to_wire(from.reached));
  to.setState(enum_to_wire<wire::story::Story::State>(from.now));
  to.setToldMs(from.told.value);
  to.setKnownFromMs(from.known_from.value);
  put(to.initEvents(size_of(from.events.size())), from.events);
  auto groups = to.initGroups(size_of(from.groups.size()));
  for (unsigned i = 0; i < groups.size(); ++i) put(groups[i], from.groups[i]);
  to.setGroupsLeftOut(from.groups_left_out);
  to.setDueMs(from.due.value);
}

message_story get(wire::story::Story::Reader from, decoding& state) {
  using now = message_story::state;
  message_story to;
  to.topic = state.text(from.getTopic());
  to.number = queue_number{from.getQueueNumber()};
  to.queue = queue_id{from.getQueue()};
  to.has_place = from.getHasPlace();
  to.at = offset{from.getOffset()};
  to.producer = producer_id{from.getProducer()};
  to.sequence = sequence{from.getSequence()};
  to.reached = state.enumerator(from.getDurability());
  to.now = known_or(from.getState(), now::rolled_back, now::unknown);
  to.told = unix_ms{from.getToldMs()};
  to.known_from = unix_ms{from.getKnownFromMs()};
  to.events = get(from.getEvents(), state);
  const auto groups = from.getGroups(); // Once: each look at it counts against the traversal limit.
  to.groups.reserve(groups.size());
  for (auto group : groups) to.groups.push_back(get(group, state));
  to.groups_left_out = from.getGroupsLeftOut();
  to.due = unix_ms{from.getDueMs()};
  return to;
}

} // namespace carafe::frames
