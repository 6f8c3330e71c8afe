#include "storage/log_recovery.hpp"

#include "storage/data_format.hpp"
#include "storage/entry_check.hpp"

#include <algorithm>
#include <fcntl.h>
#include <set>

namespace carafe::storage {

namespace {

/// Opening a log, step by step.
class log_opening {
public:
  log_opening(segmented_log_settings settings, entry_index checkpoint)
    : settings_(std::move(settings)), checkpoint_(checkpoint) {}

  result<opened_log> run();

private:
  result<void> remove_leftovers();
  result<opened_log> make_empty();
  result<void> open_segments(std::span<const entry_index> firsts);
  result<void> open_older(entry_index first);
  result<void> open_unfinished(newest_segment segment);
  result<void> remove_unsynced(std::span<const entry_index> firsts);
  result<void> open_sums(const std::shared_ptr<const sealed_segment>& segment);
  result<void> check_bounds();
  result<std::optional<entry_index>> check_from_checkpoint();
  result<void> restore_metas(const newest_segment& segment);
  result<void> check_start(entry_index first);
  result<void> check_end(entry_index newest);
  result<void> note_newest(entry_index newest);
  result<opened_log> finish(std::optional<entry_index> cut);
  void note(const std::filesystem::path& path, const std::string& what) {
    out_.notes.push_back(path.filename().string() + ": " + what);
  }

