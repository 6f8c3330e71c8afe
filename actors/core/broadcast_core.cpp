#include "actors/core/broadcast_core.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

namespace {

start_position at(offset where) { return {start_position::kind::at_offset, where, {}}; }

failure moved_on(queue_id queue) {
  return {errc::not_owner, "queue " + std::to_string(queue.value) + " has moved on"};
}

failure no_name(const std::string& name) {
  return {errc::not_found, "consumer " + name + "; it was forgotten, or never there"};
}

} // namespace

broadcast_core::effects broadcast_core::add_queue(queue_info info) {
  effects out;
  const auto queue = info.queue;
  if (!queues_.try_emplace(queue, std::move(info)).second) return out;
  for (auto& [id, m] : members_) {
    m.seats[queue].from_beginning = true;
    begin(id, queue, out);
  }
  return out;
}

broadcast_core::effects broadcast_core::remove_queue(queue_id queue) {
  effects out;
  if (queues_.erase(queue) == 0) return out;
  for (auto& [id, m] : members_)
    if (auto seat = m.seats.extract(queue); !seat.empty())
      out.push_back(take{id, seat.mapped().current, queue});
  for (auto& [id, consumer] : consumers_) consumer.places.erase(queue);
  return out;
}

void broadcast_core::put_consumer(consumer_info info, const std::map<queue_id, offset>& committed) {
  auto [at, fresh] = consumers_.try_emplace(info.id);
  at->second.leaving = false;
  if (!fresh) return;
  at->second.info = std::move(info);
  for (const auto& [queue, where] : committed) at->second.places[queue].committed = where;
}

broadcast_core::consumer_state* broadcast_core::named(const std::string& name) {
  const auto at = std::find_if(consumers_.begin(), consumers_.end(), [&](const auto& entry) {
    return entry.second.info.name == name && !entry.second.leaving;
  });
  return at == consumers_.end() ? nullptr : &at->second;
}

result<group_id> broadcast_core::begin_forget(const std::string& name) {
  auto* consumer = named(name);
  if (consumer == nullptr) return no_name(name);
  if (consumer->member.value != 0)
    return {errc::name_in_use, name + " is connected from " +
                                 members_.at(consumer->member).info.address + "; stop it first"};
  for (const auto& [queue, place] : consumer->places)
    if (place.resetting) return {errc::group_in_use, name + " is being reset"};
  consumer->leaving = true;
  return consumer->info.id;
}

result<broadcast_core::effects> broadcast_core::join(member_id id, member m) {
  effects out;
  consumer_state* consumer = nullptr;
  if (!m.consumer.empty()) {
    consumer = named(m.consumer);
    if (consumer == nullptr) return no_name(m.consumer);
  }
  if (consumer != nullptr && consumer->member.value != 0) {
    const auto& there = members_.at(consumer->member);
    if (m.holder == 0 || there.info.holder != m.holder)
      return {errc::name_in_use,
              m.consumer + " is with " + there.info.client + " at " + there.info.address};
    for (const auto& [queue, seat] : there.seats)
      out.push_back(take{consumer->member, seat.current, queue});
    members_.erase(consumer->member);
    consumer->member = member_id{0};
  }
  if (members_.size() >= members_max_)
    return {errc::too_many_members, "a group has at most " + std::to_string(members_max_)};
  auto& state = members_[id];
  state.info = std::move(m);
  if (consumer != nullptr) {
    state.consumer = consumer->info.id;
    consumer->member = id;
  }
  for (const auto& [queue, info] : queues_) begin(id, queue, out);
  return out;
}

void broadcast_core::leave(member_id id) {
  const auto at = members_.find(id);
  if (at == members_.end()) return;
  if (const auto named = consumers_.find(at->second.consumer); named != consumers_.end())
    named->second.member = member_id{0};
  members_.erase(at);
}

