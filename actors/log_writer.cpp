#include "actors/log_writer.hpp"

#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <utility>

namespace carafe {

namespace {

using self_pointer = log_writer_actor::stateful_pointer<log_writer_state>;

constexpr auto retry_after = std::chrono::milliseconds{200};
/// A sync takes milliseconds; who waits for it does so in the background.
constexpr auto look_again_after = std::chrono::milliseconds{2};
constexpr auto look_every = std::chrono::milliseconds{1'000};

void look_for_room(self_pointer self) {
  auto& s = self->state;
  auto room = s.log->secure_room();
  if (!s.waiting.empty()) room = storage::log_room::only_freeing;
  if (room == s.room) return;
  s.room = room;
  self->send(s.shard, space_atom_v, room);
}

/// @returns False when the group has to wait.
bool write(self_pointer self, const raft::write_group& group) {
  auto& s = self->state;
  const auto began = s.clocks->monotonic_us();
  auto ok = s.log->append(group.writes);
  if (ok) {
    const write_done done{group.last, group.bytes, s.clocks->monotonic_us() - began};
    // Before the shard takes more in the place of these.
    look_for_room(self);
    self->send(s.shard, written_atom_v, done);
    return true;
  }
  if (ok.code() == errc::storage_full) return false;
  logging::error("log_writer", ok.error().message());
  self->quit(to_caf(ok.error()));
  return true;
}

void write_waiting(self_pointer self) {
  auto& waiting = self->state.waiting;
  while (!waiting.empty() && write(self, waiting.front())) waiting.pop_front();
}

/// Answers whose entries are synced by now, and has the rest synced.
void go_on_syncing(self_pointer self) {
  auto& s = self->state;
  const auto answer = [&s] {
    const auto synced = s.log->bounds().synced;
    for (; !s.syncing.empty() && s.syncing.front().target <= synced; s.syncing.pop_front())
      s.syncing.front().promise.deliver(synced);
  };
  answer();
  if (s.syncing.empty()) return;
  if (auto ok = s.log->sync_soon(); ok.code() == errc::storage_full) {
    // Nothing was synced, for want of room for a side file: that may be tried again.
    logging::warning("log_writer", "the disk is full; syncing waits for room");
    self->delayed_send(self, retry_after, synced_atom_v);
    return;
  } else if (!ok) {
    // An fsync is never retried: what it lost is lost silently the second time.
    logging::error("log_writer", ok.error().message());
    for (auto& waiter : s.syncing) waiter.promise.deliver(to_caf(ok.error()));
    s.syncing.clear();
    self->quit(to_caf(ok.error()));
    return;
  }
  answer();
  if (!s.syncing.empty()) self->delayed_send(self, look_again_after, synced_atom_v);
}

} // namespace

log_writer_actor::behavior_type log_writer(self_pointer self, shard_actor shard,
                                           std::shared_ptr<storage::commit_log> log,
                                           std::shared_ptr<const clock> clocks) {
  auto& s = self->state;
  s.shard = std::move(shard);
  s.log = std::move(log);
  s.clocks = std::move(clocks);
  self->delayed_send(self, look_every, tick_atom_v);
  look_for_room(self);
  return {
    [self](write_atom, const raft::write_group& group) {
      auto& state = self->state;
      if (!state.waiting.empty()) {
        state.waiting.push_back(group);
        return;
      }
      if (!write(self, group)) {
        logging::warning("log_writer", "the disk is full; writes wait for room");
        state.waiting.push_back(group);
        look_for_room(self);
      }
    },
    [self](sync_atom) -> caf::result<entry_index> {
      auto& state = self->state;
      auto promise = self->make_response_promise<entry_index>();
      state.syncing.push_back({state.log->bounds().last, promise});
      if (state.syncing.size() == 1) go_on_syncing(self);
      return promise;
    },
    [self](synced_atom) { go_on_syncing(self); },
    [self](drop_atom, entry_index first) {
      if (auto ok = self->state.log->drop_before(first); !ok)
        logging::warning("log_writer", "retention: " + ok.error().message());
    },
    [self](tick_atom) {
      write_waiting(self);
      look_for_room(self);
      for (const auto& note : self->state.log->take_notes()) logging::warning("log_writer", note);
      self->delayed_send(self, self->state.waiting.empty() ? look_every : retry_after, tick_atom_v);
    },
  };
}

} // namespace carafe
