#include "storage/data_format.hpp"
#include "storage/segmented_log.hpp"

#include <algorithm>
#include <fcntl.h>

namespace carafe::storage {

namespace {

/// Older segments that may wait for their sync: so much of the log may be in the page cache only.
constexpr std::size_t retiring_max = 8;

} // namespace

result<void> finish_segment(const std::filesystem::path& path) {
  auto raw = file::open(path, O_RDWR);
  if (!raw) return raw.error();
  if (auto done = raw->sync(); !done) return done;
  if (auto done = remove_file(synced_meta_path(path)); !done) return done;
  return sync_folder(path.parent_path());
}

result<void> segmented_log::roll() {
  if (auto done = worker_.wait_below(retiring_max); !done) return done;
  auto old = active_;
  auto sealed = sealed_segment::open(old->path(), settings_.shard, old->first());
  if (!sealed) return sealed.error();
  auto fresh = active_segment::create(settings_.folder,
                                      {settings_.shard, old->last() + 1, settings_.segment_bytes},
                                      settings_.active, &spare_);
  if (!fresh) return fresh.error();
  if (auto done = note_newest((*fresh)->first()); !done) return done;
  active_ = std::move(*fresh);
  older_.push_back(*sealed);
  unsealed_.push_back({*sealed, page_summing{(*sealed)->first(), (*sealed)->last()}});
  {
    std::lock_guard lock{mutex_};
    if (settings_.active.unsynced) retiring_.push_back(old);
  }
  publish(list_of_segments(list()->epoch));
  keys_->want({*sealed});
  return retire(std::move(old));
}

/// Before anything is written to a segment it is noted that there is one. A disk without room for
/// the note keeps the one before, which asks for less; it is tried again with each group.
result<void> segmented_log::note_newest(entry_index first) {
  if (noted_newest_ == first) return {};
  auto noted = write_log_note(settings_.folder, log_note::newest, first);
  if (noted) noted_newest_ = first;
  return noted.code() == errc::storage_full ? result<void>{} : noted;
}

/// What is under way must still find room when batches are refused, also if each batch fills little
/// more than half of its pages; and what frees space, long after that.
///
/// A log of one segment can be shortened only after it has gone on in a second one, so for that one
/// it may take most of the reserve.
log_room segmented_log::secure_room() {
  constexpr std::uint64_t of_reserve = 4;
  if (!writable()) return log_room::everything; // The next append tells.
  const auto flight =
    std::max(2 * in_flight_bytes_max(settings_.segment_bytes), settings_.entry_bytes_max);
  const auto needed = flight + settings_.segment_bytes / 4;
  auto left = active_->room_bytes();
  const bool alone = older_.empty();
  bool next = spare_.is_there();
  if (left < needed) next = spare_.take(settings_.reserve_bytes / (alone ? of_reserve : 1));
  if (next) left += settings_.segment_bytes;
  if (left < settings_.segment_bytes / 16) return log_room::only_freeing;
  if (left < needed) return log_room::no_batches;
  const auto free = free_space(settings_.folder);
  const bool low = free && *free < settings_.reserve_bytes;
  return low && !(alone && spare_.is_there()) ? log_room::no_batches : log_room::everything;
}

/// Syncs a segment that takes no more writes, before any sync of a newer one.
result<void> segmented_log::retire(std::shared_ptr<active_segment> old) {
  if (!settings_.active.unsynced) return old->become_old();
  auto job = old->begin_sync(true);
  if (!job) return job.error();
  worker_.post([this, job = std::move(*job)] {
    auto done = in_background(job);
    std::shared_ptr<const active_segment> finished;
    std::lock_guard lock{mutex_};
    if (done) retiring_.front().swap(finished);
    if (done) retiring_.pop_front();
    return done;
  });
  return {};
}

bool segmented_log::is_retiring(entry_index first) const {
  std::lock_guard lock{mutex_};
  return std::ranges::any_of(retiring_, [&](const auto& s) { return s->first() == first; });
}

result<void> segmented_log::seal_some(std::uint64_t bytes) {
  if (unsealed_.empty()) return {};
  auto& [segment, summing] = unsealed_.front();
  auto complete = summing.advance(segment->pages(), bytes);
  if (!complete) return complete.error();
  // Checksums say that a segment is complete, which a power failure may yet change.
  if (!*complete || is_retiring(segment->first())) return {};
  auto stored = store_page_sums(segment->path(), summing.sums());
  // With a full disk this is done later.
  if (stored.code() == errc::storage_full) return {};
  unsealed_.pop_front();
  return stored;
}

result<void> segmented_log::remove_segment(const segment& old) {
  std::erase_if(unsealed_, [&](const sealing& s) { return s.segment->first() == old.first(); });
  if (auto done = keys_->forget(old); !done) return done;
  if (auto done = remove_page_sums(old.path()); !done) return done;
  if (auto done = remove_file(synced_meta_path(old.path())); !done) return done;
  if (auto done = remove_file(old.path()); !done) return done;
  // One by one, so that no gap can be left by a power failure.
  return sync_folder(settings_.folder);
}

result<void> segmented_log::drop_before(entry_index first) {
  if (auto ok = ready(); !ok) return ok;
  const auto stays =
    std::ranges::find_if(older_, [first](const auto& s) { return s->last() >= first; });
  if (stays == older_.begin()) return {};
  const auto start = stays == older_.end() ? active_->first() : (*stays)->first();
  // Dropping must go on also on a disk without room for this note.
  auto noted = write_or_remove_log_note(settings_.folder, log_note::start, start);
  if (!noted) return gave_up(noted.error());
  while (!older_.empty() && older_.front()->last() < first) {
    auto old = older_.front();
    if (is_retiring(old->first())) {
      if (auto done = worker_.wait_below(1); !done) return gave_up(done.error());
    }
    older_.erase(older_.begin());
    publish(list_of_segments(list()->epoch));
    if (auto done = remove_segment(*old); !done) return gave_up(done.error());
  }
  return {};
}

result<void> segmented_log::truncate_after(entry_index last) {
  if (auto ok = ready(); !ok) return ok;
  auto now = list();
  if (last >= now->last()) return {};
  if (auto done = worker_.wait_below(1); !done) return gave_up(done.error());
  if (last.value + 1 < now->first().value)
    return {errc::invalid_argument, "the log begins with entry " +
                                      std::to_string(now->first().value) +
                                      "; it cannot be cut back to " + std::to_string(last.value)};
  auto position = last < now->first() ? 0 : now->position_of(last);
  if (position < older_.size()) {
    auto done = reopen(older_[position], last);
    // Files may be gone already: also a full disk leaves the log unusable until it is opened again.
    if (!done) failed_ = true;
    return done;
  }
  auto done = active_->truncate_after(last);
  publish(list_of_segments(now->epoch + 1));
  if (!done) return gave_up(done.error());
  return {};
}

/// Makes an older segment the newest again, without the entries above `last`.
result<void> segmented_log::reopen(std::shared_ptr<const sealed_segment> older, entry_index last) {
  if (auto sound = check_pages(older->pages(), segment_rules); !sound) return sound;
  auto now = list();
  auto position = now->position_of(older->first());
  noted_newest_ = {};
  if (auto done = write_or_remove_log_note(settings_.folder, log_note::newest, older->first());
      !done)
    return done;
  for (auto i = now->segments.size(); i-- > position + 1;)
    if (auto done = remove_segment(*now->segments[i]); !done) return done;
  std::erase_if(unsealed_, [&](const sealing& s) { return s.segment == older; });
  if (auto done = keys_->forget(*older); !done) return done;
  if (auto done = remove_page_sums(older->path()); !done) return done;
  if (auto done = sync_folder(settings_.folder); !done) return done;
  auto opened = active_segment::open(older->path(), older->identity(), older->last(), older->last(),
                                     settings_.active);
  if (!opened) return opened.error();
  active_ = std::move(*opened);
  older_.resize(position);
  // Its readers are not LMDB's and would not be seen.
  if (auto done = active_->pin_for(older); !done) return done;
  auto done = active_->truncate_after(last);
  publish(list_of_segments(now->epoch + 1));
  return done;
}

} // namespace carafe::storage