  segmented_log_settings settings_;
  entry_index checkpoint_;
  log_segments segments_;
  newest_segment newest_;
  opened_log out_;
};

result<opened_log> log_opening::run() {
  if (auto done = remove_leftovers(); !done) return done.error();
  auto firsts = list_segments(settings_.folder);
  if (!firsts) return firsts.error();
  if (firsts->empty()) return make_empty();
  if (auto done = check_start(firsts->front()); !done) return done.error();
  if (auto done = check_end(firsts->back()); !done) return done.error();
  if (auto done = open_segments(*firsts); !done) return done.error();
  std::ranges::move(newest_.notes, std::back_inserter(out_.notes));
  if (auto done = check_bounds(); !done) return done.error();
  auto cut = check_from_checkpoint();
  if (!cut) return cut.error();
  return finish(*cut);
}

result<void> log_opening::remove_leftovers() {
  auto names = list_folder(settings_.folder);
  if (!names) return names.error();
  const std::set<std::string> there{names->begin(), names->end()};
  for (const auto& name : *names) {
    if (!name.starts_with("log-")) continue;
    // Files get their final names when they are complete; an index of keys goes with its segment.
    const auto segment = std::filesystem::path{name}.replace_extension(".mdb").string();
    const auto stray = name.ends_with(".keys") && !there.contains(segment);
    if (!stray && !name.ends_with(".new") && !name.ends_with("-lock")) continue;
    if (auto done = remove_file(settings_.folder / name); !done) return done;
  }
  return {};
}

result<opened_log> log_opening::make_empty() {
  if (checkpoint_.value > 0)
    return {errc::storage_corrupt, settings_.folder.string() +
                                     " holds no segment, but a checkpoint at entry " +
                                     std::to_string(checkpoint_.value)};
  auto made = active_segment::create(
    settings_.folder, {settings_.shard, entry_index{1}, settings_.segment_bytes}, settings_.active);
  if (!made) return made.error();
  segments_.newest = std::move(*made);
  out_.log = std::make_shared<segmented_log>(std::move(settings_), std::move(segments_));
  return std::move(out_);
}

/// A log that has lost its oldest segment looks like one that retention has shortened.
result<void> log_opening::check_start(entry_index first) {
  auto start = read_log_note(settings_.folder, log_note::start);
  if (start.code() == errc::storage_corrupt)
    note(settings_.folder, "it is not known where the log must begin: " + start.error().detail);
  else if (!start)
    return start.error();
  else if (*start && **start < first)
    return lost_segments(settings_.folder, **start, first);
  // Without room for it the check is made with the next start.
  if (!start || !*start)
    static_cast<void>(write_log_note(settings_.folder, log_note::start, first));
  return {};
}

/// A log that has lost its newest segment looks like one that was never longer.
result<void> log_opening::check_end(entry_index newest) {
  auto noted = read_log_note(settings_.folder, log_note::newest);
  if (noted.code() == errc::storage_corrupt) {
    note(settings_.folder, "it is not known where the log must end: " + noted.error().detail);
    return {};
  }
  if (!noted) return noted.error();
  if (*noted && **noted > newest) return lost_newest(settings_.folder, **noted);
  segments_.noted_newest = *noted;
  return {};
}

/// A log of an earlier version has no such note; a killed process may have left an older one.
result<void> log_opening::note_newest(entry_index newest) {
  if (segments_.noted_newest == newest) return {};
  // Such a process may also have left the segment's name unsynced.
  if (auto done = sync_folder(settings_.folder); !done) return done;
  auto noted = write_log_note(settings_.folder, log_note::newest, newest);
  if (noted) segments_.noted_newest = newest;
  // The log tries again.
  return noted.code() == errc::storage_full ? result<void>{} : noted;
}

result<void> log_opening::open_segments(std::span<const entry_index> firsts) {
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    auto newest = i + 1 == firsts.size();
    auto unfinished = is_there(synced_meta_path(settings_.folder / segment_name(firsts[i])));
    if (!unfinished) return unfinished.error();
    if (!newest && !*unfinished) {
      if (auto done = open_older(firsts[i]); !done) return done;
      continue;
    }
    auto read = read_newest(settings_.folder, settings_.shard, firsts[i], settings_.active);
    if (!read) return read.error();
    auto complete = newest || read->pages->last() + 1 >= firsts[i + 1];
    if (!newest && complete) {
      if (auto done = open_unfinished(std::move(*read)); !done) return done;
      continue;
    }
    newest_ = std::move(*read);
    return remove_unsynced(firsts.subspan(i + 1));
  }
  return {};
}

result<void> log_opening::open_older(entry_index first) {
  auto opened =
    sealed_segment::open(settings_.folder / segment_name(first), settings_.shard, first);
  if (!opened) return opened.error();
  if (auto done = open_sums(*opened); !done) return done;
  segments_.older.push_back(std::move(*opened));
  return {};
}

/// An older segment whose sync a killed process had not finished.
result<void> log_opening::open_unfinished(newest_segment segment) {
  std::ranges::move(segment.notes, std::back_inserter(out_.notes));
  const auto& path = segment.pages->path();
  if (segment.restored || !settings_.active.unsynced) {
    if (auto done = restore_metas(segment); !done) return done;
    if (auto done = finish_segment(path); !done) return done;
  } else {
    // That may take long and is done before the first write.
    segments_.unfinished.push_back({path, segment.synced});
  }
  segments_.unsealed.push_back(segment.pages);
  segments_.older.push_back(std::move(segment.pages));
  return {};
}

/// Removes segments after one that lost its end: an older segment is synced before any newer one
/// is, so that nothing in these was ever counted as synced.
result<void> log_opening::remove_unsynced(std::span<const entry_index> firsts) {
  for (auto first : firsts) {
    auto path = settings_.folder / segment_name(first);
    auto record = load_synced_meta(synced_meta_path(path));
    if (!record || !*record || (*record)->mark.last >= first)
      return newest_.pages->damaged(newest_.pages->last() + 1, "it is missing, but " +
                                                                 path.filename().string() +
                                                                 " after it is synced");
  }
  const auto stays = newest_.pages->first();
  auto noted = write_or_remove_log_note(settings_.folder, log_note::newest, stays);
  if (!noted) return noted;
  segments_.noted_newest = {};
  for (auto at = firsts.rbegin(); at != firsts.rend(); ++at) {
    auto path = settings_.folder / segment_name(*at);
    note(path, "removed: it was not yet synced when the segment before it lost its end");
    for (const auto& each : {path, synced_meta_path(path), key_file_path(path)})
      if (auto done = remove_file(each); !done) return done;
    if (auto done = sync_folder(settings_.folder); !done) return done;
  }
  return {};
}

result<void> log_opening::open_sums(const std::shared_ptr<const sealed_segment>& segment) {
  auto sums = load_page_sums(segment->path());
  if (sums.code() == errc::storage_corrupt || sums.code() == errc::format_foreign) {
    note(segment->path(), "its checksums cannot be used: " + sums.error().detail);
    return {};
  }
  if (!sums) return sums.error();
  if (!*sums)
    segments_.unsealed.push_back(segment);
  else if ((*sums)->bytes != segment->used_bytes() || (*sums)->last != segment->last())
    return segment->damaged(segment->last(), "the segment was sealed with entry " +
                                               std::to_string((*sums)->last.value) +
                                               " as its last one");
  return {};
}

result<void> log_opening::check_bounds() {
  auto all = segments_.older;
  all.push_back(newest_.pages);
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i - 1]->last() + 1 < all[i]->first())
      return lost_segment(settings_.folder, all[i - 1]->last() + 1,
                          "the next one begins with entry " +
                            std::to_string(all[i]->first().value));
    else if (all[i - 1]->last() + 1 != all[i]->first())
      return all[i]->damaged(all[i - 1]->last() + 1,
                             "it is missing: the segment before ends with entry " +
                               std::to_string(all[i - 1]->last().value));
  if (all.front()->first() > checkpoint_ + 1)
    return all.front()->damaged(checkpoint_ + 1,
                                "it is missing: the checkpoint ends before it, and the log begins "
                                "after it");
  if (all.back()->last() < checkpoint_ && !segments_.noted_newest && !newest_.restored)
    return lost_end(settings_.folder, all.back()->last(), checkpoint_);
  if (all.back()->last() < checkpoint_)
    return all.back()->damaged(checkpoint_, "it is missing: the checkpoint holds it, and the log "
                                            "ends before it");
  return {};
}

