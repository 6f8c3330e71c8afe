#include "actors/topic.hpp"

#include "actors/core/placement.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/query_queues.hpp"
#include "actors/queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = topic_actor::stateful_pointer<topic_state>;

constexpr auto retention_every = std::chrono::milliseconds{5'000};

const queue_place* place_of(const topic_record& record, queue_id queue) {
  for (const auto& place : record.queues)
    if (place.queue == queue) return &place;
  return nullptr;
}

core::topic_expiry expiry_of(const topic_record& record) {
  return {record.settings.default_ttl_ms, core::is_dead_letters(record.name)};
}

failure deleted(const topic_state& s) {
  return {errc::topic_unknown, s.record.name + " was deleted just now"};
}

caf::result<queue_actor> on_activate(self_pointer self, queue_id id) {
  auto& s = self->state;
  if (s.owed.ending()) return to_caf(deleted(s));
  if (auto at = s.queues.find(id); at != s.queues.end()) return at->second;
  const auto* place = place_of(s.record, id);
  if (place == nullptr) return to_caf({errc::queue_unknown, "queue " + std::to_string(id.value)});
  auto made = self->spawn<caf::monitored>(queue, id, s.shards.at(place->shard), s.clocks, s.quotas,
                                          expiry_of(s.record));
  s.queues.emplace(id, made);
  return made;
}

frames::topic_description skeleton(const topic_record& record) {
  frames::topic_description out;
  out.topic = record.topic;
  out.name = record.name;
  out.settings = record.settings;
  out.created = record.created;
  for (std::uint32_t i = 0; i < record.queues.size(); ++i) {
    const auto& place = record.queues[i];
    frames::topic_queue queue;
    queue.number = queue_number{i};
    queue.queue = place.queue;
    queue.shard = place.shard;
    queue.mode = core::durability_of(place.shard);
    out.queues.push_back(queue);
  }
  return out;
}

caf::result<frames::topic_description> on_describe(self_pointer self) {
  auto& s = self->state;
  if (s.owed.ending()) return to_caf(deleted(s));
  auto answer = owe<frames::topic_description>(self);
  auto out = skeleton(s.record);
  if (!s.record.queues.empty())
    if (const auto quotas = s.quotas->of(s.record.queues.front().queue))
      out.throttled = quotas->throttled();
  query_queues(self, s.shards, s.record.queues,
               [answer, out](const result<std::vector<queue_view>>& views) mutable {
                 if (!views) {
                   answer.give(views.error());
                   return;
                 }
                 std::unordered_map<queue_id, const queue_view*> by_id;
                 for (const auto& view : *views) by_id.emplace(view.queue, &view);
                 for (auto& queue : out.queues) {
                   auto at = by_id.find(queue.queue);
                   if (at == by_id.end()) continue;
                   queue.earliest = at->second->earliest;
                   queue.end = at->second->next;
                   queue.last_time = at->second->last_time;
                 }
                 answer.give(std::move(out));
               });
  return answer.promise();
}

// -- retention of this topic ----------------------------------------------------------------------

void raise_start(self_pointer self, const queue_view& view, unix_ms keep_after) {
  const auto& handles = self->state.shards.at(view.shard);
  // The last message is older than the limit: all may go. Otherwise the log knows where to cut.
  const auto raise = [self, shard = handles.shard, view](offset start) {
    if (start <= view.start) return;
    effect_list wish;
    wish.effects.emplace_back(effects::queue_start{view.queue, start, true});
    self->request(shard, caf::infinite, write_atom_v, std::move(wish))
      .then([](entry_index) {},
            [](const caf::error& why) {
              logging::warning("topic", "retention: " + from_caf(why).message());
            });
  };
  if (view.last_time < keep_after) {
    raise(view.next);
    return;
  }
  self->request(handles.reader, caf::infinite, time_atom_v, view.queue, keep_after, view.applied)
    .then(
      [raise](const time_found& found) {
        if (found.row) raise(found.row->base);
      },
      [](const caf::error& why) {
        logging::warning("topic", "retention: " + from_caf(why).message());
      });
}

/// Dead letters get younger when they are written again: shards go by when they died.
void limit_letters(self_pointer self, unix_ms keep_after) {
  auto& s = self->state;
  if (!core::is_dead_letters(s.record.name)) return;
  for (const auto& place : s.record.queues)
    if (const auto at = s.shards.find(place.shard); at != s.shards.end())
      self->send(at->second.shard, graves_atom_v, place.queue, keep_after);
}

void retain(self_pointer self) {
  auto& s = self->state;
  const auto now = s.clocks->wall().value;
  const auto age = std::min(s.record.settings.retention_ms, static_cast<std::uint64_t>(now));
  const unix_ms keep_after{now - static_cast<std::int64_t>(age)};
  limit_letters(self, keep_after);
  query_queues(self, s.shards, s.record.queues,
               [self, keep_after](const result<std::vector<queue_view>>& views) {
                 if (!views) return; // The shard's end is reported where it is handled.
                 for (const auto& view : *views)
                   if (view.start < view.next) raise_start(self, view, keep_after);
               });
}

void arm(self_pointer self, std::chrono::milliseconds in) {
  auto& s = self->state;
  if (s.ticking || s.record.settings.retention_ms == 0) return;
  s.ticking = true;
  self->delayed_send(self, in, tick_atom_v);
}

} // namespace

topic_actor::behavior_type topic(self_pointer self, topic_record record, shard_table shards,
                                 std::shared_ptr<const clock> clocks,
                                 std::shared_ptr<const quota_board> quotas) {
  auto& s = self->state;
  s.record = std::move(record);
  s.shards = std::move(shards);
  s.clocks = std::move(clocks);
  s.quotas = std::move(quotas);
  // A queue that died (its shard refused it) is made anew by the next reader.
  self->set_down_handler([self](const caf::down_msg& down) {
    std::erase_if(self->state.queues,
                  [&](const auto& entry) { return entry.second.address() == down.source; });
  });
  self->set_exit_handler([self](caf::exit_msg& why) {
    for (const auto& [id, actor] : self->state.queues) self->send_exit(actor, why.reason);
    self->quit(std::move(why.reason));
  });
  arm(self, std::chrono::milliseconds{0});
  return {
    [self](activate_atom, queue_id id) { return on_activate(self, id); },
    [self](describe_atom) { return on_describe(self); },
    [self](alter_atom, const topic_record& changed, const shard_table& more) {
      self->state.record = changed;
      self->state.shards = more;
      for (const auto& [id, actor] : self->state.queues)
        self->send(actor, alter_atom_v, expiry_of(changed));
      if (changed.settings.retention_ms == 0) limit_letters(self, unix_ms{0});
      arm(self, retention_every);
    },
    [self](remove_atom) { self->state.owed.end(self); },
    [self](tick_atom) {
      self->state.ticking = false;
      if (self->state.record.settings.retention_ms != 0) retain(self);
      arm(self, retention_every);
    },
  };
}

} // namespace carafe
