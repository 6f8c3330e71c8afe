#include "actors/timers.hpp"

#include "actors/core/timer_batches.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/timer_store.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace carafe {

namespace {

using self_pointer = timers_pointer;

/// What becomes due within this while is delivered together.
constexpr std::uint64_t gather_ms = 5;
/// The longest time between two looks.
constexpr std::uint64_t look_ms = 10'000;
constexpr std::uint64_t retry_ms = 200;
/// Of messages delivered as one batch.
constexpr std::size_t batch_rows_max = 1'024;
constexpr std::uint64_t batch_bytes_max = 512u << 10;
/// Of changes written into the index at once: each may dirty a page.
constexpr std::size_t flush_rows_max = 2'048;
constexpr std::uint64_t flush_bytes_max = 8u << 20;

mono_ms later(mono_ms at, std::uint64_t ms) { return mono_ms{at.value + ms}; }

void fail(self_pointer self, const failure& why) {
  logging::error("timers", why.message());
  self->quit(to_caf(why));
}

// -- time -----------------------------------------------------------------------------------------

/// Looks again in `ms`, or before.
void look_in(self_pointer self, std::uint64_t ms) {
  auto& s = self->state;
  const auto at = later(s.clocks->monotonic(), ms);
  if (s.tick_at && *s.tick_at <= at) return;
  s.tick_at = at;
  self->delayed_send(self, std::chrono::milliseconds{ms}, tick_atom_v);
}

void pump(self_pointer self);

std::vector<timer_key> keys_of(std::span<const core::timer_ptr> rows) {
  std::vector<timer_key> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(row->at);
  return out;
}

void refused(self_pointer self, const std::vector<timer_key>& which, const failure& why) {
  auto& s = self->state;
  s.core.release(which);
  if (why.code == errc::queue_unknown) { // Deleted: its messages are gone with it.
    for (const auto& at : which) s.core.ended(at);
    return;
  }
  s.not_before = later(s.clocks->monotonic(), retry_ms);
  look_in(self, retry_ms);
}

void write(self_pointer self, effect_list wish, std::vector<timer_key> which) {
  self->request(self->state.shard, caf::infinite, write_atom_v, std::move(wish))
    .then([](entry_index) {}, // That they have ended comes with the log's news.
          [self, which](const caf::error& why) { refused(self, which, from_caf(why)); });
}

/// What cannot be read can never be delivered, and must not stop the others.
void drop(self_pointer self, const core::timer_ptr& row, const failure& why) {
  logging::error("timers", "message for later " + std::to_string(row->at.number) + " of queue " +
                             std::to_string(row->at.queue.value) + " is dropped: " + why.message());
  effect_list wish;
  wish.effects.emplace_back(
    effects::timers_ended{row->at.queue, effects::timers_ended::reason::dropped, {row->at}});
  write(self, std::move(wish), {row->at});
}

/// As many as go into one batch.
std::span<const core::timer_ptr> batch_of(std::span<const core::timer_ptr> rows) {
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  while (count < rows.size() && count < batch_rows_max && bytes < batch_bytes_max)
    bytes += rows[count++]->batch.size();
  return rows.first(count);
}

void deliver(self_pointer self, const core::timer_core::fire& what) {
  std::span<const core::timer_ptr> rows{what.rows};
  while (!rows.empty()) {
    auto joined = core::join_timers(batch_of(rows), self->state.options.limits);
    if (!joined) {
      drop(self, rows.front(), joined.error());
      rows = rows.subspan(1);
      continue;
    }
    const auto taken = rows.first(joined->taken);
    rows = rows.subspan(joined->taken);
    effects::batch batch;
    batch.queue = what.queue;
    batch.count = joined->batch.count;
    batch.producer = no_producer;
    batch.compression = joined->batch.compression;
    batch.checksum = joined->batch.checksum;
    batch.bytes = std::move(joined->batch.bytes);
    batch.ranked = joined->batch.ranked;
    effect_list wish;
    wish.effects.emplace_back(std::move(batch));
    wish.effects.emplace_back(
      effects::timers_ended{what.queue, effects::timers_ended::reason::fired, keys_of(taken)});
    write(self, std::move(wish), keys_of(taken));
  }
}

void load_more(self_pointer self) {
  auto& s = self->state;
  const auto wish = s.core.wants(s.clocks->wall());
  if (!wish) return;
  self->request(s.store, caf::infinite, load_atom_v, *wish)
    .then(
      [self](timer_rows& found) {
        self->state.core.loaded(std::move(found.rows), found.whole);
        pump(self);
      },
      [self](const caf::error& why) { fail(self, from_caf(why)); });
}

/// Delivers what is due, reads ahead, and looks again when there is something to do.
void pump(self_pointer self) {
  auto& s = self->state;
  load_more(self);
  const auto now = s.clocks->monotonic();
  const auto next_round = std::max(later(s.fired_at, gather_ms), s.not_before);
  if (now >= next_round) {
    s.fired_at = now;
    for (const auto& each : s.core.due(s.clocks->wall())) deliver(self, each);
  }
  auto wait = look_ms;
  if (const auto next = s.core.next(s.clocks->wall())) {
    const auto left = std::max<std::int64_t>(next->value - s.clocks->wall().value, 0);
    wait = std::min(wait, static_cast<std::uint64_t>(left));
  }
  if (next_round > now) wait = std::max(wait, next_round.value - now.value);
  look_in(self, std::max<std::uint64_t>(wait, 1));
}

// -- the log's news -------------------------------------------------------------------------------

result<void> learn(timers_state& s, const core::timer_news& news, bool replayed) {
  if (const auto* batch = std::get_if<effects::batch>(&news.what)) {
    auto rows = core::split_timers(*batch, news.stored, s.options.limits);
    if (!rows) return rows.error();
    for (auto& row : *rows) s.core.armed(std::move(row), !replayed);
  } else if (const auto* ended = std::get_if<effects::timers_ended>(&news.what)) {
    for (const auto& at : ended->which) s.core.ended(at);
  } else if (const auto* moved = std::get_if<effects::timer_moved>(&news.what)) {
    s.core.ended({moved->from, moved->row.at.queue, moved->row.at.number});
    s.core.armed(std::make_shared<const timer_record>(moved->row), false);
  }
  return {};
}

// -- the index ------------------------------------------------------------------------------------

/// Writes the changes from `begin` on, part by part.
void flush_from(self_pointer self, const timer_key& begin,
                caf::typed_response_promise<caf::ok_atom> promise) {
  auto& s = self->state;
  const auto& changes = s.core.flushing().all();
  timer_flush part;
  std::uint64_t bytes = 0;
  auto at = changes.lower_bound(begin);
  for (; at != changes.end() && part.put.size() + part.ended.size() < flush_rows_max &&
         bytes < flush_bytes_max;
       ++at) {
    if (!at->second.row) {
      part.ended.push_back(at->first);
      continue;
    }
    part.put.push_back(at->second.row);
    bytes += at->second.row->batch.size();
  }
  if (part.put.empty() && part.ended.empty()) {
    s.core.flushed();
    promise.deliver(caf::ok_atom::value);
    return;
  }
  const auto rest = at == changes.end() ? std::nullopt : std::optional{at->first};
  self->request(s.store, caf::infinite, save_atom_v, std::move(part))
    .then(
      [self, rest, promise](caf::ok_atom) mutable {
        if (rest) return flush_from(self, *rest, std::move(promise));
        self->state.core.flushed();
        promise.deliver(caf::ok_atom::value);
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
}

} // namespace

timers_actor::behavior_type timers(self_pointer self, shard_actor shard,
                                   std::shared_ptr<const clock> clocks, timers_options options) {
  auto& s = self->state;
  s.shard = std::move(shard);
  s.clocks = std::move(clocks);
  s.options = std::move(options);
  s.store =
    s.options.own_threads
      ? self->spawn<caf::detached + caf::linked>(timer_store, s.options.folder, s.options.runs)
      : self->spawn<caf::linked>(timer_store, s.options.folder, s.options.runs);
  look_in(self, 1);
  return {
    [self](news_atom, const timer_news_list& list) {
      for (const auto& news : list.news)
        if (auto ok = learn(self->state, news, list.replayed); !ok) return fail(self, ok.error());
      pump(self);
    },
    [self](cut_atom) { self->state.core.cut(); },
    [self](save_atom) -> caf::result<caf::ok_atom> {
      auto promise = self->make_response_promise<caf::ok_atom>();
      flush_from(self, timer_key{unix_ms{std::numeric_limits<std::int64_t>::min()}, {}, 0},
                 promise);
      return promise;
    },
    [self](close_atom, const timer_selection& which) { return cancel_timers(self, which); },
    [self](move_atom, const timer_selection& which, std::int64_t deliver_at) {
      return move_timers(self, which, deliver_at);
    },
    [self](list_atom, const timer_page& page) { return list_timers(self, page); },
    [self](find_atom, const timer_selection& which) { return find_timers(self, which); },
    [self](backup_atom) { return self->delegate(self->state.store, backup_atom_v); },
    [self](tick_atom) {
      self->state.tick_at.reset();
      pump(self);
    },
  };
}

} // namespace carafe
