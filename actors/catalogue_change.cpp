#include "actors/broadcast.hpp"
#include "actors/catalogue.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/topic.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace carafe {

namespace {

using decision = catalogue_state::decision;

/// A deleted group's actor answers for so long.
constexpr auto linger = std::chrono::seconds{5};

/// A shard that cannot take a change is asked again after this.
constexpr auto try_again_after = std::chrono::milliseconds{100};

void run_next(catalogue_pointer self);

void finish(catalogue_pointer self, const result<decision>& outcome) {
  auto& s = self->state;
  auto change = std::move(s.changes.front());
  s.changes.pop_front();
  s.changing = false;
  change.done(outcome);
  run_next(self);
}

/// Tells the actors that live from what was changed.
void announce(catalogue_pointer self, const decision& done) {
  auto& s = self->state;
  for (const auto& effect : done.entry) {
    if (std::holds_alternative<effects::topic_put>(effect)) {
      const auto& topic = done.topic;
      s.options.quotas->put(topic);
      if (auto at = s.topics.find(topic.topic); at != s.topics.end())
        self->send(at->second, alter_atom_v, topic, s.shards);
      for (const auto& [id, actor] : s.groups) {
        const auto group = s.core->groups().find(id);
        if (group == s.core->groups().end()) continue;
        const auto& reads = group->second.topics;
        if (std::find(reads.begin(), reads.end(), topic.name) != reads.end())
          self->send(actor, alter_atom_v, topic, s.shards);
      }
    } else if (std::holds_alternative<effects::topic_deleted>(effect)) {
      s.options.quotas->remove(done.topic);
      if (auto at = s.topics.find(done.topic.topic); at != s.topics.end()) {
        self->send(at->second, remove_atom_v);
        s.topics.erase(at);
      }
      for (const auto& [id, actor] : s.groups) self->send(actor, remove_atom_v, done.topic);
    } else if (const auto* gone = std::get_if<effects::group_deleted>(&effect)) {
      forget_group(self, gone->group);
      if (auto at = s.groups.find(done.group.group); at != s.groups.end() && done.consumer)
        self->send(caf::actor_cast<broadcast_actor>(at->second), drop_atom_v, gone->group);
    } else if (const auto* put = std::get_if<effects::group_put>(&effect)) {
      if (auto at = s.groups.find(done.group.group); at != s.groups.end() && done.consumer)
        self->send(at->second, alter_atom_v, put->group);
    }
  }
}

/// What follows from a durable change has to be done, however long that takes: as long as it is
/// not, the change is not over, and later ones wait.
void tell_shard(catalogue_pointer self, const shard_actor& shard, const effect_list& wish,
                const std::function<void(const failure&)>& done) {
  self->request(shard, caf::infinite, write_atom_v, wish)
    .then([done](entry_index) { done(failure{errc::none}); },
          [self, shard, wish, done](const caf::error& error) {
            const auto why = from_caf(error);
            if (!is_temporary(why)) return done(why);
            put_off(self, [self, shard, wish, done] { tell_shard(self, shard, wish, done); });
          });
}

void follow_up(catalogue_pointer self, const std::shared_ptr<decision>& what) {
  auto& s = self->state;
  std::vector<std::pair<shard_actor, effect_list>> parts;
  for (const auto& [shard, effects] : what->follow_ups)
    if (auto at = s.shards.find(shard); at != s.shards.end())
      parts.emplace_back(at->second.shard, effect_list{effects});
  auto missing = std::make_shared<std::size_t>(parts.size() + 1);
  auto failed = std::make_shared<failure>(errc::none);
  const auto arrived = [self, missing, failed, what] {
    if (--*missing > 0) return;
    announce(self, *what);
    if (failed->code == errc::none)
      finish(self, *what);
    else
      finish(self, *failed);
  };
  for (auto& [shard, wish] : parts)
    tell_shard(self, shard, std::move(wish), [arrived, failed](const failure& why) {
      if (why.code != errc::none) *failed = why; // Done again at the next start.
      arrived();
    });
  arrived();
}

void write(catalogue_pointer self, const std::shared_ptr<decision>& what) {
  auto& s = self->state;
  self
    ->request(s.shards.at(shard_id{0}).shard, caf::infinite, write_atom_v, effect_list{what->entry})
    .then(
      [self, what](entry_index) {
        self->state.core->apply(*what);
        follow_up(self, what);
      },
      [self](const caf::error& why) { finish(self, from_caf(why)); });
}

/// Opens the shards that the topic's queues need, one after another, then writes.
void open_shards(catalogue_pointer self, const std::shared_ptr<decision>& what) {
  auto& s = self->state;
  for (const auto& [shard, effects] : what->follow_ups) {
    if (s.shards.contains(shard)) continue;
    self->request(s.node, caf::infinite, open_shard_atom_v, shard)
      .then(
        [self, what, id = shard](const shard_handles& handles) {
          self->state.shards.emplace(id, handles);
          // What is told to all shards, it has not heard.
          auto known = self->state.core->known_producers();
          auto& told = what->follow_ups[id];
          told.insert(told.end(), known.begin(), known.end());
          open_shards(self, what);
        },
        [self](const caf::error& why) { finish(self, from_caf(why)); });
    return;
  }
  write(self, what);
}

/// Not by recursion: many that change nothing may wait behind a slow one.
void run_next(catalogue_pointer self) {
  auto& s = self->state;
  while (!s.changing && !s.changes.empty()) {
    auto wish = s.changes.front().decide();
    if (wish && !wish->entry.empty()) {
      s.changing = true;
      open_shards(self, std::make_shared<decision>(std::move(*wish)));
      return;
    }
    auto change = std::move(s.changes.front());
    s.changes.pop_front();
    change.done(wish);
  }
}

} // namespace

