#include "actors/log_reader.hpp"

#include "actors/core/compaction.hpp"
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

/// What retention has left of a compacted queue there; nothing if the log has it.
result<std::optional<read_reply>> read_latest(const log_reader_state& s, const read_request& wish) {
  auto horizon = s.latest->horizon(wish.queue);
  if (!horizon) return horizon.error();
  if (!*horizon || wish.from >= **horizon) return std::optional<read_reply>{};
  auto index = s.latest->find();
  if (!index) return index.error();
  auto found = (*index)->read(wish.queue, wish.from, wish.bytes_max);
  if (!found) return found.error();
  if (!*found || wish.from >= (*found)->horizon) return std::optional<read_reply>{};
  read_reply out;
  out.hint = wish.hint;
  out.batches = core::kept_batches(wish.queue, wish.from, **found);
  return std::optional{std::move(out)};
}

result<read_reply> read(const log_reader_state& s, const read_request& wish) {
  for (int attempt = 1;; ++attempt) {
    auto kept = read_latest(s, wish);
    if (!kept) return kept.error();
    if (*kept) return std::move(**kept);
    read_reply out;
    out.hint = wish.hint;
    auto batches = s.log->read_queue(wish.queue, wish.from, wish.last, wish.bytes_max, out.hint);
    if (!batches) return batches.error();
    out.batches = std::move(*batches);
    // Retention may have taken it between the two.
    auto horizon = s.latest->horizon(wish.queue);
    if (!horizon) return horizon.error();
    if (!out.batches.empty() || !*horizon || wish.from >= **horizon || attempt == attempts_max)
      return out;
  }
}

result<std::optional<storage::index_row>> find_time(const log_reader_state& s, queue_id queue,
                                                    unix_ms time, entry_index last) {
  for (int attempt = 1;; ++attempt) {
    auto before = s.latest->horizon(queue);
    if (!before) return before.error();
    auto index = s.latest->find();
    if (!index) return index.error();
    if (*index) {
      auto row = (*index)->find_time(queue, time);
      if (!row) return row.error();
      if (*row)
        return std::optional{
          storage::index_row{queue, (*row)->at, 1, (*row)->time, entry_index{0}}};
    }
    auto found = s.log->find_time(queue, time, last);
    // Retention may have taken it between the two.
    auto after = s.latest->horizon(queue);
    if (!after) return after.error();
    if (!found || *before == *after || attempt == attempts_max) return found;
  }
}

/// Of a compacted queue below its horizon there is one message of a key at most.
result<std::optional<storage::key_findings>> find_latest(const log_reader_state& s,
                                                         const storage::key_query& query) {
  using nothing = std::optional<storage::key_findings>;
  auto horizon = s.latest->horizon(query.queue);
  if (!horizon) return horizon.error();
  if (!*horizon || query.from >= **horizon) return nothing{};
  auto index = s.latest->find();
  if (!index) return index.error();
  auto at = (*index)->last_of(query.queue, digest_of(query.key));
  if (!at) return at.error();
  storage::key_findings out;
  out.next = std::min(**horizon, query.until);
  if (*at && **at >= query.from && **at < out.next) {
    out.found.push_back(**at);
    out.messages = 1;
  }
  return nothing{std::move(out)};
}

result<storage::key_findings> find_key(const log_reader_state& s, const storage::key_query& query,
                                       storage::read_hint& hint) {
  auto kept = find_latest(s, query);
  if (!kept) return kept.error();
  if (*kept) return std::move(**kept);
  auto found = s.log->find_key(query, hint);
  // Retention may have taken some of it meanwhile.
  kept = find_latest(s, query);
  if (!kept) return kept.error();
  return *kept ? std::move(**kept) : found;
}

result<std::uint64_t> copy_latest(const log_reader_state& s, const std::string& to) {
  auto index = s.latest->find();
  if (!index) return index.error();
  return *index ? (*index)->copy_to(to) : result<std::uint64_t>{0};
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
    // Behind the log: what retention takes from it meanwhile is in there then.
    auto latest = copy_latest(s, to);
    if (!latest) return latest;
    // Retention that ran meanwhile may have dropped what comes after the copied checkpoint.
    if (s.log->bounds().first == first_kept) return *state + *index + *log + *latest;
  }
  return {errc::too_many_requests,
          "retention drops segments faster than they are copied; remove " + to + " and try again"};
}

} // namespace

log_reader_actor::behavior_type
log_reader(log_reader_actor::stateful_pointer<log_reader_state> self,
           std::shared_ptr<storage::commit_log> log, std::shared_ptr<storage::state_store> state,
           std::shared_ptr<latest_messages> latest) {
  self->state.log = std::move(log);
  self->state.state = std::move(state);
  self->state.latest = std::move(latest);
  return {
    [self](read_atom, const read_request& request) -> caf::result<read_reply> {
      auto reply = read(self->state, request);
      if (reply) return std::move(*reply);
      logging::error("log_reader", reply.error().message());
      return to_caf(reply.error());
    },
    [self](time_atom, queue_id queue, unix_ms time, entry_index last) -> caf::result<time_found> {
      auto row = find_time(self->state, queue, time, last);
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
      auto found = find_key(self->state, request.query, reply.hint);
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
