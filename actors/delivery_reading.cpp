#include "actors/core/delivery_batches.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <limits>
#include <string>

namespace carafe {

std::uint64_t ttl_of(const delivery_state& s, queue_id queue) {
  const auto known = s.queues.find(queue);
  if (known == s.queues.end()) return 0;
  const auto topic = s.topics.find(known->second.topic);
  return topic == s.topics.end() ? 0 : topic->second.settings.default_ttl_ms;
}

void read_batch(delivery_pointer self, shard_id shard, queue_id queue, offset at,
                std::function<void(result<core::delivery_batch_ptr>)> then) {
  constexpr entry_index everything{std::numeric_limits<std::uint64_t>::max()};
  const read_request wish{queue, at, everything, 1, {}};
  self->request(self->state.shards.at(shard).reader, caf::infinite, read_atom_v, wish)
    .then(
      [self, queue, at, then](const read_reply& reply) {
        for (const auto& found : reply.batches)
          if (found.holds(at))
            return then(core::make_delivery_batch(found.batch, found.time, false, std::nullopt,
                                                  ttl_of(self->state, queue),
                                                  self->state.options.limits));
        then(core::delivery_batch_ptr{}); // Retention has passed it.
      },
      [then](const caf::error& why) { then(from_caf(why)); });
}

void learn_copies(delivery_pointer self, shard_id shard, std::function<void(const failure&)> then) {
  self
    ->request(self->state.shards.at(shard).shard, caf::infinite, progress_atom_v,
              self->state.record.group)
    .then(
      [self, then](const progress_rows& all) {
        for (const auto& rows : all.rows)
          for (const auto& row : rows.waiting)
            if (row.letter_queue.value != 0) self->state.core->kept(rows.queue, row);
        then(failure{errc::none});
      },
      [then](const caf::error& why) { then(from_caf(why)); });
}

namespace {

/// What was read is lent, or buried; what nothing is left of is done.
void go_on_with(delivery_pointer self, const delivery_state::errand& what,
                const result<core::delivery_batch_ptr>& batch) {
  auto& s = self->state;
  if (s.ended) return;
  if (!batch) return put_off(self, what, batch.error());
  if (!*batch && !what.asked)
    if (const auto queue = s.queues.find(what.queue); queue != s.queues.end())
      return learn_copies(self, queue->second.shard, [self, what](const failure& why) {
        if (why.code != errc::none) return put_off(self, what, why);
        auto again = what;
        again.asked = true;
        run(self, again);
      });
  const auto queue = s.queues.find(what.queue);
  if (!*batch && queue != s.queues.end())
    logging::warning("delivery", s.record.name + ": message " + std::to_string(what.at.value) +
                                   " of queue " + std::to_string(queue->second.number.value) +
                                   " of " + queue->second.topic +
                                   " is not there any more, nor a copy of it; it counts as done");
  if (what.dead)
    bury(self, what, *batch);
  else
    carry_out(self, s.core->looked(what.queue, what.at, *batch, now(self)));
}

} // namespace

void run(delivery_pointer self, const delivery_state::errand& what) {
  auto& s = self->state;
  const auto queue = s.queues.find(what.queue);
  if (queue == s.queues.end() || !queue->second.known || queue->second.resetting) return;
  // What was redriven lies where its letter is.
  waiting_record row;
  const auto& rows = s.core->queues().at(what.queue).progress.waiting();
  if (auto found = rows.find(what.at); found != rows.end()) row = found->second;
  const auto shard = queue->second.shard;
  const auto read_source = [self, what, shard] {
    read_batch(self, shard, what.queue, what.at,
               [self, what](const result<core::delivery_batch_ptr>& batch) {
                 go_on_with(self, what, batch);
               });
  };
  if (row.letter_queue.value == 0) return read_source();
  read_batch(self, shard, row.letter_queue, row.letter,
             [self, what, row, read_source](result<core::delivery_batch_ptr> batch) {
               if (batch && !*batch) return read_source(); // Its letter is gone.
               const auto& state = self->state;
               const auto& limits = state.options.limits;
               if (batch)
                 batch = core::revive_letter(**batch, row, ttl_of(state, what.queue), limits);
               // Copied before anybody had looked whether the group wants it.
               if (const bool unread = row.stored.value != 0 && row.attempts == 0 && !what.dead;
                   batch && unread && !state.ended) {
                 const auto passes = core::first_passes(**batch, state.wanted, limits);
                 if (passes && !*passes)
                   return carry_out(self,
                                    self->state.core->looked(what.queue, what.at, {}, now(self),
                                                             effects::settled::reason::filtered));
               }
               go_on_with(self, what, batch);
             });
}

} // namespace carafe
