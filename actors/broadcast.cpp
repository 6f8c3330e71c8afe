#include "actors/broadcast.hpp"

#include "actors/error_bridge.hpp"
#include "actors/in_use.hpp"
#include "actors/logging.hpp"

#include <utility>

namespace carafe {

namespace {

using core::broadcast_core;

void tell(broadcast_pointer self, member_id member, const auto&... what) {
  auto at = self->state.sessions.find(member);
  if (at != self->state.sessions.end()) self->send(at->second, what...);
}

void on(broadcast_pointer self, const broadcast_core::assign& e) {
  auto what = make_assignment(self->state, e.member, e.owner, e.queue);
  what.start = e.start;
  tell(self, e.member, assign_atom_v, what);
}

void on(broadcast_pointer self, const broadcast_core::revoke& e) {
  const auto ms = self->state.revoke_timeout_ms;
  tell(self, e.member, revoke_atom_v,
       revocation{e.member, e.queue, e.owner, static_cast<std::uint32_t>(ms), false});
  self->delayed_send(self, std::chrono::milliseconds{ms}, deadline_atom_v, e.queue, e.owner);
}

void on(broadcast_pointer self, const broadcast_core::take& e) {
  tell(self, e.member, revoke_atom_v, revocation{e.member, e.queue, e.owner, 0, true});
}

void on(broadcast_pointer self, const broadcast_core::find_start& e) { find_start(self, e); }

/// The core has let the member go already, or is told now.
void leave(broadcast_pointer self, member_id member) {
  auto& s = self->state;
  auto at = s.sessions.find(member);
  if (at == s.sessions.end()) return;
  s.watched.remove(self, at->second.address());
  s.sessions.erase(at);
  s.core->leave(member);
  resume_resets(self);
}

broadcast_core::member member_of(const join_request& request, unix_ms now) {
  const auto& wish = request.wish;
  broadcast_core::member m;
  m.name = !wish.member.empty() ? wish.member : !wish.name.empty() ? wish.name : wish.member_id;
  m.client = request.client;
  m.address = request.address;
  m.start = wish.start;
  m.out_of_range = wish.out_of_range;
  m.credit_bytes = wish.credit_bytes;
  m.joined = now;
  m.consumer = wish.name;
  m.holder = wish.holder;
  return m;
}

caf::result<frames::joined> on_join(broadcast_pointer self, const join_request& request,
                                    const session_actor& session) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  const auto id = next_member();
  auto effects = s.core->join(id, member_of(request, s.clocks->wall()));
  if (!effects) return to_caf(effects.error());
  s.sessions.emplace(id, session);
  s.watched.add(self, session);
  // The answer must leave before the first assignment does.
  auto promise = self->make_response_promise<frames::joined>();
  promise.deliver(frames::joined{id, s.record.group, {}, 0});
  carry_out(self, *effects);
  // Whose name it took over is a member no more.
  std::vector<member_id> gone;
  for (const auto& [member, to] : s.sessions)
    if (!s.core->members().contains(member)) gone.push_back(member);
  for (const auto member : gone) leave(self, member);
  return promise;
}

void remove_topic(broadcast_pointer self, const topic_record& topic) {
  auto& s = self->state;
  s.topics.erase(topic.name);
  for (const auto& place : topic.queues) {
    s.places.erase(place.queue);
    carry_out(self, s.core->remove_queue(place.queue));
  }
}

/// A named consumer is there, or stays; or the group's own record has changed.
void on_record(broadcast_pointer self, const group_record& changed) {
  auto& s = self->state;
  if (changed.mode == core::consumer_mode)
    s.core->put_consumer({changed.group, core::consumer_name(changed), changed.created}, {});
  else
    s.record = changed;
}

} // namespace

void carry_out(broadcast_pointer self, const broadcast_core::effects& effects) {
  for (const auto& effect : effects) std::visit([self](const auto& e) { on(self, e); }, effect);
  resume_resets(self);
}

assignment make_assignment(const broadcast_state& s, member_id member, generation owner,
                           queue_id queue) {
  const auto& info = s.core->queues().at(queue);
  assignment out;
  out.member = member;
  out.owner = owner;
  out.topic = info.topic;
  out.number = info.number;
  out.queue = queue;
  out.screen = s.screen;
  if (auto at = s.core->members().find(member); at != s.core->members().end()) {
    out.out_of_range = at->second.info.out_of_range;
    out.credit_bytes = at->second.info.credit_bytes;
  }
  return out;
}