broadcast_core::seat_state* broadcast_core::seat_of(member_id id, queue_id queue,
                                                    generation owner) {
  const auto at = members_.find(id);
  if (at == members_.end()) return nullptr;
  const auto seat = at->second.seats.find(queue);
  if (seat == at->second.seats.end() || seat->second.current != owner) return nullptr;
  return &seat->second;
}

result<broadcast_core::effects> broadcast_core::release(member_id id, queue_id queue,
                                                        generation owner) {
  if (seat_of(id, queue, owner) == nullptr) return moved_on(queue);
  effects out;
  begin(id, queue, out);
  return out;
}

broadcast_core::place_state* broadcast_core::place_of(group_id consumer, queue_id queue) {
  const auto at = consumers_.find(consumer);
  // What went with its topic is not to come back by a late answer.
  if (at == consumers_.end() || !queues_.contains(queue)) return nullptr;
  return &at->second.places[queue];
}

bool broadcast_core::is_settled(const place_state& p) {
  return p.commits_in_flight == 0 && p.finding.value == 0;
}

bool broadcast_core::may_reset(group_id consumer, queue_id queue) const {
  const auto at = consumers_.find(consumer);
  if (at == consumers_.end()) return true;
  const auto place = at->second.places.find(queue);
  if (place != at->second.places.end() && !is_settled(place->second)) return false;
  const auto m = members_.find(at->second.member);
  if (m == members_.end()) return true;
  const auto seat = m->second.seats.find(queue);
  return seat == m->second.seats.end() || seat->second.state == reading::waiting;
}

void broadcast_core::begin(member_id id, queue_id queue, effects& out) {
  auto& m = members_.at(id);
  auto& seat = m.seats[queue];
  seat.current = generation{++generations_};
  // Ids come from one counter: a queue above the name's own is younger, and all that is in it came
  // after the consumer.
  const bool younger = m.consumer.value != 0 && queue.value > m.consumer.value;
  const auto start = seat.from_beginning || younger ? start_position{} : m.info.start;
  if (m.consumer.value == 0) {
    seat.state = reading::reading;
    out.push_back(assign{id, seat.current, queue, start});
    return;
  }
  auto& place = consumers_.at(m.consumer).places[queue];
  if (place.resetting || !is_settled(place)) {
    seat.state = reading::waiting;
  } else if (place.committed) {
    seat.state = reading::reading;
    out.push_back(assign{id, seat.current, queue, at(*place.committed)});
  } else {
    seat.state = reading::starting;
    place.finding = seat.current;
    out.push_back(find_start{m.consumer, id, seat.current, queue, start, m.info.out_of_range});
  }
}

void broadcast_core::resume(group_id consumer, queue_id queue, effects& out) {
  const auto id = consumers_.at(consumer).member;
  const auto at = members_.find(id);
  if (at == members_.end()) return;
  const auto seat = at->second.seats.find(queue);
  if (seat != at->second.seats.end() && seat->second.state == reading::waiting)
    begin(id, queue, out);
}

bool broadcast_core::searching(group_id consumer, queue_id queue, generation owner) const {
  const auto at = consumers_.find(consumer);
  if (at == consumers_.end() || at->second.leaving) return false;
  const auto place = at->second.places.find(queue);
  return place != at->second.places.end() && place->second.finding == owner;
}

broadcast_core::place_state* broadcast_core::found(group_id consumer, queue_id queue,
                                                   generation owner) {
  auto* place = place_of(consumer, queue);
  if (place == nullptr || place->finding != owner) return nullptr;
  place->finding = generation{0};
  return place;
}

broadcast_core::effects broadcast_core::started(group_id consumer, queue_id queue, generation owner,
                                                offset start) {
  effects out;
  auto* place = found(consumer, queue, owner);
  if (place == nullptr) return out;
  // Committed is committed, also when the member it was found for has gone meanwhile.
  place->committed = start;
  const auto id = consumers_.at(consumer).member;
  auto* seat = seat_of(id, queue, owner);
  if (seat != nullptr && seat->state == reading::starting) {
    seat->state = reading::reading;
    out.push_back(assign{id, owner, queue, at(start)});
  } else {
    resume(consumer, queue, out);
  }
  return out;
}

