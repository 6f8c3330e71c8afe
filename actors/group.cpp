#include "actors/group.hpp"

#include "actors/error_bridge.hpp"
#include "actors/group_admin.hpp"
#include "actors/in_use.hpp"
#include "actors/logging.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = group_actor::stateful_pointer<group_state>;
using core::group_core;

constexpr auto start_again_after = std::chrono::milliseconds{500};

assignment make_assignment(self_pointer self, member_id member, generation owner, queue_id queue) {
  auto& core = *self->state.core;
  const auto& info = core.queues().at(queue).info;
  assignment out;
  out.member = member;
  out.owner = owner;
  out.topic = info.topic;
  out.number = info.number;
  out.queue = queue;
  out.screen = self->state.screen;
  if (auto at = core.members().find(member); at != core.members().end()) {
    out.out_of_range = at->second.out_of_range;
    out.credit_bytes = at->second.credit_bytes;
  }
  return out;
}

void tell(self_pointer self, member_id member, const auto&... what) {
  auto at = self->state.sessions.find(member);
  if (at != self->state.sessions.end()) self->send(at->second, what...);
}

void on(self_pointer self, const group_core::assign& e) {
  auto what = make_assignment(self, e.member, e.owner, e.queue);
  what.start = start_position{start_position::kind::at_offset, e.start, {}};
  tell(self, e.member, assign_atom_v, what);
}

void on(self_pointer self, const group_core::revoke& e) {
  const auto ms = self->state.options.revoke_timeout_ms;
  tell(self, e.member, revoke_atom_v,
       revocation{e.member, e.queue, e.owner, static_cast<std::uint32_t>(ms), false});
  self->delayed_send(self, std::chrono::milliseconds{ms}, deadline_atom_v, e.queue, e.owner);
}

void on(self_pointer self, const group_core::take& e) {
  tell(self, e.member, revoke_atom_v, revocation{e.member, e.queue, e.owner, 0, true});
}

/// What may change by itself, as a full disk, is waited for: the client could not do better.
void start_failed(self_pointer self, const group_core::find_start& e, const failure& why) {
  auto& core = *self->state.core;
  if (!core.queues().contains(e.queue)) return;
  if (is_retriable(why.code)) {
    self->delayed_send(self, start_again_after, start_atom_v, e.queue, e.owner);
    return;
  }
  tell(self, e.member, ended_atom_v, make_assignment(self, e.member, e.owner, e.queue), why);
  carry_out(self, core.start_failed(e.queue, e.owner));
}

/// Nobody has committed here: find the place, commit it, so that no later owner begins elsewhere.
void on(self_pointer self, const group_core::find_start& e) {
  const auto failed = [self, e](const caf::error& why) { start_failed(self, e, from_caf(why)); };
  self->request(self->state.catalogue, caf::infinite, activate_atom_v, e.queue)
    .then(
      [self, e, failed](const queue_actor& queue) {
        self->request(queue, caf::infinite, resolve_atom_v, e.start, e.out_of_range)
          .then(
            [self, e, failed](const reading& found) {
              auto& s = self->state;
              const auto place = s.places.find(e.queue);
              if (place == s.places.end()) return; // Its topic is gone.
              effect_list wish;
              using reason = effects::commit::reason;
              wish.effects.emplace_back(
                effects::commit{s.record.group, e.queue, found.begin, reason::began});
              const auto& shard = s.shards.at(place->second).shard;
              self->request(shard, caf::infinite, write_atom_v, std::move(wish))
                .then(
                  [self, e, begin = found.begin](entry_index) {
                    carry_out(self, self->state.core->started(e.queue, e.owner, begin));
                  },
                  failed);
            },
            failed);
      },
      failed);
}

} // namespace

member_id next_member() {
  static std::atomic<std::uint64_t> made{0};
  return member_id{++made};
}

void carry_out(self_pointer self, const group_core::effects& effects) {
  for (const auto& effect : effects) std::visit([self](const auto& e) { on(self, e); }, effect);
  resume_resets(self);
  save_seats(self);
}

namespace {

void leave(self_pointer self, member_id member) {
  auto& s = self->state;
  auto at = s.sessions.find(member);
  if (at == s.sessions.end()) return;
  s.watched.remove(self, at->second.address());
  s.sessions.erase(at);
  begin_grace(self, member);
  carry_out(self, s.core->leave(member));
}

caf::result<frames::joined> on_join(self_pointer self, const join_request& request,
                                    const session_actor& session) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  const auto id = next_member();
  group_core::member m;
  m.name = request.wish.member.empty() ? request.wish.member_id : request.wish.member;
  m.id = request.wish.member_id;
  m.holder = request.wish.holder;
  m.client = request.client;
  m.address = request.address;
  m.start = request.wish.start;
  m.out_of_range = request.wish.out_of_range;
  m.credit_bytes = request.wish.credit_bytes;
  m.joined = s.clocks->wall();
  const auto before = s.core->seated(m.id);
  auto effects = s.core->join(id, std::move(m));
  if (!effects) return to_caf(effects.error());
  if (before) s.kept_until.erase(*before);
  s.sessions.emplace(id, session);
  s.watched.add(self, session);
  // The answer must leave before the first assignment does.
  auto promise = self->make_response_promise<frames::joined>();
  promise.deliver(frames::joined{id, s.record.group, {}, 0});
  carry_out(self, *effects);
  // Whose seat it took over is a member no more.
  if (before) leave(self, *before);
  return promise;
}