void add_queues(broadcast_pointer self, const topic_record& topic) {
  auto& s = self->state;
  s.topics[topic.name] = topic;
  for (std::uint32_t i = 0; i < topic.queues.size(); ++i) {
    const auto& place = topic.queues[i];
    if (!s.places.emplace(place.queue, place.shard).second) continue;
    carry_out(self, s.core->add_queue({topic.name, queue_number{i}, place.queue}));
  }
}

broadcast_actor::behavior_type broadcast(broadcast_pointer self, group_record record,
                                         std::vector<topic_record> topics, shard_table shards,
                                         catalogue_actor catalogue,
                                         std::shared_ptr<const clock> clocks, group_options options,
                                         std::vector<group_record> consumers) {
  auto& s = self->state;
  s.record = std::move(record);
  s.shards = std::move(shards);
  s.catalogue = std::move(catalogue);
  s.clocks = std::move(clocks);
  s.revoke_timeout_ms = options.revoke_timeout_ms;
  s.core.emplace(options.members_max);
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.watched.ended(down.source);
    std::vector<member_id> gone;
    for (const auto& [member, session] : self->state.sessions)
      if (session.address() == down.source) gone.push_back(member);
    for (const auto member : gone) leave(self, member);
  });
  if (auto screen = screening_of(s.record)) {
    s.screen = std::move(*screen);
    load_consumers(self, std::move(consumers), std::move(topics));
  } else { // It was understood when the group was made.
    logging::error("broadcast", s.record.name + ": " + screen.error().message());
    self->quit(to_caf(screen.error()));
  }
  return {
    [self](join_atom, const join_request& request, const session_actor& session) {
      return on_join(self, request, session);
    },
    [self](leave_atom, member_id member) -> caf::result<caf::ok_atom> {
      leave(self, member);
      return caf::ok_atom::value;
    },
    [self](release_atom, member_id member, queue_id queue,
           generation owner) -> caf::result<caf::ok_atom> {
      auto effects = self->state.core->release(member, queue, owner);
      if (!effects) return to_caf(effects.error());
      carry_out(self, *effects);
      return caf::ok_atom::value;
    },
    [self](commit_atom, const frames::commit& request) { return commit_positions(self, request); },
    [self](describe_atom) { return describe_broadcast(self); },
    [self](reset_atom, const frames::group_reset& wish) { return reset_consumers(self, wish); },
    [self](remove_atom) -> caf::result<caf::ok_atom> {
      if (self->state.gone) return to_caf(*self->state.gone);
      if (!self->state.sessions.empty()) return to_caf(in_use_by(self->state.sessions.size()));
      self->state.gone = deleted_just_now(self->state.record.name);
      return caf::ok_atom::value;
    },
    [self](hand_over_atom, const group_change& change) { return hand_over(self, change); },
    [self](close_atom) { self->state.owed.end(self); },
    [self](alter_atom, const topic_record& topic, const shard_table& shards_now) {
      if (self->state.gone) return; // The next actor begins with what there is then.
      self->state.shards = shards_now;
      add_queues(self, topic);
    },
    [self](alter_atom, const group_record& changed) { on_record(self, changed); },
    [self](remove_atom, const topic_record& topic) { remove_topic(self, topic); },
    [self](deadline_atom, queue_id queue, generation owner) {
      carry_out(self, self->state.core->deadline(queue, owner));
    },
    [](deadline_atom, member_id) {},
    [](settle_atom, const consumed_messages&) {}, // No transaction acknowledges messages of these.
    [](start_atom, queue_id, generation) {},
    [self](forget_atom, const std::string& name) -> caf::result<caf::ok_atom> {
      auto consumer = self->state.core->begin_forget(name);
      if (!consumer) return to_caf(consumer.error());
      return caf::ok_atom::value;
    },
    [self](drop_atom, group_id consumer) { self->state.core->forgotten(consumer); },
    [self](start_atom, group_id consumer, queue_id queue, generation owner) {
      carry_out(self, self->state.core->start_again(consumer, queue, owner));
    },
  };
}

} // namespace carafe
