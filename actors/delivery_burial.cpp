#include "actors/core/delivery_batches.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"

#include <optional>
#include <utility>

namespace carafe {

void when_buried(delivery_pointer self, queue_id queue, offset at,
                 std::function<void(const failure&)> then) {
  self->state.burials[{queue, at}].push_back(std::move(then));
}

void burial_ended(delivery_pointer self, const delivery_state::errand& what, const failure& why) {
  auto waiting = self->state.burials.extract({what.queue, what.at});
  if (waiting.empty()) return;
  for (const auto& each : waiting.mapped()) each(why);
}

void burials_ended(delivery_pointer self, std::optional<queue_id> queue, const failure& why) {
  auto& all = self->state.burials;
  const auto from = queue ? all.lower_bound({*queue, offset{0}}) : all.begin();
  auto to = from;
  while (to != all.end() && (!queue || to->first.first == *queue)) ++to;
  std::map<delivery_state::burial_place, delivery_state::told_later> ended;
  for (auto at = from; at != to;) ended.insert(all.extract(at++));
  for (const auto& [place, waiting] : ended)
    for (const auto& each : waiting) each(why);
}

namespace {

/// The queue for dead letters in this shard; nothing if there is none yet.
std::optional<queue_id> grave_in(const delivery_state& s, shard_id shard) {
  if (!s.graves) return std::nullopt;
  for (const auto& place : s.graves->queues)
    if (place.shard == shard) return place.queue;
  return std::nullopt;
}

void make_graves(delivery_pointer self, const delivery_state::errand& what,
                 const core::delivery_batch_ptr& batch) {
  self->request(self->state.catalogue, caf::infinite, graves_atom_v, self->state.record.name)
    .then(
      [self, what, batch](const topic_record& topic) {
        self->state.graves = topic;
        const auto queue = self->state.queues.find(what.queue);
        if (queue != self->state.queues.end() && grave_in(self->state, queue->second.shard))
          bury(self, what, batch);
        else
          put_off(self, what, {errc::queue_unknown, "no queue for them in the shard"});
      },
      [self, what](const caf::error& why) { put_off(self, what, from_caf(why)); });
}

void write_letter(delivery_pointer self, const delivery_state::errand& what,
                  const core::delivery_batch_ptr& batch);

} // namespace

/// After what has gathered for the log: that may say to whom the message was lent.
void bury(delivery_pointer self, const delivery_state::errand& what,
          const core::delivery_batch_ptr& batch) {
  const auto& queues = self->state.queues;
  const auto queue = queues.find(what.queue);
  if (queue == queues.end() || self->state.ended) return;
  when_written(self, queue->second.shard, [self, what, batch](const failure& why) {
    if (why.code == errc::none)
      write_letter(self, what, batch);
    else
      put_off(self, what, why);
  });
}

namespace {

void write_letter(delivery_pointer self, const delivery_state::errand& what,
                  const core::delivery_batch_ptr& batch) {
  auto& s = self->state;
  const auto queue = s.queues.find(what.queue);
  if (queue == s.queues.end() || s.ended) return;
  effect_list wish;
  std::optional<queue_id> dug;
  if (batch) {
    const auto grave = grave_in(s, queue->second.shard);
    if (!grave) return make_graves(self, what, batch);
    auto letter = core::make_dead_letter(
      *batch, *what.dead, {s.record.name, queue->second.topic, queue->second.number, what.queue},
      s.options.limits);
    if (!letter) return put_off(self, what, letter.error());
    effects::batch out;
    out.queue = *grave;
    out.count = letter->count;
    out.producer = no_producer;
    out.compression = letter->compression;
    out.checksum = letter->checksum;
    out.bytes = letter->bytes;
    wish.effects.emplace_back(std::move(out));
    if (!s.own_graves.contains(*grave))
      wish.effects.emplace_back(
        effects::kept{s.record.group, *grave, effects::kept::all_letters, {}});
    dug = grave;
  } // Otherwise retention has passed the message, and with it what could be kept.
  using reason = effects::settled::reason;
  wish.effects.emplace_back(effects::settled{
    s.record.group, what.queue, {{what.at, 1}}, batch ? reason::dead : reason::gone});
  ++s.writing_apart;
  self->request(s.shards.at(queue->second.shard).shard, caf::infinite, write_atom_v, wish)
    .then(
      [self, what, dug](entry_index) {
        --self->state.writing_apart;
        if (dug) self->state.own_graves.insert(*dug);
        carry_out(self, self->state.core->buried(what.queue, what.at, now(self)));
        burial_ended(self, what, failure{errc::none});
        maybe_ended(self);
      },
      [self, what](const caf::error& error) {
        --self->state.writing_apart;
        const auto why = from_caf(error);
        if (why.code == errc::queue_unknown) {
          self->state.graves.reset();
          self->state.own_graves.clear();
        }
        put_off(self, what, why);
        maybe_ended(self);
      });
}

} // namespace

} // namespace carafe
