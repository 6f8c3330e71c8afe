#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/query_queues.hpp"
#include "actors/reset_queues.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

frames::group_queue fill_queue(const delivery_state& s, queue_id id,
                               const delivery_state::queue& queue, const queue_view* view) {
  frames::group_queue out;
  out.topic = queue.topic;
  out.number = queue.number;
  out.queue = id;
  if (view != nullptr) {
    out.earliest = view->earliest;
    out.end = view->next;
  }
  const auto at = s.core->queues().find(id);
  if (at == s.core->queues().end()) {
    out.lag = out.end.value - out.earliest.value;
    return out;
  }
  const auto& dealt = at->second;
  const auto& progress = dealt.progress;
  out.committed = progress.next();
  out.lag = progress.waiting().size();
  const auto count_unmet = [&](offset from, offset end) {
    if (from >= end) return;
    for (const auto& part : progress.done().missing({from, end.value - from.value}))
      out.lag += part.count;
  };
  // What was read outlives retention; between that and the queue's start nothing is left.
  const auto read = std::clamp(dealt.fetched, progress.next(), std::max(progress.next(), out.end));
  count_unmet(progress.next(), read);
  count_unmet(std::max(read, out.earliest), out.end);
  for (const auto& [first, lease] : dealt.leases) out.in_flight += lease.count;
  out.waiting = dealt.lines.behind();
  // One that failed may stand behind another besides.
  for (const auto& [where, row] : progress.waiting())
    if (dealt.lines.first_before(where).value_or(where) == where) ++out.waiting;
  return out;
}

frames::group_description fill(delivery_pointer self, const std::vector<queue_view>& views) {
  const auto& s = self->state;
  std::unordered_map<queue_id, const queue_view*> by_id;
  for (const auto& view : views) by_id.emplace(view.queue, &view);
  frames::group_description out;
  out.name = s.record.name;
  out.group = s.record.group;
  out.mode = s.record.mode;
  out.topics = s.record.topics;
  out.delivery = s.record.delivery;
  out.version = s.record.version;
  out.filter = s.record.filter;
  out.filtered = s.core->left_out().filtered;
  out.expired = s.core->left_out().expired;
  const auto mono = s.clocks->monotonic();
  for (const auto& [id, m] : s.members) {
    frames::group_member member{id, m.name, m.client, m.address, 0, m.joined};
    const auto& state = s.core->members().at(id);
    member.in_flight = state.in_flight;
    if (state.in_flight > 0) member.idle_ms = mono.value - state.last_settled.value;
    out.members.push_back(std::move(member));
  }
  for (const auto& [id, queue] : s.queues) {
    const auto view = by_id.find(id);
    out.queues.push_back(fill_queue(s, id, queue, view == by_id.end() ? nullptr : view->second));
  }
  return out;
}

/// A reset under way.
struct reset_task {
  owed_answer<caf::ok_atom, delivery_pointer> answer;
  std::vector<queue_id> queues;
  std::size_t missing = 0;
  std::map<queue_id, reading> found = {};
  failure why{errc::none};
};
using task_ptr = std::shared_ptr<reset_task>;

void finish(delivery_pointer self, const task_ptr& task) {
  for (const auto id : task->queues) {
    auto at = self->state.queues.find(id);
    if (at != self->state.queues.end()) at->second.resetting = at->second.reset_asked = false;
    begin_reading(self, id);
  }
  task->answer.give(task->why.code == errc::none ? result<caf::ok_atom>{caf::ok_atom::value}
                                                 : task->why);
}

/// All positions are known: what consumers have and what waits counts no more.
void begin_anew(delivery_pointer self, const task_ptr& task) {
  auto& s = self->state;
  if (task->why.code != errc::none) return finish(self, task);
  task->missing = task->found.size();
  // The queue goes on while its position is found.
  for (auto& [id, where] : task->found)
    if (const auto known = s.core->queues().find(id); known != s.core->queues().end())
      where.end = std::max(where.end, known->second.end);
  const auto positions = task->found;
  for (const auto& [id, where] : positions) {
    const auto at = s.queues.find(id);
    const auto arrived = [self, task, id = id, where = where](const failure& why) {
      if (why.code != errc::none) task->why = why;
      burials_ended(self, id, why); // What became of its messages counts no more.
      if (auto there = self->state.queues.find(id);
          why.code == errc::none && there != self->state.queues.end()) {
        there->second.known = true;
        self->state.core->add_queue(id, core::delivery_progress{where.begin}, where.end, now(self));
      }
      if (--task->missing == 0) finish(self, task);
    };
    if (at == s.queues.end()) { // Its topic was deleted meanwhile.
      arrived(failure{errc::none});
      continue;
    }
    stop_reading(self, id);
    s.core->remove_queue(id);
    at->second.resetting = true;
    const auto reason = effects::commit::reason::reset;
    write(self, id, effects::commit{s.record.group, id, where.begin, reason}, true);
    when_written(self, at->second.shard, arrived);
  }
}

} // namespace

caf::result<frames::group_description> describe_group(delivery_pointer self) {
  auto& s = self->state;
  auto answer = owe<frames::group_description>(self);
  std::vector<queue_place> places;
  for (const auto& [name, topic] : s.topics)
    places.insert(places.end(), topic.queues.begin(), topic.queues.end());
  query_queues(self, s.shards, places,
               [self, answer](const result<std::vector<queue_view>>& views) mutable {
                 if (views)
                   answer.give(fill(self, *views));
                 else
                   answer.give(views.error());
               });
  return answer.promise();
}

lent_whereabouts where_is(delivery_pointer self, queue_id queue, offset at) {
  const auto& s = self->state;
  lent_whereabouts out;
  out.where = s.core->where(queue, at);
  out.now = now(self);
  if (const auto member = s.members.find(out.where.member); member != s.members.end())
    out.member = member->second.name.empty() ? member->second.client : member->second.name;
  return out;
}

caf::result<caf::ok_atom> reset_group(delivery_pointer self, const frames::group_reset& wish) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  auto queues = queues_to_reset(wish, s.record.name, s.topics);
  if (!queues) return to_caf(queues.error());
  for (const auto id : *queues)
    if (const auto& queue = s.queues.at(id); queue.resetting || queue.reset_asked)
      return to_caf({errc::group_in_use, "queue " + std::to_string(queue.number.value) + " of " +
                                           queue.topic + " is being reset"});
  auto task =
    std::make_shared<reset_task>(reset_task{owe<caf::ok_atom>(self), *queues, queues->size()});
  auto promise = task->answer.promise();
  s.own_graves.clear(); // What the log knew of them ends with a reset, if they are read here.
  for (const auto id : *queues) s.queues.at(id).reset_asked = true;
  for (const auto id : *queues) {
    const auto arrived = [self, task] {
      if (--task->missing == 0) begin_anew(self, task);
    };
    const auto failed = [task, arrived](const caf::error& why) {
      task->why = from_caf(why);
      arrived();
    };
    self->request(s.catalogue, caf::infinite, activate_atom_v, id)
      .then(
        [self, task, id, to = wish.to, arrived, failed](const queue_actor& actor) {
          self->request(actor, caf::infinite, resolve_atom_v, to, range_policy::error)
            .then(
              [task, id, arrived](const reading& found) {
                task->found.emplace(id, found);
                arrived();
              },
              failed);
        },
        failed);
  }
  return promise;
}

} // namespace carafe