broadcast_core::effects broadcast_core::start_failed(group_id consumer, queue_id queue,
                                                     generation owner) {
  effects out;
  if (found(consumer, queue, owner) == nullptr) return out;
  auto* seat = seat_of(consumers_.at(consumer).member, queue, owner);
  if (seat != nullptr && seat->state == reading::starting)
    seat->state = reading::idle;
  else
    resume(consumer, queue, out);
  return out;
}

broadcast_core::effects broadcast_core::start_again(group_id consumer, queue_id queue,
                                                    generation owner) {
  if (!searching(consumer, queue, owner)) return start_failed(consumer, queue, owner);
  const auto id = consumers_.at(consumer).member;
  const auto* seat = seat_of(id, queue, owner);
  if (seat == nullptr || seat->state != reading::starting)
    return start_failed(consumer, queue, owner);
  effects out;
  place_of(consumer, queue)->finding = generation{0};
  begin(id, queue, out);
  return out;
}

result<group_id> broadcast_core::commit(member_id id, queue_id queue, generation owner) {
  const auto* seat = seat_of(id, queue, owner);
  if (seat == nullptr || seat->state == reading::starting || seat->state == reading::waiting)
    return moved_on(queue);
  const auto consumer = members_.at(id).consumer;
  if (consumer.value == 0)
    return {errc::unsupported, "no offsets are kept of a consumer without a name"};
  ++place_of(consumer, queue)->commits_in_flight;
  return consumer;
}

broadcast_core::effects broadcast_core::commit_done(group_id consumer, queue_id queue,
                                                    std::optional<offset> committed) {
  effects out;
  auto* place = place_of(consumer, queue);
  if (place == nullptr) return out;
  CARAFE_ASSERT(place->commits_in_flight > 0);
  --place->commits_in_flight;
  if (committed) place->committed = committed;
  resume(consumer, queue, out);
  return out;
}

result<broadcast_core::effects> broadcast_core::begin_reset(group_id consumer, queue_id queue) {
  effects out;
  auto& state = consumers_.at(consumer);
  auto& place = state.places[queue];
  if (place.resetting || state.leaving)
    return {errc::group_in_use, state.info.name + " is being reset or forgotten"};
  place.resetting = true;
  const auto m = members_.find(state.member);
  if (m == members_.end()) return out;
  const auto seat = m->second.seats.find(queue);
  if (seat == m->second.seats.end()) return out;
  switch (seat->second.state) {
  case reading::starting:
    seat->second.state = reading::waiting;
    break;
  case reading::reading:
  case reading::idle:
    seat->second.state = reading::returning;
    out.push_back(revoke{m->first, seat->second.current, queue});
    break;
  case reading::waiting:
  case reading::returning:
    break;
  }
  return out;
}

broadcast_core::effects broadcast_core::deadline(queue_id queue, generation owner) {
  effects out;
  for (auto& [id, m] : members_) {
    const auto seat = m.seats.find(queue);
    if (seat == m.seats.end() || seat->second.current != owner) continue;
    if (seat->second.state != reading::returning) break;
    out.push_back(take{id, owner, queue});
    begin(id, queue, out);
    break;
  }
  return out;
}

broadcast_core::effects broadcast_core::end_reset(group_id consumer, queue_id queue,
                                                  std::optional<offset> committed) {
  effects out;
  auto* place = place_of(consumer, queue);
  if (place == nullptr) return out;
  place->resetting = false;
  if (committed) place->committed = committed;
  resume(consumer, queue, out);
  return out;
}

std::uint32_t broadcast_core::read_by(member_id id) const {
  const auto& seats = members_.at(id).seats;
  return static_cast<std::uint32_t>(std::count_if(seats.begin(), seats.end(), [](const auto& s) {
    return s.second.state == reading::reading || s.second.state == reading::returning;
  }));
}

} // namespace carafe::core