/// Writes the commits of one shard and hands their fate to the core.
void write_commits(self_pointer self, shard_id shard, std::vector<frames::commit_position> part,
                   std::function<void(const failure&)> done) {
  auto& s = self->state;
  effect_list wish;
  for (const auto& p : part)
    wish.effects.emplace_back(effects::commit{s.record.group, p.queue, p.next});
  const auto finish = [self, part, done](const failure& why) {
    for (const auto& p : part) {
      auto committed = why.code == errc::none ? std::optional{p.next} : std::nullopt;
      carry_out(self, self->state.core->commit_done(p.queue, committed));
    }
    done(why);
  };
  self->request(s.shards.at(shard).shard, caf::infinite, write_atom_v, std::move(wish))
    .then([finish](entry_index) { finish(failure{errc::none}); },
          [finish](const caf::error& why) { finish(from_caf(why)); });
}

caf::result<caf::ok_atom> on_commit(self_pointer self, const frames::commit& request) {
  if (request.positions.size() > commit_positions_max)
    return to_caf({errc::invalid_argument, std::to_string(request.positions.size()) +
                                             " positions; a commit has at most " +
                                             std::to_string(commit_positions_max)});
  auto& s = self->state;
  struct gathering {
    owed_answer<caf::ok_atom, self_pointer> answer;
    std::size_t missing = 1;
    failure why{errc::none};
    void arrived(const failure& part) {
      if (part.code != errc::none) why = part;
      if (--missing > 0) return;
      answer.give(why.code == errc::none ? result<caf::ok_atom>{caf::ok_atom::value} : why);
    }
  };
  auto all = std::make_shared<gathering>(gathering{owe<caf::ok_atom>(self)});
  std::map<shard_id, std::vector<frames::commit_position>> parts;
  for (const auto& p : request.positions) {
    // Positions that still may be committed are, whatever became of the others.
    if (auto ok = s.core->commit(request.member, p.queue, p.owner); !ok)
      all->why = ok.error();
    else
      parts[s.places.at(p.queue)].push_back(p);
  }
  all->missing += parts.size();
  auto promise = all->answer.promise();
  for (auto& [shard, part] : parts)
    write_commits(self, shard, std::move(part), [all](const failure& why) { all->arrived(why); });
  all->arrived(failure{errc::none});
  return promise;
}

void add_queues(self_pointer self, const topic_record& topic,
                const std::unordered_map<queue_id, offset>& committed) {
  auto& s = self->state;
  s.topics[topic.name] = topic;
  for (std::uint32_t i = 0; i < topic.queues.size(); ++i) {
    const auto& place = topic.queues[i];
    if (!s.places.emplace(place.queue, place.shard).second) continue;
    std::optional<offset> at;
    if (auto found = committed.find(place.queue); found != committed.end()) at = found->second;
    carry_out(self, s.core->add_queue({topic.name, queue_number{i}, place.queue}, at));
  }
}

void remove_topic(self_pointer self, const topic_record& topic) {
  auto& s = self->state;
  s.topics.erase(topic.name);
  for (const auto& place : topic.queues) {
    s.places.erase(place.queue);
    carry_out(self, s.core->remove_queue(place.queue));
  }
}

/// Asks every shard for the group's progress before anything else is handled.
void load_progress(self_pointer self, std::vector<topic_record> topics,
                   std::vector<group_record> seats) {
  auto& s = self->state;
  auto committed = std::make_shared<std::unordered_map<queue_id, offset>>();
  auto missing = std::make_shared<std::size_t>(s.shards.size());
  for (const auto& [shard, handles] : s.shards) {
    self->request(handles.shard, caf::infinite, progress_atom_v, s.record.group)
      .await(
        [self, committed, missing, topics, seats](const progress_rows& rows) {
          for (const auto& row : rows.rows) committed->emplace(row.queue, row.progress.next);
          if (--*missing > 0) return;
          for (const auto& topic : topics) add_queues(self, topic, *committed);
          restore_seats(self, seats);
        },
        [self](const caf::error& why) { self->quit(why); });
  }
}

} // namespace

group_actor::behavior_type group(self_pointer self, group_record record,
                                 std::vector<topic_record> topics, shard_table shards,
                                 catalogue_actor catalogue, std::shared_ptr<const clock> clocks,
                                 group_options options, std::vector<group_record> seats) {
  auto& s = self->state;
  s.record = std::move(record);
  s.shards = std::move(shards);
  s.catalogue = std::move(catalogue);
  s.clocks = std::move(clocks);
  s.options = options;
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
    load_progress(self, std::move(topics), std::move(seats));
  } else { // It was understood when the group was made.
    logging::error("group", s.record.name + ": " + screen.error().message());
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
    [self](commit_atom, const frames::commit& request) { return on_commit(self, request); },
    [self](describe_atom) { return describe_group(self); },
    [self](reset_atom, const frames::group_reset& wish) { return reset_group(self, wish); },
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
      add_queues(self, topic, {});
    },
    [self](alter_atom, const group_record& changed) { self->state.record = changed; },
    [self](remove_atom, const topic_record& topic) { remove_topic(self, topic); },
    [self](deadline_atom, queue_id queue, generation owner) {
      carry_out(self, self->state.core->deadline(queue, owner));
    },
    [self](deadline_atom, member_id member) { on_grace_over(self, member); },
    [self](forget_atom, const std::string& id) { return forget_seat(self, id); },
    [self](settle_atom, const consumed_messages& what) {
      if (!what.ranges.empty())
        self->state.core->acknowledged(what.queue, what.ranges.back().end());
    },
    [self](start_atom, queue_id queue, generation owner) {
      carry_out(self, self->state.core->start_again(queue, owner));
    },
  };
}

} // namespace carafe
