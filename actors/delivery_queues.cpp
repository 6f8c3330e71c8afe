#include "actors/core/delivery_batches.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <algorithm>
#include <string>

namespace carafe {

namespace {

constexpr auto again_after = std::chrono::milliseconds{500};
/// What cannot be read now may be mended by somebody.
constexpr auto unreadable_again_after = std::chrono::milliseconds{5'000};

void again(delivery_pointer self, queue_id queue, std::chrono::milliseconds after) {
  self->delayed_send(self, after, subscribe_atom_v, queue);
}

/// One attempt to read a queue.
struct attempt {
  queue_id queue;
  std::uint64_t number = 0;
};

/// The queue, if it is still the group's and this opening of it is not overtaken.
delivery_state::queue* opening(delivery_pointer self, attempt of) {
  auto at = self->state.queues.find(of.queue);
  return at != self->state.queues.end() && at->second.opening == of.number ? &at->second : nullptr;
}

void failed(delivery_pointer self, attempt of, const failure& why) {
  auto* queue = opening(self, of);
  if (queue == nullptr) return;
  const auto id = of.queue;
  queue->opening = 0;
  if (!is_retriable(why.code))
    logging::warning("delivery", self->state.record.name + ", queue " + std::to_string(id.value) +
                                   ": " + why.message());
  again(self, id, is_retriable(why.code) ? again_after : unreadable_again_after);
}

/// Everything that retention took is known: now its messages may come.
void begin(delivery_pointer self, queue_id id, offset earliest) {
  auto& s = self->state;
  auto& queue = s.queues.at(id);
  queue.learning = false;
  carry_out(self, s.core->raise_start(id, earliest, now(self)));
  self->send(queue.actor, demand_atom_v, queue.reader, std::uint64_t{0});
  carry_out(self, s.core->reopened(id));
}

/// Retention has passed what was to come, and has copied what waits.
void learn_and_begin(delivery_pointer self, queue_id id, offset earliest) {
  auto& queue = self->state.queues.at(id);
  queue.learning = true;
  learn_copies(self, queue.shard, [self, id, earliest, reader = queue.reader](const failure& why) {
    const auto at = self->state.queues.find(id);
    if (at == self->state.queues.end() || at->second.reader != reader)
      return; // It ended meanwhile.
    if (why.code == errc::none) return begin(self, id, earliest);
    stop_reading(self, id);
    again(self, id, is_retriable(why.code) ? again_after : unreadable_again_after);
  });
}

core::delivery_progress progress_of(const progress_rows::row& row) {
  core::delivery_progress out{row.progress};
  for (const auto& waiting : row.waiting) out.restore(waiting);
  return out;
}

void subscribe(delivery_pointer self, attempt of, const queue_actor& actor) {
  auto& s = self->state;
  const auto id = of.queue;
  subscribe_request wish;
  wish.start = {start_position::kind::at_offset, s.core->reads_from(id), {}};
  wish.out_of_range = range_policy::earliest;
  self->request(actor, caf::infinite, subscribe_atom_v, reader_actor{delivery_actor{self}}, wish)
    .then(
      [self, of, id, actor](const reading& where) {
        auto& state = self->state;
        auto* queue = opening(self, of);
        if (queue == nullptr || queue->resetting) {
          self->send(actor, unsubscribe_atom_v, where.reader);
          return;
        }
        queue->opening = 0;
        queue->actor = actor;
        queue->reader = where.reader;
        state.readers.emplace(where.reader, id);
        state.watched.add(self, actor);
        if (where.earliest <= state.core->queues().at(id).progress.next())
          begin(self, id, where.earliest);
        else
          learn_and_begin(self, id, where.earliest);
      },
      [self, of](const caf::error& why) { failed(self, of, from_caf(why)); });
}

/// Where the group begins is what its shard says: a transaction may have acknowledged messages for
/// it before anybody came.
void read_start(delivery_pointer self, attempt of, const queue_actor& actor, shard_id shard,
                const reading& found) {
  self
    ->request(self->state.shards.at(shard).shard, caf::infinite, progress_atom_v,
              self->state.record.group)
    .then(
      [self, of, actor, found](const progress_rows& all) {
        auto* there = opening(self, of);
        if (there == nullptr) return;
        const auto row = std::ranges::find(all.rows, of.queue, &progress_rows::row::queue);
        if (row == all.rows.end()) return failed(self, of, {errc::queue_unknown, "it is closed"});
        there->known = true;
        self->state.core->add_queue(of.queue, progress_of(*row), std::max(row->end, found.end),
                                    now(self));
        subscribe(self, of, actor);
      },
      [self, of](const caf::error& why) { failed(self, of, from_caf(why)); });
}

/// Nobody has been here: the first consumer's wish says where to begin, and that is committed.
void find_start(delivery_pointer self, attempt of, const queue_actor& actor) {
  auto& s = self->state;
  const auto id = of.queue;
  const auto& first = s.members.begin()->second;
  self->request(actor, caf::infinite, resolve_atom_v, first.start, first.out_of_range)
    .then(
      [self, of, id, actor](const reading& found) {
        auto& state = self->state;
        auto* queue = opening(self, of);
        if (queue == nullptr) return;
        effect_list wish;
        using reason = effects::commit::reason;
        wish.effects.emplace_back(
          effects::commit{state.record.group, id, found.begin, reason::began});
        ++state.writing_apart;
        self
          ->request(state.shards.at(queue->shard).shard, caf::infinite, write_atom_v,
                    std::move(wish))
          .then(
            [self, of, id, actor, found](entry_index) {
              --self->state.writing_apart;
              maybe_ended(self);
              if (auto* there = opening(self, of)) read_start(self, of, actor, there->shard, found);
            },
            [self, of](const caf::error& why) {
              --self->state.writing_apart;
              maybe_ended(self);
              failed(self, of, from_caf(why));
            });
      },
      [self, of](const caf::error& why) { failed(self, of, from_caf(why)); });
}

} // namespace

void add_queues(delivery_pointer self, const topic_record& topic, const progress_rows& rows) {
  auto& s = self->state;
  auto& known = s.topics[topic.name];
  if (known.settings.default_ttl_ms != topic.settings.default_ttl_ms) s.core->read_anew();
  known = topic;
  for (std::uint32_t i = 0; i < topic.queues.size(); ++i) {
    const auto id = topic.queues[i].queue;
    auto [at, fresh] = s.queues.try_emplace(id);
    if (!fresh) continue;
    auto& queue = at->second;
    queue.topic = topic.name;
    queue.number = queue_number{i};
    queue.shard = topic.queues[i].shard;
    const auto row = std::find_if(rows.rows.begin(), rows.rows.end(),
                                  [id](const auto& r) { return r.queue == id; });
    if (row != rows.rows.end()) {
      queue.known = true;
      s.core->add_queue(id, progress_of(*row), row->end, now(self));
    }
    begin_reading(self, id);
  }
}

void remove_topic(delivery_pointer self, const topic_record& topic) {
  auto& s = self->state;
  s.topics.erase(topic.name);
  for (const auto& place : topic.queues) {
    stop_reading(self, place.queue);
    s.core->remove_queue(place.queue);
    burials_ended(self, place.queue, {errc::queue_unknown, topic.name + " was deleted"});
    s.queues.erase(place.queue);
  }
  maybe_ended(self);
}

void begin_reading(delivery_pointer self, queue_id id) {
  auto& s = self->state;
  auto at = s.queues.find(id);
  if (at == s.queues.end() || s.members.empty() || s.gone) return;
  auto& queue = at->second;
  if (queue.opening != 0 || queue.resetting || queue.reader.value != 0) return;
  queue.opening = ++s.openings;
  const attempt of{id, queue.opening};
  self->request(s.catalogue, caf::infinite, activate_atom_v, id)
    .then(
      [self, of](const queue_actor& actor) {
        auto* there = opening(self, of);
        if (there == nullptr) return;
        if (self->state.members.empty()) {
          there->opening = 0; // The next member begins anew.
          return;
        }
        if (there->known)
          subscribe(self, of, actor);
        else
          find_start(self, of, actor);
      },
      [self, of](const caf::error& why) { failed(self, of, from_caf(why)); });
}

void stop_reading(delivery_pointer self, queue_id id) {
  auto& s = self->state;
  auto at = s.queues.find(id);
  if (at == s.queues.end()) return;
  auto& queue = at->second;
  queue.opening = 0;
  if (queue.reader.value == 0) return;
  self->send(queue.actor, unsubscribe_atom_v, queue.reader);
  s.watched.remove(self, queue.actor.address());
  s.readers.erase(queue.reader);
  queue.reader = core::reader_id{0};
}

void reading_ended(delivery_pointer self, core::reader_id reader, const failure& why) {
  auto& s = self->state;
  auto at = s.readers.find(reader);
  if (at == s.readers.end()) return;
  const auto id = at->second;
  s.readers.erase(at);
  auto& queue = s.queues.at(id);
  s.watched.remove(self, queue.actor.address());
  queue.reader = core::reader_id{0};
  const bool soon = is_retriable(why.code) || why.code == errc::offset_out_of_range;
  if (!soon)
    logging::warning("delivery",
                     s.record.name + ", queue " + std::to_string(id.value) + ": " + why.message());
  again(self, id, soon ? again_after : unreadable_again_after);
}

void on_batch(delivery_pointer self, core::reader_id reader, const storage::stored_batch& batch) {
  auto& s = self->state;
  auto at = s.readers.find(reader);
  if (at == s.readers.end()) return;
  if (batch.only) {
    const auto end = batch.base + batch.count;
    const auto next = batch.only->empty() ? end : batch.batch.base;
    carry_out(self,
              s.core->passed(at->second, {batch.base, next.value - batch.base.value}, now(self)));
    if (batch.only->empty()) return;
  }
  auto made = core::make_delivery_batch(batch.batch, batch.time, s.record.mode == "keyed", s.wanted,
                                        ttl_of(s, at->second), s.options.limits);
  if (!made) { // It was checked before it was stored.
    const auto id = at->second;
    logging::error("delivery", s.record.name + ": " + made.error().message());
    stop_reading(self, id);
    again(self, id, unreadable_again_after);
    return;
  }
  carry_out(self, s.core->arrived(at->second, std::move(*made), now(self)));
}

} // namespace carafe