void forget_group(catalogue_pointer self, group_id group, bool at_once) {
  auto& groups = self->state.groups;
  auto at = groups.find(group);
  if (at == groups.end()) return;
  if (at_once)
    self->send(at->second, close_atom_v);
  else
    self->delayed_send(at->second, linger, close_atom_v);
  self->state.leaving.push_back(at->second);
  groups.erase(at);
}

bool is_temporary(const failure& why) {
  return why.code == errc::storage_full || why.code == errc::too_many_requests;
}

void put_off(catalogue_pointer self, std::function<void()> work) {
  auto& waiting = self->state.put_off;
  waiting.push_back(std::move(work));
  if (waiting.size() == 1) self->delayed_send(self, try_again_after, tick_atom_v);
}

void try_again(catalogue_pointer self) {
  for (const auto& work : std::exchange(self->state.put_off, {})) work();
}

void change_catalogue(catalogue_pointer self, std::function<result<decision>()> decide,
                      std::function<void(const result<decision>&)> done) {
  self->state.changes.push_back({std::move(decide), std::move(done)});
  run_next(self);
}

topic_actor topic_of(catalogue_pointer self, const topic_record& record) {
  auto& s = self->state;
  if (auto at = s.topics.find(record.topic); at != s.topics.end()) return at->second;
  auto made = self->spawn<caf::monitored>(topic, record, s.shards, s.clocks, s.options.quotas);
  s.topics.emplace(record.topic, made);
  return made;
}

namespace {

/// How much of a lease may be left that was given before the group was changed.
std::uint64_t lease_left(const catalogue_state& s, group_id group) {
  const auto at = s.leases_end.find(group);
  const auto now = s.clocks->monotonic();
  return at == s.leases_end.end() || at->second <= now ? 0 : at->second.value - now.value;
}

} // namespace

group_actor group_of(catalogue_pointer self, const group_record& record) {
  auto& s = self->state;
  if (auto at = s.groups.find(record.group); at != s.groups.end()) return at->second;
  std::vector<topic_record> topics;
  for (const auto& name : record.topics)
    if (const auto* found = s.core->topic(name)) topics.push_back(*found);
  const auto make = [&](auto behavior, auto... more) {
    return group_actor{self->spawn<caf::monitored>(behavior, record, std::move(topics), s.shards,
                                                   catalogue_actor{self}, s.clocks,
                                                   s.options.groups, more...)};
  };
  auto made = core::lends_messages(record.mode) ? make(delivery, lease_left(s, record.group))
              : record.mode == "broadcast"      ? make(broadcast, s.core->consumers_of(record.name))
                                                : make(group, s.core->seats_of(record.name));
  s.groups.emplace(record.group, made);
  return made;
}

} // namespace carafe
