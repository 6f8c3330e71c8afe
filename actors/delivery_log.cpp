#include "actors/core/delivery_entry.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <algorithm>
#include <optional>
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
  burials_ended(self, std::nullopt, why);
  self->state.owed.end(self);
  maybe_ended(self);
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
        maybe_ended(self);
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

std::function<void(const failure&)> when_all(std::size_t count,
                                             std::function<void(const failure&)> then) {
  auto open = std::make_shared<std::pair<std::size_t, failure>>(count, errc::none);
  return [then = std::move(then), open](const failure& part) {
    if (part.code != errc::none) open->second = part;
    if (--open->first == 0) then(open->second);
  };
}

void when_all_written(delivery_pointer self, const std::set<shard_id>& shards,
                      std::function<void(const failure&)> then) {
  const auto written = when_all(shards.size() + 1, std::move(then));
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

} // namespace carafe
