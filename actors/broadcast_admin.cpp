#include "actors/broadcast.hpp"
#include "actors/error_bridge.hpp"
#include "actors/in_use.hpp"
#include "actors/query_queues.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace carafe {

namespace {

using core::broadcast_core;

std::vector<queue_place> places_of(const broadcast_state& s) {
  std::vector<queue_place> out;
  for (const auto& [name, topic] : s.topics)
    out.insert(out.end(), topic.queues.begin(), topic.queues.end());
  return out;
}

std::uint64_t lag_of(const std::optional<offset>& committed, const frames::group_queue& queue) {
  const auto from = committed ? std::max(*committed, queue.earliest) : queue.earliest;
  return queue.end > from ? queue.end.value - from.value : 0;
}

frames::group_queue queue_of(const broadcast_core::queue_info& info, const queue_view* view) {
  frames::group_queue out;
  out.topic = info.topic;
  out.number = info.number;
  out.queue = info.queue;
  if (view == nullptr) return out;
  out.earliest = view->earliest;
  out.end = view->next;
  return out;
}

/// Of all names of a group together; so many fit the smallest frame there can be.
constexpr std::size_t places_told_max = 16'384;

/// How far it is; `queues` tell of the one that is least far, which the first is.
frames::named_consumer consumer_of(const broadcast_core::consumer_state& consumer, bool first,
                                   std::vector<frames::group_queue>& queues) {
  frames::named_consumer out;
  out.name = consumer.info.name;
  out.created = consumer.info.created;
  out.member = consumer.member;
  for (auto& queue : queues) {
    auto& place = out.places.emplace_back();
    place.queue = queue.queue;
    if (const auto at = consumer.places.find(queue.queue); at != consumer.places.end())
      place.committed = at->second.committed;
    place.lag = lag_of(place.committed, queue);
    if (!first && place.lag <= queue.lag) continue;
    queue.lag = place.lag;
    queue.committed = place.committed;
  }
  return out;
}

frames::group_description fill(const broadcast_state& s, const std::vector<queue_view>& views) {
  std::unordered_map<queue_id, const queue_view*> by_id;
  for (const auto& view : views) by_id.emplace(view.queue, &view);
  frames::group_description out;
  out.name = s.record.name;
  out.group = s.record.group;
  out.mode = s.record.mode;
  out.topics = s.record.topics;
  out.delivery = s.record.delivery;
  out.version = s.record.version;
  describe(s.record, *s.screen.counts, out);
  for (const auto& [id, m] : s.core->members())
    out.members.push_back(
      {id, m.info.name, m.info.client, m.info.address, s.core->read_by(id), m.info.joined});
  for (const auto& [id, info] : s.core->queues()) {
    const auto view = by_id.find(id);
    out.queues.push_back(queue_of(info, view == by_id.end() ? nullptr : view->second));
  }
  std::size_t told = 0;
  for (const auto& [id, consumer] : s.core->consumers()) {
    auto named = consumer_of(consumer, out.consumers.empty(), out.queues);
    if (told + named.places.size() > places_told_max) named.places.clear();
    told += named.places.size();
    out.consumers.push_back(std::move(named));
  }
  std::sort(out.consumers.begin(), out.consumers.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

} // namespace

/// A reset under way: it waits until its consumers are settled, finds the position on each queue,
/// then commits them a shard at a time.
struct broadcast_reset {
  using target = std::pair<group_id, queue_id>;

  owed_answer<caf::ok_atom, broadcast_pointer> answer;
  start_position to;
  std::vector<target> targets = {};
  std::map<queue_id, offset> found = {};
  std::map<target, offset> committed = {};
  std::size_t missing = 0;
  failure why{errc::none};
};

namespace {

using reset_task = std::shared_ptr<broadcast_reset>;

void finish(broadcast_pointer self, const reset_task& task) {
  task->answer.give(task->why.code == errc::none ? result<caf::ok_atom>{caf::ok_atom::value}
                                                 : task->why);
  for (const auto& target : task->targets) {
    std::optional<offset> at;
    if (auto found = task->committed.find(target); found != task->committed.end())
      at = found->second;
    carry_out(self, self->state.core->end_reset(target.first, target.second, at));
  }
}

void commit_all(broadcast_pointer self, const reset_task& task) {
  auto& s = self->state;
  std::map<shard_id, effect_list> parts;
  for (const auto& [consumer, queue] : task->targets) {
    const auto place = s.places.find(queue);
    const auto found = task->found.find(queue);
    if (place != s.places.end() && found != task->found.end())
      parts[place->second].effects.emplace_back(
        effects::commit{consumer, queue, found->second, effects::commit::reason::reset});
  }
  if (task->why.code == errc::none && parts.empty())
    task->why = {errc::queue_unknown, "their topic was deleted meanwhile"};
  if (task->why.code != errc::none) return finish(self, task);
  task->missing = parts.size();
  const auto arrived = [self, task] {
    if (--task->missing == 0) finish(self, task);
  };
  for (const auto& [shard, wish] : parts) {
    self->request(s.shards.at(shard).shard, caf::infinite, write_atom_v, wish)
      .then(
        [task, written = wish, arrived](entry_index) {
          for (const auto& effect : written.effects) {
            const auto& commit = std::get<effects::commit>(effect);
            task->committed[{commit.group, commit.queue}] = commit.next;
          }
          arrived();
        },
        [task, arrived](const caf::error& why) {
          task->why = from_caf(why);
          arrived();
        });
  }
}

void find_position(broadcast_pointer self, const reset_task& task, queue_id queue) {
  const auto arrived = [self, task] {
    if (--task->missing == 0) commit_all(self, task);
  };
  const auto failed = [task, arrived](const caf::error& why) {
    task->why = from_caf(why);
    arrived();
  };
  self->request(self->state.catalogue, caf::infinite, activate_atom_v, queue)
    .then(
      [self, task, queue, arrived, failed](const queue_actor& actor) {
        self->request(actor, caf::infinite, resolve_atom_v, task->to, range_policy::error)
          .then(
            [task, queue, arrived](const reading& where) {
              task->found[queue] = where.begin;
              arrived();
            },
            failed);
      },
      failed);
}

bool begin_if_settled(broadcast_pointer self, const reset_task& task) {
  const auto& core = *self->state.core;
  std::set<queue_id> queues;
  for (const auto& [consumer, queue] : task->targets) {
    if (!core.may_reset(consumer, queue)) return false;
    queues.insert(queue);
  }
  task->missing = queues.size();
  for (const auto queue : queues) find_position(self, task, queue);
  return true;
}

result<std::vector<broadcast_reset::target>> targets_of(const broadcast_state& s,
                                                        const frames::group_reset& wish) {
  if (!wish.topic.empty() && !s.topics.contains(wish.topic))
    return {errc::topic_unknown, wish.topic + " is not read by group " + s.record.name};
  std::vector<broadcast_reset::target> out;
  bool named = false;
  for (const auto& [id, consumer] : s.core->consumers()) {
    if (!wish.consumer.empty() && consumer.info.name != wish.consumer) continue;
    named = true;
    for (const auto& [queue, info] : s.core->queues()) {
      if (!wish.topic.empty() && info.topic != wish.topic) continue;
      if (wish.number && info.number != *wish.number) continue;
      out.emplace_back(id, queue);
    }
  }
  if (!named)
    return {errc::not_found, wish.consumer.empty()
                               ? "group " + s.record.name + " has no named consumers"
                               : "group " + s.record.name + " has no consumer " + wish.consumer};
  if (out.empty()) return {errc::queue_unknown, "no queue of the group fits"};
  if (out.size() > raft::effects_per_entry_max)
    return {errc::invalid_argument,
            std::to_string(out.size()) + " offsets at once; reset single consumers or topics"};
  return out;
}

/// Whether none of these is being reset or forgotten.
result<void> may_begin(const broadcast_core& core,
                       const std::vector<broadcast_reset::target>& targets) {
  for (const auto& [id, queue] : targets) {
    const auto& consumer = core.consumers().at(id);
    const auto place = consumer.places.find(queue);
    if (consumer.leaving || (place != consumer.places.end() && place->second.resetting))
      return {errc::group_in_use, consumer.info.name + " is being reset or forgotten"};
  }
  return {};
}

broadcast_core::effects begin_all(broadcast_core& core,
                                  const std::vector<broadcast_reset::target>& targets) {
  broadcast_core::effects revoked;
  for (const auto& [id, queue] : targets) {
    const auto asked = core.begin_reset(id, queue);
    revoked.insert(revoked.end(), asked->begin(), asked->end());
  }
  return revoked;
}

} // namespace

caf::result<frames::group_description> describe_broadcast(broadcast_pointer self) {
  auto& s = self->state;
  auto answer = owe<frames::group_description>(self);
  query_queues(self, s.shards, places_of(s),
               [self, answer](const result<std::vector<queue_view>>& views) mutable {
                 if (views)
                   answer.give(fill(self->state, *views));
                 else
                   answer.give(views.error());
               });
  return answer.promise();
}

caf::result<caf::ok_atom> reset_consumers(broadcast_pointer self, const frames::group_reset& wish) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  auto targets = targets_of(s, wish);
  if (!targets) return to_caf(targets.error());
  if (auto ok = may_begin(*s.core, *targets); !ok) return to_caf(ok.error());
  auto task = std::make_shared<broadcast_reset>(
    broadcast_reset{owe<caf::ok_atom>(self), wish.to, std::move(*targets)});
  auto promise = task->answer.promise();
  const auto revoked = begin_all(*s.core, task->targets);
  if (!begin_if_settled(self, task)) s.waiting_resets.push_back(std::move(task));
  carry_out(self, revoked);
  return promise;
}

caf::result<caf::ok_atom> hand_over(broadcast_pointer self, const group_change& change) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  if (!change.with_members && !s.sessions.empty()) return to_caf(mode_in_use_by(s.sessions.size()));
  std::vector<broadcast_reset::target> all;
  for (const auto& [id, consumer] : s.core->consumers())
    for (const auto& [queue, info] : s.core->queues()) all.emplace_back(id, queue);
  if (auto ok = may_begin(*s.core, all); !ok) return to_caf(ok.error());
  s.gone = changed_just_now(s.record.name);
  auto answer = owe<caf::ok_atom>(self);
  s.handed_over = [self, answer]() mutable {
    self->state.sessions.clear(); // They join again; nothing more of them counts here.
    self->state.watched.clear(self);
    answer.give(caf::ok_atom::value);
  };
  carry_out(self, begin_all(*s.core, all));
  return answer.promise();
}

namespace {

bool is_free(const broadcast_core& core) {
  for (const auto& [id, consumer] : core.consumers())
    for (const auto& [queue, info] : core.queues())
      if (!core.may_reset(id, queue)) return false;
  return true;
}

} // namespace

void resume_resets(broadcast_pointer self) {
  auto& s = self->state;
  if (s.handed_over && is_free(*s.core)) std::exchange(s.handed_over, {})();
  auto waiting = std::exchange(self->state.waiting_resets, {});
  for (auto& task : waiting)
    if (!begin_if_settled(self, task)) self->state.waiting_resets.push_back(std::move(task));
}

} // namespace carafe
