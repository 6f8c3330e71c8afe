#include "actors/core/delivery_batches.hpp"
#include "actors/core/delivery_entry.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

/// What need not be written at once gathers for so long.
constexpr auto gather_for = std::chrono::milliseconds{100};
constexpr auto write_again_after = std::chrono::milliseconds{200};

void send_held(delivery_pointer self, const delivery_state::chunk& what) {
  auto& s = self->state;
  for (const auto& [member, number, out] : what.held)
    if (auto to = s.members.find(member);
        to != s.members.end() &&
        s.core->in_force(out.what.queue, out.what.ranges.front().first, number))
      self->send(to->second.session, leased_atom_v, to->second.reader, out);
}

using chunk_ptr = std::shared_ptr<delivery_state::chunk>;

void settle_all(const delivery_state::chunk& what, const failure& why) {
  for (const auto& done : what.done) done(why);
}

/// What the log has is what counts: the actor that is made next begins from there.
void give_up(delivery_pointer self, const delivery_state::chunk& what, const failure& why) {
  logging::error("delivery", self->state.record.name + ": " + why.message());
  settle_all(what, why);
  for (auto& [shard, box] : self->state.outboxes) settle_all(std::exchange(box.gathering, {}), why);
  self->state.owed.end(self);
}

/// In front of what has gathered since.
void put_back(delivery_state::chunk& gathering, const delivery_state::chunk& what) {
  const auto prepend = [](auto& to, const auto& from) {
    to.insert(to.begin(), from.begin(), from.end());
  };
  prepend(gathering.wish.effects, what.wish.effects);
  prepend(gathering.done, what.done);
  prepend(gathering.held, what.held);
}

void write_chunk(delivery_pointer self, shard_id shard, const chunk_ptr& what) {
  self->request(self->state.shards.at(shard).shard, caf::infinite, write_atom_v, what->wish)
    .then(
      [self, shard, what](entry_index) {
        self->state.outboxes[shard].writing = false;
        send_held(self, *what);
        settle_all(*what, failure{errc::none});
        flush(self, shard);
      },
      [self, shard, what](const caf::error& error) {
        const auto why = from_caf(error);
        auto& box = self->state.outboxes[shard];
        box.writing = false;
        if (!is_retriable(why.code)) return give_up(self, *what, why);
        put_back(box.gathering, *what);
        box.armed = true;
        self->delayed_send(self, write_again_after, flushed_atom_v, shard);
      });
}

void flush_soon(delivery_pointer self, shard_id shard) {
  auto& box = self->state.outboxes[shard];
  if (!box.writing && !std::exchange(box.soon, true)) self->send(self, flushed_atom_v, shard);
}

} // namespace

void write(delivery_pointer self, queue_id queue, effects::effect what, bool at_once) {
  auto& s = self->state;
  const auto shard = s.queues.at(queue).shard;
  auto& box = s.outboxes[shard];
  box.gathering.wish.effects.push_back(std::move(what));
  if (at_once) return flush_soon(self, shard); // With everything else of this event.
  if (box.writing || std::exchange(box.armed, true)) return;
  self->delayed_send(self, gather_for, flushed_atom_v, shard);
}

void when_written(delivery_pointer self, shard_id shard, std::function<void(const failure&)> then) {
  auto& box = self->state.outboxes[shard];
  if (box.gathering.wish.effects.empty() && !box.writing) return then(failure{errc::none});
  box.gathering.done.push_back(std::move(then));
  flush_soon(self, shard);
}

void when_all_written(delivery_pointer self, const std::set<shard_id>& shards,
                      std::function<void(const failure&)> then) {
  auto open = std::make_shared<std::pair<std::size_t, failure>>(shards.size() + 1, errc::none);
  const auto written = [then = std::move(then), open](const failure& part) {
    if (part.code != errc::none) open->second = part;
    if (--open->first == 0) then(open->second);
  };
  for (const auto shard : shards) when_written(self, shard, written);
  written(failure{errc::none});
}

void flush(delivery_pointer self, shard_id shard) {
  auto& box = self->state.outboxes[shard];
  if (box.writing || box.armed) return;
  auto& next = box.gathering;
  if (next.wish.effects.empty()) return settle_all(std::exchange(next, {}), failure{errc::none});
  auto what = std::make_shared<delivery_state::chunk>();
  const auto count = core::next_entry(next.wish.effects);
  if (count == next.wish.effects.size()) {
    *what = std::exchange(next, {});
  } else {
    // Who waits, waits for the last of them.
    const auto cut = next.wish.effects.begin() + static_cast<std::ptrdiff_t>(count);
    what->wish.effects.assign(next.wish.effects.begin(), cut);
    next.wish.effects.erase(next.wish.effects.begin(), cut);
  }
  box.writing = true;
  write_chunk(self, shard, what);
}

void maybe_removed(delivery_pointer self) {
  auto& s = self->state;
  if (!s.removal || s.burying > 0) return;
  for (const auto& [shard, box] : s.outboxes)
    if (box.writing || !box.gathering.wish.effects.empty()) return;
  std::exchange(s.removal, {})(caf::ok_atom::value);
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

} // namespace

void bury(delivery_pointer self, const delivery_state::errand& what,
          const core::delivery_batch_ptr& batch) {
  auto& s = self->state;
  const auto queue = s.queues.find(what.queue);
  if (queue == s.queues.end() || s.removed) return;
  effect_list wish;
  if (batch) {
    const auto grave = grave_in(s, queue->second.shard);
    if (!grave) return make_graves(self, what, batch);
    auto letter = core::make_dead_letter(*batch, *what.dead,
                                         {s.record.name, queue->second.topic, queue->second.number},
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
  } // Otherwise retention has passed the message, and with it what could be kept.
  using reason = effects::settled::reason;
  wish.effects.emplace_back(effects::settled{
    s.record.group, what.queue, {{what.at, 1}}, batch ? reason::dead : reason::gone});
  ++s.burying;
  self->request(s.shards.at(queue->second.shard).shard, caf::infinite, write_atom_v, wish)
    .then(
      [self, what](entry_index) {
        --self->state.burying;
        carry_out(self, self->state.core->buried(what.queue, what.at, now(self)));
        maybe_removed(self);
      },
      [self, what](const caf::error& error) {
        --self->state.burying;
        maybe_removed(self);
        const auto why = from_caf(error);
        if (why.code == errc::queue_unknown) self->state.graves.reset();
        put_off(self, what, why);
      });
}

} // namespace carafe
