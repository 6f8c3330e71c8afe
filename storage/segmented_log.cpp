#include "storage/segmented_log.hpp"

#include <algorithm>

namespace carafe::storage {

using lmdb::put_outcome;

namespace {

/// Of a segment that waits for its page checksums, summed up before each group; a few tens of
/// microseconds.
constexpr std::uint64_t seal_step_bytes = 128 * 1024;

std::uint64_t bytes_of(std::span<const log_write> entries) {
  std::uint64_t sum = 0;
  for (const auto& write : entries) sum += write.entry->bytes();
  return sum;
}

} // namespace

segmented_log::segmented_log(segmented_log_settings settings, log_segments segments)
  : settings_(std::move(settings)),
    active_(std::move(segments.newest)),
    older_(std::move(segments.older)),
    keys_(std::make_unique<key_indexer>(settings_.shard, settings_.reserve_bytes)),
    spare_(settings_.folder, settings_.segment_bytes),
    noted_newest_(segments.noted_newest),
    unfinished_(std::move(segments.unfinished)) {
  for (auto& s : segments.unsealed) unsealed_.push_back({s, page_summing{s->first(), s->last()}});
  publish(list_of_segments(1));
  keys_->want({older_.begin(), older_.end()});
}

segmented_log::~segmented_log() {
  // A log that could not be closed in order is recovered when it is opened.
  static_cast<void>(close());
}

result<void> segmented_log::close() {
  if (closed_) return {};
  keys_->stop();
  auto done = ready();
  closed_ = true;
  if (done) done = worker_.wait_below(1);
  if (done) done = active_->close();
  publish_bounds();
  if (!done) return gave_up(done.error());
  return {};
}

result<void> segmented_log::writable() const {
  if (closed_) return {errc::storage_failed, settings_.folder.string() + ": the log is closed"};
  if (failed_ || settings_.active.sync_failed->load())
    return {errc::storage_failed, settings_.folder.string() +
                                    ": an earlier write failed; the log takes no more writes until "
                                    "it is opened again"};
  return {};
}

result<void> segmented_log::ready() {
  if (auto ok = writable(); !ok) return ok;
  while (!unfinished_.empty()) {
    if (auto done = finish_segment(unfinished_.front().path); !done) {
      settings_.active.sync_failed->store(true);
      return gave_up(done.error());
    }
    std::lock_guard lock{mutex_};
    unfinished_.erase(unfinished_.begin());
  }
  return {};
}

failure segmented_log::gave_up(failure why) {
  // Nothing was written, and the next attempt may succeed.
  if (why.code == errc::storage_full || why.code == errc::too_many_requests) return why;
  failed_ = true;
  if (why.code != errc::storage_corrupt) why.code = errc::storage_failed;
  return why;
}

result<void> segmented_log::check_group(std::span<const log_write> entries) const {
  auto next = active_->last() + 1;
  for (const auto& write : entries) {
    if (write.entry->header.index != next)
      return {errc::invalid_argument, "entry " + std::to_string(write.entry->header.index.value) +
                                        " does not follow entry " + std::to_string(next.value - 1)};
    for (const auto& row : write.rows)
      if (row.entry != next || row.count == 0)
        return {errc::invalid_argument,
                "an index row of entry " + std::to_string(next.value) + " is impossible"};
    next = next + 1;
  }
  return {};
}

result<void> segmented_log::append(std::span<const log_write> entries) {
  if (auto ok = ready(); !ok) return ok;
  if (entries.empty()) return {};
  if (auto ok = check_group(entries); !ok) return ok;
  auto bytes = bytes_of(entries);
  if (auto done = seal_some(seal_step_bytes + 2 * bytes); !done) return gave_up(done.error());
  auto is_empty = [&] { return active_->last() < active_->first(); };
  if (!is_empty() && !active_->has_room(entries)) {
    if (auto done = roll(); !done) return gave_up(done.error());
  }
  if (auto done = note_newest(active_->first()); !done) return gave_up(done.error());
  auto outcome = active_->append(entries);
  if (outcome && *outcome == put_outcome::no_room && !is_empty()) {
    if (auto done = roll(); !done) return gave_up(done.error());
    outcome = active_->append(entries);
  }
  if (!outcome) return gave_up(outcome.error());
  if (*outcome == put_outcome::no_room)
    return {errc::batch_too_large,
            "a group of " + std::to_string(bytes) + " bytes does not fit a segment of " +
              std::to_string(settings_.segment_bytes) + "; write less at once"};
  publish_bounds();
  if (auto done = sync_copied_pages(); !done) return gave_up(done.error());
  return {};
}

result<void> segmented_log::sync() {
  if (auto ok = ready(); !ok) return ok;
  auto done = active_->is_synced() ? result<void>{} : post_sync();
  if (done) done = worker_.wait_below(1);
  if (!done) return gave_up(done.error());
  return {};
}

result<void> segmented_log::sync_soon() {
  if (auto ok = ready(); !ok) return ok;
  if (syncs_ > 0 || active_->is_synced()) return {};
  if (auto done = post_sync(); !done) return gave_up(done.error());
  return {};
}

/// After a failure nothing more is synced or written: what the disk holds is not known.
result<void> segmented_log::in_background(const sync_worker::job& job) {
  auto done = job();
  if (done) return done;
  settings_.active.sync_failed->store(true);
  return {errc::storage_failed, done.error().detail};
}

result<void> segmented_log::post_sync() {
  auto job = active_->begin_sync();
  if (!job) return job.error();
  ++syncs_;
  worker_.post([this, job = std::move(*job)] {
    auto done = in_background(job);
    --syncs_;
    return done;
  });
  return {};
}

/// Lets LMDB use pages again that were copied since the last sync.
result<void> segmented_log::sync_copied_pages() {
  if (!settings_.active.unsynced || !active_->should_sync()) return {};
  if (syncs_ > 0) {
    if (!active_->must_sync()) return {};
    // The disk does not keep up.
    if (auto done = worker_.wait_below(1); !done) return done;
  }
  return post_sync();
}

std::shared_ptr<const segment_list> segmented_log::list() const {
  std::lock_guard lock{mutex_};
  return list_;
}

std::shared_ptr<const segment_list> segmented_log::list_of_segments(std::uint64_t epoch) const {
  auto fresh = std::make_shared<segment_list>();
  fresh->segments.assign(older_.begin(), older_.end());
  fresh->segments.push_back(active_);
  fresh->epoch = epoch;
  return fresh;
}

void segmented_log::publish(std::shared_ptr<const segment_list> fresh) {
  {
    std::lock_guard lock{mutex_};
    list_.swap(fresh);
    newest_ = active_;
  }
  older_bytes_ = 0;
  for (const auto& s : older_) older_bytes_ += s->used_bytes();
  publish_bounds();
}

void segmented_log::publish_bounds() {
  auto now = list();
  log_bounds fresh;
  fresh.first = now->first();
  fresh.last = now->last();
  fresh.segments = static_cast<std::uint32_t>(now->segments.size());
  fresh.bytes = older_bytes_ + active_->used_bytes();
  std::lock_guard lock{mutex_};
  bounds_ = fresh;
}

log_bounds segmented_log::bounds() const {
  std::lock_guard lock{mutex_};
  auto bounds = bounds_;
  const auto& oldest = retiring_.empty() ? newest_ : retiring_.front();
  bounds.synced = std::max(oldest->synced(), entry_index{oldest->first().value - 1});
  if (!unfinished_.empty()) bounds.synced = unfinished_.front().synced;
  bounds.synced = std::min(bounds.synced, bounds.last);
  return bounds;
}

result<std::vector<shared_bytes>> segmented_log::read_entries(entry_index first, entry_index last,
                                                              std::uint64_t bytes_max) const {
  return storage::read_entries(*list(), first, last, bytes_max);
}

result<std::vector<stored_batch>> segmented_log::read_queue(queue_id queue, offset from,
                                                            entry_index last,
                                                            std::uint64_t bytes_max,
                                                            read_hint& hint) const {
  return storage::read_queue(*list(), queue, from, last, bytes_max, hint);
}

result<std::optional<index_row>> segmented_log::find_time(queue_id queue, unix_ms time,
                                                          entry_index last) const {
  return storage::find_time(*list(), queue, time, last);
}

result<key_findings> segmented_log::find_key(const key_query& query, read_hint& hint) const {
  return storage::find_key(*list(), query, *keys_, hint);
}

std::vector<std::string> segmented_log::take_notes() { return keys_->take_notes(); }

entry_index segmented_log::retention_limit(unix_ms keep_after, std::uint64_t bytes_max,
                                           entry_index checkpoint) const {
  return storage::retention_limit(*list(), keep_after, bytes_max, checkpoint);
}

entry_index segmented_log::second_segment(entry_index checkpoint) const {
  return storage::second_segment(*list(), checkpoint);
}

result<std::vector<std::pair<queue_id, offset>>>
segmented_log::ends_before(entry_index first) const {
  return storage::ends_before(*list(), first);
}

result<std::uint64_t> segmented_log::copy_to(const std::string& to) const {
  return storage::copy_to(*list(), to);
}

} // namespace carafe::storage