result<std::optional<entry_index>> log_opening::check_from_checkpoint() {
  auto from = checkpoint_ + 1;
  auto all = segments_.older;
  all.push_back(newest_.pages);
  for (const auto& segment : all) {
    if (segment->last() < from) continue;
    auto checked = check_entries(*segment, from);
    if (!checked) return checked.error();
    if (!checked->damaged) continue;
    if (segment != newest_.pages || *checked->damaged <= newest_.synced)
      return segment->damaged(*checked->damaged, checked->what);
    note(segment->path(), "cut back to entry " + std::to_string(checked->damaged->value - 1) +
                            ": the next one was not yet synced and is damaged (" + checked->what +
                            ")");
    return std::optional{entry_index{checked->damaged->value - 1}};
  }
  return std::optional<entry_index>{};
}

result<void> log_opening::restore_metas(const newest_segment& segment) {
  if (!segment.restored) return {};
  auto raw = file::open(segment.pages->path(), O_RDWR);
  if (!raw) return raw.error();
  if (auto done = raw->write(*segment.restored, 0); !done) return done;
  return raw->sync();
}

result<opened_log> log_opening::finish(std::optional<entry_index> cut) {
  if (auto done = restore_metas(newest_); !done) return done.error();
  auto path = newest_.pages->path();
  if (auto done = remove_page_sums(path); !done) return done.error();
  if (auto done = remove_file(key_file_path(path)); !done) return done.error();
  auto identity = newest_.pages->identity();
  auto last = newest_.pages->last();
  newest_.pages.reset();
  if (cut) {
    // Writes, and so needs what is before it to be synced.
    for (const auto& left : segments_.unfinished)
      if (auto done = finish_segment(left.path); !done) return done.error();
    segments_.unfinished.clear();
  }
  auto opened = active_segment::open(path, identity, last, newest_.synced, settings_.active);
  if (!opened) return opened.error();
  if (cut) {
    if (auto done = (*opened)->truncate_after(*cut); !done) return done.error();
  }
  if (auto done = note_newest(identity.first); !done) return done.error();
  segments_.newest = std::move(*opened);
  out_.log = std::make_shared<segmented_log>(std::move(settings_), std::move(segments_));
  return std::move(out_);
}

} // namespace

result<opened_log> open_log(segmented_log_settings settings, entry_index checkpoint) {
  return log_opening{std::move(settings), checkpoint}.run();
}

} // namespace carafe::storage
