#include "actors/shard.hpp"

#include "actors/checkpoint.hpp"
#include "actors/error_bridge.hpp"
#include "actors/log_writer.hpp"
#include "actors/logging.hpp"

#include <algorithm>
#include <string>

namespace carafe {

namespace {

using self_pointer = shard_pointer;

/// One transaction of the log holds at most about so much.
constexpr std::uint64_t group_bytes_max = 4u << 20;
/// While a group is written, the next one goes to the writer only once it is as large as this:
/// until then entries gather here, because a larger group shares its sync among more of them.
/// Chosen by paired runs of synced logs.
constexpr std::uint64_t next_group_bytes_min = 1024u << 10;
constexpr std::size_t groups_out_max = 2;

/// What the timers may hold in memory: a checkpoint is taken at the first, and no more messages for
/// later are accepted at the second.
constexpr std::uint64_t timers_bytes_heavy = 4u << 20;
constexpr std::uint64_t timers_bytes_max = 8u << 20;
/// Of one message besides its bytes, about.
constexpr std::uint64_t timer_bytes = 400;

constexpr auto tick_every = std::chrono::milliseconds{1'000};

// -- applying -------------------------------------------------------------------------------------

void answer(self_pointer self, const raft::applied_entry& entry, std::uint64_t now_us) {
  auto& s = self->state;
  auto at = s.waiting.find(entry.index);
  if (at == s.waiting.end()) return;
  auto waiters = std::move(at->second);
  s.waiting.erase(at);
  s.commits.add(now_us - waiters.submitted_us);
  for (auto& promise : waiters.effects) promise.deliver(entry.index);
  for (const auto& then : waiters.then) then();
  if (waiters.appends.empty()) return;
  const auto& batch = std::get<effects::batch>(entry.effects.front());
  const bool gone = s.replica->state().queue(batch.queue) == nullptr;
  for (auto& waiter : waiters.appends) {
    if (gone)
      waiter.promise.deliver(to_caf({errc::queue_unknown, "its topic was deleted meanwhile"}));
    else
      waiter.promise.deliver(append_done{batch.base, batch.count, entry.time, s.options.mode,
                                         waiter.duplicate, batch.timed,
                                         std::move(waiter.repeated)});
  }
}

void tell_watchers(self_pointer self, const std::vector<raft::applied_entry>& applied) {
  auto& s = self->state;
  if (s.watchers.empty()) return;
  std::unordered_map<queue_id, queue_news> news;
  const auto about = [&](queue_id queue) -> queue_news* {
    return s.watchers.contains(queue) ? &news[queue] : nullptr;
  };
  for (const auto& entry : applied) {
    for (const auto& effect : entry.effects) {
      if (const auto* batch = std::get_if<effects::batch>(&effect); batch && !batch->timed) {
        if (auto* item = about(batch->queue))
          item->batches.push_back({batch->queue, batch->base, batch->count, entry.time, *batch});
      } else if (const auto* start = std::get_if<effects::queue_start>(&effect)) {
        about(start->queue);
      } else if (const auto* closed = std::get_if<effects::queue_closed>(&effect)) {
        if (auto* item = about(closed->queue)) item->closed = true;
      }
    }
  }
  for (auto& [queue, item] : news) {
    const auto* record = s.replica->state().queue(queue);
    if (record != nullptr) item.view = view_of(self, queue, *record);
    const auto watcher = s.watchers.at(queue);
    if (item.closed) s.watchers.erase(queue);
    self->send(watcher, news_atom_v, std::move(item));
  }
}

/// What is not synced now will be after the interval.
void arm_sync(self_pointer self) {
  auto& s = self->state;
  if (s.options.mode != durability::interval || s.sync_armed) return;
  s.sync_armed = true;
  self->delayed_send(self, std::chrono::milliseconds{s.options.sync_interval_ms}, sync_atom_v);
}

void on_written(self_pointer self, const write_done& done) {
  auto& s = self->state;
  --s.groups_out;
  s.syncs.add(done.sync_us);
  s.group_sizes.add(done.bytes);
  s.copies_left = std::min(s.copies_left + done.bytes, s.options.copied_bytes_max);
  auto applied = s.replica->persisted(done.last, s.clocks->monotonic());
  if (!applied) {
    fail_shard(self, applied.error());
    return;
  }
  pump_writes(self);
  const auto now_us = s.clocks->monotonic_us();
  tell_tx_watcher(self);
  for (const auto& entry : *applied) answer(self, entry, now_us);
  tell_watchers(self, *applied);
  tell_timers(self);
  arm_sync(self);
  maybe_checkpoint(self);
  maybe_finish_drain(self);
}

// -- requests -------------------------------------------------------------------------------------

/// Of a batch with messages that were stored before: told once all of them are.
caf::result<append_done> answer_repeated(self_pointer self, core::stamp_repeated&& what) {
  auto& s = self->state;
  if (what.after == entry_index{0}) {
    append_done done;
    done.repeated = std::move(what.messages);
    return done;
  }
  auto promise = self->make_response_promise<append_done>();
  s.waiting[what.after].appends.push_back({promise, true, std::move(what.messages)});
  return promise;
}

caf::result<append_done> on_append(self_pointer self, const core::batch_request& request) {
  auto& s = self->state;
  if (s.draining) return to_caf({errc::shutting_down, "the node stops"});
  if (request.timed && s.timers_bytes > timers_bytes_max)
    return to_caf(
      {errc::too_many_requests, "messages for later come faster than their index can be written"});
  auto outcome = s.replica->submit_batch(request, s.clocks->wall(), s.clocks->monotonic());
  if (!outcome) return to_caf(outcome.error());
  if (const auto* known = std::get_if<raft::replica::known>(&*outcome))
    return append_done{known->base, known->count, known->time, s.options.mode, true, request.timed};
  if (auto* repeated = std::get_if<core::stamp_repeated>(&*outcome))
    return answer_repeated(self, std::move(*repeated));
  const auto& pending = std::get<raft::replica::pending>(*outcome);
  auto promise = self->make_response_promise<append_done>();
  auto& waiters = s.waiting[pending.index];
  if (waiters.submitted_us == 0) waiters.submitted_us = s.clocks->monotonic_us();
  waiters.appends.push_back({promise, pending.joined});
  pump_writes(self);
  return promise;
}

caf::result<entry_index> on_write(self_pointer self, const effect_list& wish) {
  auto promise = self->make_response_promise<entry_index>();
  write_effects(self, wish, promise);
  return promise;
}

void on_space(self_pointer self, storage::log_room room) {
  auto& s = self->state;
  s.room = room;
  if (room == storage::log_room::everything) {
    s.replica->refuse_batches(std::nullopt);
    logging::warning(shard_name(self), "there is room again: writes are accepted");
    return;
  }
  s.replica->refuse_batches(no_room(room));
  logging::warning(shard_name(self), no_room(room).detail + "; messages are refused");
}

void on_tick(self_pointer self) {
  auto& s = self->state;
  const auto now = s.clocks->monotonic();
  if (now >= s.replica->timeout())
    if (auto ok = s.replica->tick(now); !ok) {
      fail_shard(self, ok.error());
      return;
    }
  maybe_checkpoint(self);
  self->delayed_send(self, tick_every, tick_atom_v);
}

caf::result<caf::ok_atom> on_drain(self_pointer self) {
  auto& s = self->state;
  auto promise = self->make_response_promise<caf::ok_atom>();
  s.draining = promise;
  begin_checkpoint(self);
  maybe_finish_drain(self);
  return promise;
}

void make_timers(self_pointer self) {
  auto& s = self->state;
  s.timers = self->spawn<caf::linked>(timers, shard_actor{self}, s.clocks, s.options.timers);
}

/// What blocks on the disk gets a thread of its own. It and the shard are of no use without each
/// other.
void spawn_blocking(self_pointer self, std::shared_ptr<storage::state_store> state) {
  auto& s = self->state;
  const shard_actor me{self};
  if (s.options.own_threads) {
    s.writer = self->spawn<caf::detached + caf::linked>(log_writer, me, s.log, s.clocks);
    s.keeper = self->spawn<caf::detached + caf::linked>(checkpoint_keeper, s.log, std::move(state),
                                                        s.options.latest, s.options.limits);
  } else {
    s.writer = self->spawn<caf::linked>(log_writer, me, s.log, s.clocks);
    s.keeper = self->spawn<caf::linked>(checkpoint_keeper, s.log, std::move(state),
                                        s.options.latest, s.options.limits);
  }
}

} // namespace

failure no_room(storage::log_room left) {
  if (left == storage::log_room::only_freeing)
    return {errc::storage_full, "the disk is full: only deletions and retention are written"};
  return {errc::storage_full, "the disk is under its reserve (storage-reserve-bytes), or has no "
                              "room for another segment (segment-bytes) above it"};
}

result<void> submit_then(shard_pointer self, std::vector<effects::effect> what,
                         std::function<void()> then) {
  auto& s = self->state;
  auto index = s.replica->submit_effects(std::move(what), s.clocks->wall(), s.clocks->monotonic());
  if (!index) return index.error();
  auto& waiters = s.waiting[*index];
  waiters.submitted_us = s.clocks->monotonic_us();
  waiters.then.push_back(std::move(then));
  pump_writes(self);
  return {};
}

void tell_timers(shard_pointer self, bool replayed) {
  auto& s = self->state;
  timer_news_list news{s.replica->take_timer_news(), replayed};
  if (news.news.empty()) return;
  if (!s.timers) make_timers(self);
  for (const auto& each : news.news)
    if (const auto* batch = std::get_if<effects::batch>(&each.what))
      s.timers_bytes += batch->bytes.size() + batch->count * timer_bytes;
    else if (const auto* ended = std::get_if<effects::timers_ended>(&each.what))
      s.timers_bytes += ended->which.size() * timer_bytes / 4;
  self->send(s.timers, news_atom_v, std::move(news));
}

bool timers_are_heavy(const shard_state_data& s) { return s.timers_bytes >= timers_bytes_heavy; }

std::string shard_name(shard_pointer self) {
  return "shard " + std::to_string(self->state.replica->options().shard.value);
}

void fail_shard(shard_pointer self, const failure& why) {
  logging::error(shard_name(self), why.message());
  self->quit(to_caf(why));
}

void pump_writes(shard_pointer self) {
  auto& s = self->state;
  while (s.groups_out < groups_out_max) {
    if (s.groups_out > 0 && s.replica->unwritten_bytes() < next_group_bytes_min) return;
    auto group = s.replica->next_write(group_bytes_max);
    if (!group) return;
    ++s.groups_out;
    self->send(s.writer, write_atom_v, std::move(*group));
  }
}

shard_actor::behavior_type shard(self_pointer self, std::unique_ptr<raft::replica> replica,
                                 std::shared_ptr<storage::commit_log> log,
                                 std::shared_ptr<storage::state_store> state,
                                 std::shared_ptr<const clock> clocks, shard_options options) {
  auto& s = self->state;
  s.replica = std::move(replica);
  s.log = std::move(log);
  s.clocks = std::move(clocks);
  s.options = options;
  s.copies_left = options.copied_bytes_max;
  s.checkpointed_at = s.clocks->monotonic();
  spawn_blocking(self, std::move(state));
  s.options.timers.own_threads = s.options.own_threads;
  load_latest(self);
  if (storage::timer_index::is_there(s.options.timers.folder)) make_timers(self);
  tell_timers(self, true);
  self->delayed_send(self, tick_every, tick_atom_v);
  // A killed process may have left entries that it acknowledged and had not synced yet.
  if (const auto bounds = s.log->bounds(); bounds.synced < bounds.last) arm_sync(self);
  return {
    [self](append_atom, const core::batch_request& request) { return on_append(self, request); },
    [self](write_atom, const effect_list& wish) { return on_write(self, wish); },
    [self](graves_atom, queue_id queue, unix_ms keep_after) {
      limit_letters(self, queue, keep_after);
    },
    [self](watch_atom, queue_id queue, const queue_actor& watcher) -> caf::result<queue_view> {
      const auto* record = self->state.replica->state().queue(queue);
      if (record == nullptr)
        return to_caf({errc::queue_unknown, "queue " + std::to_string(queue.value)});
      auto& known = self->state.watchers[queue];
      // One that its topic has lost: its readers subscribe again.
      if (known) self->send_exit(known, caf::exit_reason::user_shutdown);
      known = watcher;
      return view_of(self, queue, *record);
    },
    [self](queues_atom, const queue_ids& wanted) { return views_of(self, wanted); },
    [self](inventory_atom) { return inventory_of(self); },
    [self](progress_atom, group_id group) { return progress_of(self, group); },
    [self](progress_atom, producer_name_id name, const queue_ids& queues) {
      return progress_of(self, name, queues);
    },
    [self](load_atom) { return catalogue_of(self); },
    [self](schedules_atom) { return schedules_of(self); },
    [self](close_atom, const timer_selection& which) -> caf::result<std::uint32_t> {
      if (!self->state.timers) return std::uint32_t{0};
      return self->delegate(self->state.timers, close_atom_v, which);
    },
    [self](move_atom, const timer_selection& which,
           std::int64_t deliver_at) -> caf::result<std::uint32_t> {
      if (!self->state.timers) return std::uint32_t{0};
      return self->delegate(self->state.timers, move_atom_v, which, deliver_at);
    },
    [self](list_atom, const timer_page& page) -> caf::result<timer_rows> {
      if (!self->state.timers) return timer_rows{};
      return self->delegate(self->state.timers, list_atom_v, page);
    },
    [self](find_atom, const timer_selection& which) -> caf::result<timer_rows> {
      if (!self->state.timers) return timer_rows{};
      return self->delegate(self->state.timers, find_atom_v, which);
    },
    [self](backup_atom) -> caf::result<timer_handle> {
      if (!self->state.timers) return timer_handle{};
      return self->delegate(self->state.timers, backup_atom_v);
    },
    [self](prepare_atom, const tx_wish& wish) { return prepare_transaction(self, wish); },
    [self](finish_atom, const transaction_id& id, bool commit) {
      return end_transaction(self, id, commit);
    },
    [self](apply_atom, const tx_parts& what) { return apply_parts(self, what); },
    [self](load_atom, shard_id to) { return parts_for(self, to); },
    [self](watch_atom, const tx_watcher_actor& watcher) {
      self->state.tx_watcher = watcher;
      return all_transactions(self);
    },
    [self](status_atom) { return status_of(self); },
    [self](actors_atom) {
      const auto waiting = static_cast<std::uint32_t>(self->mailbox().size());
      const auto& mine = self->state;
      const auto groups = static_cast<std::uint32_t>(mine.groups_out);
      // The other two may be busy with the disk for long; what they were given is known here.
      frames::node_actor_list out{
        {{shard_name(self), "scheduled", waiting},
         {"log_writer of " + shard_name(self), "detached", groups},
         {"checkpoint of " + shard_name(self), "detached", mine.saving ? 1u : 0u}}};
      if (mine.timers) out.actors.push_back({"timers of " + shard_name(self), "scheduled", 0});
      return out;
    },
    [self](drain_atom) { return on_drain(self); },
    [self](written_atom, const write_done& done) { on_written(self, done); },
    [self](space_atom, storage::log_room room) { on_space(self, room); },
    [self](sync_atom) {
      self->state.sync_armed = false;
      self->request(self->state.writer, caf::infinite, sync_atom_v)
        .then([](entry_index) {},
              [self](const caf::error& why) { fail_shard(self, from_caf(why)); });
    },
    [self](tick_atom) { on_tick(self); },
  };
}

} // namespace carafe
