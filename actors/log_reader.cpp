#include "actors/log_reader.hpp"

#include "actors/error_bridge.hpp"
#include "actors/log_walk.hpp"
#include "actors/logging.hpp"

#include <filesystem>
#include <system_error>

namespace carafe {

namespace {

namespace fs = std::filesystem;

/// Copies that retention may spoil before the backup is given up: each time a segment was dropped
/// while one was made.
constexpr int attempts_max = 10;

result<void> remove_files(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error))
    fs::remove(at->path(), error);
  if (error) return {errc::storage_failed, folder.string() + ": " + error.message()};
  return {};
}

/// The state goes first: a log may be ahead of its checkpoint, never behind it.
/// The timers' index may be ahead of it too.
result<std::uint64_t> copy_shard(const log_reader_state& s, const std::string& to,
                                 const timer_handle& timers) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    if (auto done = remove_files(to); !done) return done.error();
    const auto first_kept = s.log->bounds().first;
    auto state = s.state->copy_to((fs::path{to} / "state.mdb").string());
    if (!state) return state;
    auto index = timers.index ? timers.index->copy_to(to) : result<std::uint64_t>{0};
    if (!index) return index;
    auto log = s.log->copy_to(to);
    if (!log) return log;
    // Retention that ran meanwhile may have dropped what comes after the copied checkpoint.
    if (s.log->bounds().first == first_kept) return *state + *index + *log;
  }
  return {errc::too_many_requests,
          "retention drops segments faster than they are copied; remove " + to + " and try again"};
}

} // namespace

log_reader_actor::behavior_type
log_reader(log_reader_actor::stateful_pointer<log_reader_state> self,
           std::shared_ptr<storage::commit_log> log, std::shared_ptr<storage::state_store> state) {
  self->state.log = std::move(log);
  self->state.state = std::move(state);
  return {
    [self](read_atom, const read_request& request) -> caf::result<read_reply> {
      read_reply reply;
      reply.hint = request.hint;
      auto batches = self->state.log->read_queue(request.queue, request.from, request.last,
                                                 request.bytes_max, reply.hint);
      if (!batches) {
        logging::error("log_reader", batches.error().message());
        return to_caf(batches.error());
      }
      reply.batches = std::move(*batches);
      return reply;
    },
    [self](time_atom, queue_id queue, unix_ms time, entry_index last) -> caf::result<time_found> {
      auto row = self->state.log->find_time(queue, time, last);
      if (!row) return to_caf(row.error());
      return time_found{std::move(*row)};
    },
    [self](walk_atom, const walk_request& request) -> caf::result<walk_reply> {
      auto reply = walk(*self->state.log, request);
      if (!reply) return to_caf(reply.error());
      return std::move(*reply);
    },
    [self](find_atom, const key_request& request) -> caf::result<key_reply> {
      key_reply reply;
      reply.hint = request.hint;
      auto found = self->state.log->find_key(request.query, reply.hint);
      if (!found) {
        logging::error("log_reader", found.error().message());
        return to_caf(found.error());
      }
      reply.found = std::move(*found);
      return reply;
    },
    [self](backup_atom, const std::string& to,
           const timer_handle& timers) -> caf::result<std::uint64_t> {
      auto bytes = copy_shard(self->state, to, timers);
      if (!bytes) return to_caf(bytes.error());
      return *bytes;
    },
    [self](actors_atom) {
      const auto waiting = static_cast<std::uint32_t>(self->mailbox().size());
      return frames::node_actor_list{{{"log_reader", "detached", waiting}}};
    },
  };
}

} // namespace carafe
