#include "actors/group_admin.hpp"

#include "actors/core/delivery_batches.hpp"
#include "actors/error_bridge.hpp"
#include "actors/in_use.hpp"
#include "actors/query_queues.hpp"
#include "actors/reset_queues.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace carafe {

namespace {

using self_pointer = group_actor::stateful_pointer<group_state>;

std::vector<queue_place> places_of(const group_state& s) {
  std::vector<queue_place> out;
  for (const auto& [name, topic] : s.topics)
    out.insert(out.end(), topic.queues.begin(), topic.queues.end());
  return out;
}

std::uint64_t lag_of(const frames::group_queue& queue) {
  const auto from = queue.committed ? std::max(*queue.committed, queue.earliest) : queue.earliest;
  return queue.end > from ? queue.end.value - from.value : 0;
}

frames::group_description fill(const group_state& s, const std::vector<queue_view>& views) {
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
  for (const auto& [id, m] : s.core->members()) {
    frames::group_member member{id, m.name, m.client, m.address, s.core->owned_by(id), m.joined};
    member.id = m.id;
    if (const auto kept = s.kept_until.find(id); m.away && kept != s.kept_until.end()) {
      member.member = member_id{0};
      member.kept_until = kept->second;
    }
    out.members.push_back(std::move(member));
  }
  for (const auto& [id, state] : s.core->queues()) {
    frames::group_queue queue;
    queue.topic = state.info.topic;
    queue.number = state.info.number;
    queue.queue = id;
    queue.committed = state.committed;
    queue.owner = state.owner;
    if (auto at = by_id.find(id); at != by_id.end()) {
      queue.earliest = at->second->earliest;
      queue.end = at->second->next;
    }
    queue.lag = lag_of(queue);
    out.queues.push_back(std::move(queue));
  }
  return out;
}

} // namespace

result<screening> screening_of(const group_record& record) {
  auto wanted = core::parse_filter(record.filter);
  if (!wanted) return wanted.error();
  screening out;
  if (*wanted) out.rule.wanted = std::make_shared<const core::filter>(std::move(**wanted));
  out.counts = std::make_shared<left_out_counts>();
  return out;
}

void describe(const group_record& record, const left_out_counts& counts,
              frames::group_description& out) {
  out.filter = record.filter;
  out.filtered = counts.filtered.load(std::memory_order_relaxed);
  out.expired = counts.expired.load(std::memory_order_relaxed);
}

/// A reset under way: it waits until its queues are free and settled, finds the positions one by
/// one, then commits them a shard at a time.
struct group_reset_task {
  owed_answer<caf::ok_atom, self_pointer> answer;
  start_position to;
  std::vector<queue_id> queues = {};
  std::map<shard_id, effect_list> commits = {};
  std::map<queue_id, offset> committed = {};
  std::size_t missing = 0;
  failure why{errc::none};
};

namespace {

using reset_task = std::shared_ptr<group_reset_task>;

void finish(self_pointer self, const reset_task& task) {
  task->answer.give(task->why.code == errc::none ? result<caf::ok_atom>{caf::ok_atom::value}
                                                 : task->why);
  for (const auto queue : task->queues) {
    std::optional<offset> at;
    if (auto found = task->committed.find(queue); found != task->committed.end())
      at = found->second;
    carry_out(self, self->state.core->end_reset(queue, at));
  }
}

void commit_all(self_pointer self, const reset_task& task) {
  if (task->why.code == errc::none && task->commits.empty())
    task->why = {errc::queue_unknown, "their topic was deleted meanwhile"};
  if (task->why.code != errc::none) return finish(self, task);
  task->missing = task->commits.size();
  const auto arrived = [self, task] {
    if (--task->missing == 0) finish(self, task);
  };
  for (const auto& part : task->commits) {
    self->request(self->state.shards.at(part.first).shard, caf::infinite, write_atom_v, part.second)
      .then(
        [task, shard = part.first, arrived](entry_index) {
          for (const auto& effect : task->commits.at(shard).effects) {
            const auto& commit = std::get<effects::commit>(effect);
            task->committed.emplace(commit.queue, commit.next);
          }
          arrived();
        },
        [task, arrived](const caf::error& why) {
          task->why = from_caf(why);
          arrived();
        });
  }
}

void find_position(self_pointer self, const reset_task& task, queue_id queue) {
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
            [self, task, queue, arrived](const reading& found) {
              auto& s = self->state;
              if (auto place = s.places.find(queue); place != s.places.end())
                task->commits[place->second].effects.emplace_back(effects::commit{
                  s.record.group, queue, found.begin, effects::commit::reason::reset});
              arrived();
            },
            failed);
      },
      failed);
}

bool begin_if_settled(self_pointer self, const reset_task& task) {
  const auto& core = *self->state.core;
  for (const auto queue : task->queues)
    if (!core.may_reset(queue)) return false;
  task->missing = task->queues.size();
  for (const auto queue : task->queues) find_position(self, task, queue);
  return true;
}

} // namespace

caf::result<frames::group_description> describe_group(self_pointer self) {
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

caf::result<caf::ok_atom> reset_group(self_pointer self, const frames::group_reset& wish) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  auto queues = queues_to_reset(wish, s.record.name, s.topics);
  if (!queues) return to_caf(queues.error());
  auto task =
    std::make_shared<group_reset_task>(group_reset_task{owe<caf::ok_atom>(self), wish.to});
  core::group_core::effects revoked;
  for (const auto queue : *queues) {
    auto begun = s.core->begin_reset(queue);
    if (!begun) {
      task->why = begun.error();
      break;
    }
    revoked.insert(revoked.end(), begun->begin(), begun->end());
    task->queues.push_back(queue);
  }
  auto promise = task->answer.promise();
  if (task->why.code != errc::none)
    finish(self, task);
  else if (!begin_if_settled(self, task))
    s.waiting_resets.push_back(std::move(task));
  carry_out(self, revoked);
  return promise;
}

caf::result<caf::ok_atom> hand_over(self_pointer self, const group_change& change) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  if (!change.with_members && !s.sessions.empty()) return to_caf(mode_in_use_by(s.sessions.size()));
  for (const auto& [id, queue] : s.core->queues())
    if (queue.resetting) return to_caf({errc::group_in_use, "its progress is being reset"});
  s.gone = changed_just_now(s.record.name); // From here on seats stay as they are saved.
  auto answer = owe<caf::ok_atom>(self);
  s.handed_over = [self, answer]() mutable {
    self->state.sessions.clear(); // They join again; nothing more of them counts here.
    self->state.watched.clear(self);
    answer.give(caf::ok_atom::value);
  };
  core::group_core::effects revoked;
  for (const auto& [id, queue] : s.core->queues()) {
    const auto asked = s.core->begin_reset(id);
    revoked.insert(revoked.end(), asked->begin(), asked->end());
  }
  carry_out(self, revoked);
  return answer.promise();
}

void resume_resets(self_pointer self) {
  auto& s = self->state;
  const auto is_free = [&](const auto& row) { return s.core->may_reset(row.first); };
  if (s.handed_over && std::ranges::all_of(s.core->queues(), is_free))
    std::exchange(s.handed_over, {})();
  auto waiting = std::exchange(self->state.waiting_resets, {});
  for (auto& task : waiting)
    if (!begin_if_settled(self, task)) self->state.waiting_resets.push_back(std::move(task));
}

} // namespace carafe
