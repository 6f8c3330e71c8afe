#include "actors/core/kept_copies.hpp"
#include "actors/error_bridge.hpp"
#include "actors/shard.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

// -- what there is room for -----------------------------------------------------------------------

/// What consumers did, and what is dealt with.
bool is_progress(const effects::effect& effect) {
  return std::holds_alternative<effects::commit>(effect) ||
         std::holds_alternative<effects::settled>(effect) ||
         std::holds_alternative<effects::lent>(effect) ||
         std::holds_alternative<effects::returned>(effect) ||
         std::holds_alternative<effects::waiting>(effect) ||
         std::holds_alternative<effects::kept>(effect) ||
         std::holds_alternative<effects::schedule_fired>(effect);
}

/// So that what it is of may be dropped.
bool is_copy(const effects::effect& effect, const effect_list& wish) {
  const auto* batch = std::get_if<effects::batch>(&effect);
  if (batch == nullptr) return false;
  return batch->queue == kept_messages || core::moves_letters(wish.effects);
}

/// Frees space, or follows from what was written already: written while the log takes anything.
/// @param follows Not of shard 0, where things are decided.
bool is_freeing(const core::shard_state& state, const effects::effect& effect, bool follows) {
  if (const auto* topic = std::get_if<effects::topic_put>(&effect))
    return state.topics().contains(topic->topic.topic); // Its retention may be shorter now.
  if (const auto* producer = std::get_if<effects::producer_put>(&effect))
    return producer->forgotten || follows;
  return !is_progress(effect) && !std::holds_alternative<effects::group_put>(effect) &&
         !std::holds_alternative<effects::timer_moved>(effect) &&
         !std::holds_alternative<effects::tx_prepared>(effect) &&
         !std::holds_alternative<effects::schedule_put>(effect) &&
         !std::holds_alternative<effects::batch>(effect);
}

/// Consumers' progress is written longer than new names are.
bool has_room(const shard_state_data& s, const effect_list& wish) {
  if (s.room == storage::log_room::everything) return true;
  const bool commits = s.room == storage::log_room::no_batches;
  const bool follows = s.replica->options().shard != shard_id{0};
  return std::ranges::all_of(wish.effects, [&](const effects::effect& effect) {
    return is_freeing(s.replica->state(), effect, follows) ||
           (commits && (is_progress(effect) || is_copy(effect, wish)));
  });
}

// -- what is right --------------------------------------------------------------------------------

/// Whether the letter is still open, as far as what is applied tells.
result<void> check_letter(const shard_state_data& s, const effect_list::letter_place& letter) {
  const auto& state = s.replica->state();
  const failure gone{errc::not_found, "the dead letter was dealt with, or written again, just now"};
  const auto* queue = state.queue(letter.queue);
  if (queue == nullptr || letter.at < queue->start || letter.at >= queue->next) return gone;
  const core::progress_key key{letter.group, letter.queue};
  if (const auto* delivery = state.delivery(key); delivery != nullptr) {
    if (delivery->finished(letter.at)) return gone;
  } else if (const auto* progress = state.progress(key); progress && letter.at < progress->next) {
    return gone;
  }
  const auto touched = s.letters.find(letter.queue);
  if (touched != s.letters.end() && s.replica->applied() < touched->second.given_up)
    return {errc::too_many_requests, "its topic's own limit passes dead letters just now"};
  return {};
}

/// Commits of groups are checked here, where the queue's end is known.
result<void> check(const shard_state_data& s, const effect_list& wish) {
  const auto& state = s.replica->state();
  for (const auto& effect : wish.effects) {
    const auto* commit = std::get_if<effects::commit>(&effect);
    if (commit == nullptr) continue;
    const auto* queue = state.queue(commit->queue);
    if (queue == nullptr)
      return {errc::queue_unknown, "queue " + std::to_string(commit->queue.value)};
    if (commit->next > queue->next)
      return {errc::commit_out_of_range, "offset " + std::to_string(commit->next.value) +
                                           " is past the end, " +
                                           std::to_string(queue->next.value)};
  }
  for (const auto queue : wish.keyless)
    if (const auto* record = state.queue(queue); record && record->compacted)
      return {errc::key_required, "a message without a key in a compacted topic"};
  if (wish.letter) return check_letter(s, *wish.letter);
  return {};
}

// -- dead letters ---------------------------------------------------------------------------------

bool concerns_letters(const effect_list& wish, queue_id queue) {
  if (wish.letter && wish.letter->queue == queue) return true;
  return std::ranges::any_of(wish.effects, [queue](const effects::effect& effect) {
    const auto* start = std::get_if<effects::queue_start>(&effect);
    return start != nullptr && start->queue == queue;
  });
}

/// A topic's own limit goes for dead letters that nobody has dealt with, too: they end first.
/// @returns The queue in which some do.
std::optional<queue_id> give_up_letters(const core::shard_state& state, effect_list& wish) {
  for (const auto& effect : wish.effects) {
    const auto* start = std::get_if<effects::queue_start>(&effect);
    if (start == nullptr) continue;
    const auto group = state.group_of_letters(start->queue);
    if (!group) continue;
    const auto queue = start->queue;
    const auto next = state.delivery({*group, queue})->next();
    if (next >= start->start) continue;
    effects::settled ends{*group, queue, {{next, start->start.value - next.value}}};
    ends.why = effects::settled::reason::gone;
    wish.effects.insert(wish.effects.begin(), std::move(ends));
    return queue;
  }
  return std::nullopt;
}

} // namespace

void write_effects(shard_pointer self, effect_list wish,
                   caf::typed_response_promise<entry_index> promise) {
  auto& s = self->state;
  if (s.moving_letters && concerns_letters(wish, *s.moving_letters)) {
    s.after_moving.emplace_back(std::move(wish), std::move(promise));
    return;
  }
  auto ok = check(s, wish);
  if (ok && !has_room(s, wish)) ok = no_room(s.room);
  if (!ok) {
    promise.deliver(to_caf(ok.error()));
    return;
  }
  const auto given_up = give_up_letters(s.replica->state(), wish);
  std::vector<effects::queue_start> sparing;
  for (const auto& effect : wish.effects)
    if (const auto* start = std::get_if<effects::queue_start>(&effect); start && start->sparing)
      sparing.push_back(*start);
  auto index =
    s.replica->submit_effects(std::move(wish.effects), s.clocks->wall(), s.clocks->monotonic());
  if (!index) {
    promise.deliver(to_caf(index.error()));
    return;
  }
  if (wish.letter) s.letters[wish.letter->queue].dealt_with = *index;
  if (given_up) s.letters[*given_up].dealt_with = s.letters[*given_up].given_up = *index;
  auto& waiters = s.waiting[*index];
  waiters.submitted_us = s.clocks->monotonic_us();
  waiters.effects.push_back(promise);
  pump_writes(self);
  for (const auto& start : sparing)
    if (!s.replica->state().held(start.queue, start.start, 1).empty())
      spare_waiting(self, start.queue, start.start);
}

void limit_letters(shard_pointer self, queue_id queue, unix_ms keep_after) {
  auto& s = self->state;
  std::erase_if(s.letters,
                [&](const auto& each) { return s.replica->state().queue(each.first) == nullptr; });
  if (s.replica->state().queue(queue) != nullptr) s.letters[queue].keep_after = keep_after;
}

} // namespace carafe
