#include "actors/core/kept_copies.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/shard.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace carafe {

namespace {

using letter_entries = shard_state_data::letter_entries;

/// Messages that are copied at a time, at most.
constexpr std::size_t copies_max = 1'000;
/// Of batches in which dead letters are looked for at a time.
constexpr std::uint64_t letters_bytes = 256u << 10;

void copy_next(shard_pointer self);

/// Who waited until dead letters were written again goes on.
void moved(shard_pointer self) {
  auto& s = self->state;
  s.moving_letters.reset();
  for (auto& [wish, promise] : std::exchange(s.after_moving, {}))
    write_effects(self, std::move(wish), std::move(promise));
}

/// What writing these copies takes of `copies_left`: more than they and their rows have, and that
/// twice, as what is written gives some back. So copies alone never make room for copies.
std::uint64_t cost_of(const std::vector<effects::effect>& copies) {
  constexpr std::uint64_t entry = 512, row = 256;
  std::uint64_t bytes = 0;
  for (const auto& effect : copies) {
    if (const auto* batch = std::get_if<effects::batch>(&effect))
      bytes += entry + batch->bytes.size();
    if (const auto* kept = std::get_if<effects::kept>(&effect)) bytes += kept->rows.size() * row;
  }
  return 2 * bytes;
}

/// What is left is tried again when retention comes by again.
void give_up(shard_pointer self, const failure& why) {
  logging::warning(shard_name(self), "retention waits for copies of messages: " + why.message());
  self->state.copying = false;
  self->state.sparing.clear();
}

void write_then_go_on(shard_pointer self, std::vector<effects::effect> what) {
  effect_list wish;
  wish.effects = std::move(what);
  self->request(shard_actor{self}, caf::infinite, write_atom_v, std::move(wish))
    .then(
      [self](entry_index) {
        moved(self);
        self->state.copying = false;
        copy_next(self);
      },
      [self](const caf::error& why) {
        moved(self);
        give_up(self, from_caf(why));
      });
}

/// @param held What groups wait for, of which the first was asked for.
void copy(shard_pointer self, const std::vector<core::held_message>& held,
          const read_reply& reply) {
  auto& s = self->state;
  const auto& state = s.replica->state();
  const auto at = held.front().at;
  const auto source = std::ranges::find_if(reply.batches, [at](const auto& batch) {
    return batch.base <= at && at < batch.base + batch.count;
  });
  if (source == reply.batches.end()) {
    const auto& [where, whose, message] = held.front();
    logging::warning(shard_name(self), "message " + std::to_string(message.value) + " of queue " +
                                         std::to_string(whose.queue.value) + ", which group " +
                                         std::to_string(whose.group.value) +
                                         " waits for, is not there any more; it counts as done");
    using reason = effects::settled::reason;
    return write_then_go_on(
      self, {effects::settled{whose.group, whose.queue, {{message, 1}}, reason::gone}});
  }
  const auto* there = state.queue(kept_messages);
  if (there == nullptr)
    return write_then_go_on(self, {effects::queue_opened{kept_messages, topic_id{0}}});
  const bool letters = core::is_open_letter(state, held.front());
  const auto known = letters ? s.letters[held.front().whose.queue] : letter_entries{};
  if (s.replica->applied() < known.dealt_with) { // It may be one of these.
    s.waiting.at(known.dealt_with).then.emplace_back([self] {
      self->state.copying = false;
      copy_next(self);
    });
    return;
  }
  // Nothing else is ever written to that queue, and one entry at a time.
  const auto& limits = s.options.limits;
  auto copies = letters ? core::move_letters(state, reply.batches, held, known.keep_after, limits)
                        : core::copy_held(state, *source, held, there->next, limits);
  if (!copies) return give_up(self, copies.error());
  const auto cost = cost_of(*copies);
  if (cost > s.copies_left) {
    // Much is waited for, and to copy it again and again would be all that is written.
    logging::debug(shard_name(self), "retention waits for new messages before it copies more");
    s.copying = false;
    s.sparing.clear();
    return;
  }
  s.copies_left -= cost;
  if (letters) s.moving_letters = held.front().whose.queue;
  write_then_go_on(self, std::move(*copies));
}

void raise(shard_pointer self, queue_id queue, offset start) {
  auto& s = self->state;
  const auto* record = s.replica->state().queue(queue);
  if (record == nullptr || record->start >= start) return;
  std::vector<effects::effect> wish{effects::queue_start{queue, start, true}};
  auto index = s.replica->submit_effects(std::move(wish), s.clocks->wall(), s.clocks->monotonic());
  if (index) pump_writes(self); // Otherwise retention comes by again.
}

void copy_next(shard_pointer self) {
  auto& s = self->state;
  if (s.copying || s.draining) return;
  while (!s.sparing.empty()) {
    const auto [queue, start] = *s.sparing.begin();
    const auto held = s.replica->state().held(queue, start, copies_max);
    if (held.empty()) {
      raise(self, queue, start);
      s.sparing.erase(s.sparing.begin());
      continue;
    }
    s.copying = true;
    constexpr entry_index everything{std::numeric_limits<std::uint64_t>::max()};
    const auto bytes = core::is_open_letter(s.replica->state(), held.front()) ? letters_bytes : 1;
    const read_request wish{queue, held.front().at, everything, bytes, {}};
    self->request(s.keeper, caf::infinite, read_atom_v, wish)
      .then(
        [self, queue = queue, start = start, asked = held.front().at](const read_reply& reply) {
          // Some of it may be done meanwhile.
          const auto now = self->state.replica->state().held(queue, start, copies_max);
          if (!now.empty() && now.front().at == asked) return copy(self, now, reply);
          self->state.copying = false;
          copy_next(self);
        },
        [self](const caf::error& why) { give_up(self, from_caf(why)); });
    return;
  }
}

} // namespace

bool holds_any(const core::shard_state& state, const queue_ends& ends) {
  return std::ranges::any_of(ends, [&](const auto& end) {
    return state.queue(end.first) != nullptr && !state.held(end.first, end.second, 1).empty();
  });
}

void spare_waiting(shard_pointer self, queue_id queue, offset start) {
  auto& s = self->state;
  if (s.replica->state().queue(queue) == nullptr) return;
  auto& wanted = s.sparing[queue];
  wanted = std::max(wanted, start);
  copy_next(self);
}

} // namespace carafe
