#include "storage/data_dir.hpp"
#include "storage/data_format.hpp"
#include "storage/entry_check.hpp"
#include "storage/key_building.hpp"
#include "storage/latest_index.hpp"
#include "storage/lmdb_state_store.hpp"
#include "storage/log_recovery.hpp"
#include "storage/state_layout.hpp"
#include "storage/timer_index.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace carafe::storage {

namespace {

/// Where a queue stands after the entries read so far.
struct queue_end {
  offset next;
  unix_ms last_time;
};

/// Checks one shard, all of it, without LMDB.
class shard_check {
public:
  shard_check(std::filesystem::path folder, shard_id shard, verify_report& report)
    : folder_(std::move(folder)), shard_(shard), report_(report) {}

  /// @errors storage_failed; damage goes into the report.
  result<void> run();

private:
  result<void> check();
  /// One that the shard may have besides its log.
  template <class Index>
  result<void> check_index() {
    if (!Index::is_there(folder_)) return {};
    file_ = Index::path_in(folder_).string();
    return Index::check(folder_);
  }
  failure missing(entry_index first, failure why);
  result<void> check_notes(entry_index oldest, entry_index newest);
  /// @returns Whether recovery will put the segment back to an older state.
  result<bool> check_segment(entry_index first, bool newest);
  result<std::shared_ptr<sealed_segment>> open_older(const std::filesystem::path& path,
                                                     entry_index first);
  result<void> check_entries(const sealed_segment& in);
  result<void> check_entry_rows(const sealed_segment& in, const decoded_entry& entry,
                                table_cursor& rows);
  result<void> check_row(const sealed_segment& in, const decoded_entry& entry,
                         const effects::batch& batch, std::uint32_t position, table_cursor& rows);
  result<void> check_row_count(const sealed_segment& in, std::uint64_t batches);
  result<void> check_keys(const sealed_segment& in);

  std::filesystem::path folder_;
  shard_id shard_;
  verify_report& report_;
  std::unordered_map<queue_id, queue_end> queues_;
  /// What was being read when damage was met.
  std::string file_;
  entry_index index_{0};
  entry_index next_{0};
  std::uint64_t batches_ = 0;
  bool newest_is_noted_ = false;
};

bool is_damage(errc code) {
  return code == errc::storage_corrupt || code == errc::format_foreign ||
         code == errc::format_newer || code == errc::not_found;
}

result<void> shard_check::run() {
  auto done = check();
  report_.queues += queues_.size();
  if (done || !is_damage(done.code())) return done;
  report_.damage.push_back({file_, index_, done.error().detail});
  return {};
}

result<void> shard_check::check() {
  file_ = (folder_ / state_name).string();
  auto mark = check_state(folder_, shard_);
  if (!mark) return mark.error();
  if (auto done = check_index<timer_index>(); !done) return done;
  if (auto done = check_index<latest_index>(); !done) return done;
  auto firsts = list_segments(folder_);
  if (!firsts) return firsts.error();
  file_ = folder_.string();
  auto checkpoint = *mark ? (*mark)->index : entry_index{0};
  if (firsts->empty()) return {errc::storage_corrupt, folder_.string() + " holds no segment"};
  if (auto done = check_notes(firsts->front(), firsts->back()); !done) return done;
  index_ = next_ = firsts->front();
  if (next_ > checkpoint + 1)
    return {errc::storage_corrupt, "entries from the checkpoint, entry " +
                                     std::to_string(checkpoint.value) + ", on are missing"};
  for (std::size_t i = 0; i < firsts->size(); ++i) {
    auto first = (*firsts)[i];
    file_ = (folder_ / segment_name(first)).string();
    ++report_.segments;
    index_ = next_;
    if (first > next_)
      return missing(next_,
                     lost_segment(folder_, next_,
                                  "the next one begins with entry " + std::to_string(first.value)));
    if (first != next_)
      return {errc::storage_corrupt, "entry " + std::to_string(next_.value) +
                                       " is missing, this segment begins with entry " +
                                       std::to_string(first.value)};
    auto put_back = check_segment(first, i + 1 == firsts->size());
    if (!put_back) return put_back.error();
    // Recovery will remove what follows: none of it was synced.
    if (*put_back && i + 1 < firsts->size() && next_ != (*firsts)[i + 1]) break;
  }
  index_ = next_;
  if (next_ <= checkpoint && !newest_is_noted_)
    return missing(next_, lost_end(folder_, entry_index{next_.value - 1}, checkpoint));
  if (next_ <= checkpoint)
    return {errc::storage_corrupt,
            "the log ends before the checkpoint, entry " + std::to_string(checkpoint.value)};
  return {};
}

/// For the report: it names the file that is not there.
failure shard_check::missing(entry_index first, failure why) {
  file_ = (folder_ / segment_name(first)).string();
  index_ = first;
  return why;
}

/// Whether the log's first and last segments are those that it must have.
result<void> shard_check::check_notes(entry_index oldest, entry_index newest) {
  auto start = read_log_note(folder_, log_note::start);
  if (!start) return start.error();
  if (*start && **start < oldest) return missing(**start, lost_segments(folder_, **start, oldest));
  auto noted = read_log_note(folder_, log_note::newest);
  if (!noted) return noted.error();
  if (*noted && **noted > newest) return missing(**noted, lost_newest(folder_, **noted));
  newest_is_noted_ = noted->has_value();
  return {};
}

result<bool> shard_check::check_segment(entry_index first, bool newest) {
  auto path = folder_ / segment_name(first);
  auto unfinished = is_there(synced_meta_path(path));
  if (!unfinished) return unfinished.error();
  auto put_back = false;
  std::shared_ptr<sealed_segment> in;
  if (newest || *unfinished) {
    auto boot_id = current_boot_id();
    if (!boot_id) return boot_id.error();
    active_settings settings;
    settings.boot_id = std::move(*boot_id);
    auto read = read_newest(folder_, shard_, first, settings);
    if (!read) return read.error();
    if (read->damage) {
      index_ = read->synced + 1;
      return *read->damage;
    }
    put_back = read->restored.has_value();
    in = std::move(read->pages);
  } else {
    auto opened = open_older(path, first);
    if (!opened) return opened.error();
    in = std::move(*opened);
  }
  report_.bytes += in->used_bytes();
  if (auto done = check_entries(*in); !done) return done.error();
  if (!newest) {
    if (auto done = check_keys(*in); !done) return done.error();
  }
  return put_back;
}

result<std::shared_ptr<sealed_segment>> shard_check::open_older(const std::filesystem::path& path,
                                                                entry_index first) {
  auto in = sealed_segment::open(path, shard_, first);
  if (!in) return in.error();
  auto sums = load_page_sums(path);
  if (!sums) return sums.error();
  if (*sums) {
    if (auto done = check_page_sums((*in)->pages(), **sums); !done) {
      // The first entry that suffers, if one does.
      auto entries = storage::check_entries(**in, first);
      if (entries && entries->damaged) index_ = *entries->damaged;
      return done.error();
    }
  }
  check_position position;
  auto sound = check_pages((*in)->pages(), segment_rules, &position);
  if (sound) return in;
  if (position.integer_key) index_.value = *position.integer_key + 1;
  return sound.error();
}

result<void> shard_check::check_entries(const sealed_segment& in) {
  auto state = in.snapshot();
  if (!state) return state.error();
  auto entries = (*state)->open(table_log);
  if (!entries) return entries.error();
  auto rows = (*state)->open(table_index);
  if (!rows) return rows.error();
  batches_ = 0;
  auto there = (*entries)->first();
  for (; there && *there; there = (*entries)->next()) {
    index_ = next_;
    if ((*entries)->key().size() != log_key_bytes || decode_log_key((*entries)->key()) != next_)
      return {errc::storage_corrupt, "the entry is missing"};
    auto stored = read_whole_value(**entries);
    if (!stored) return stored.error();
    auto entry = decode_entry(std::move(*stored));
    if (!entry) return entry.error();
    if (entry->header.index != next_)
      return {errc::storage_corrupt, "the entry says it is another one"};
    if (auto done = check_entry_rows(in, *entry, **rows); !done) return done;
    ++report_.entries;
    next_ = next_ + 1;
  }
  if (!there) return there.error();
  return check_row_count(in, batches_);
}

result<void> shard_check::check_entry_rows(const sealed_segment& in, const decoded_entry& entry,
                                           table_cursor& rows) {
  std::uint32_t position = 0;
  for (const auto& effect : entry.effects) {
    const auto* batch = std::get_if<effects::batch>(&effect);
    if (!batch || batch->timed) continue;
    if (auto done = check_row(in, entry, *batch, position++, rows); !done) return done;
    ++batches_;
    report_.messages += batch->count;
  }
  return {};
}

result<void> shard_check::check_row(const sealed_segment&, const decoded_entry& entry,
                                    const effects::batch& batch, std::uint32_t position,
                                    table_cursor& rows) {
  auto of_queue = "queue " + std::to_string(batch.queue.value) + ", offset " +
                  std::to_string(batch.base.value) + ": ";
  auto key = encode_index_key(batch.queue, batch.base);
  auto there = rows.seek(key);
  if (!there) return there.error();
  if (!*there || compare_keys(rows.key(), key, false) != 0)
    return {errc::storage_corrupt, of_queue + "the batch has no index row"};
  auto row = read_row(rows);
  if (!row) return {row.code(), of_queue + row.error().detail};
  if (row->row.entry != entry.header.index || row->row.count != batch.count ||
      row->position != position)
    return {errc::storage_corrupt, of_queue + "the index row does not match the batch"};
  auto [end, is_new] = queues_.try_emplace(batch.queue, queue_end{batch.base, row->row.time});
  if (end->second.next != batch.base)
    return {errc::storage_corrupt,
            of_queue + "the queue's next offset is " + std::to_string(end->second.next.value)};
  if (row->row.time < end->second.last_time)
    return {errc::storage_corrupt, of_queue + "its broker time is before that of the last batch"};
  end->second = {batch.base + batch.count, row->row.time};
  return {};
}

result<void> shard_check::check_row_count(const sealed_segment& in, std::uint64_t batches) {
  auto index = find_table(in.pages(), segment_tables[table_index].name);
  if (!index) return index.error();
  // Every batch has its row, so that a row too many is one without a batch.
  if (index->entries != batches)
    return {errc::storage_corrupt, "the index has " + std::to_string(index->entries) +
                                     " rows for " + std::to_string(batches) + " batches"};
  return {};
}

/// Nothing is lost with an index of keys.
result<void> shard_check::check_keys(const sealed_segment& in) {
  const auto source = key_source_of(in, shard_);
  if (!source) return source.error();
  const auto keys = key_file::open(in.path(), *source);
  if (keys.code() == errc::not_found) return {};
  const auto sound = keys ? check_key_file(in, **keys) : result<void>{keys.error()};
  if (sound)
    ++report_.key_indices;
  else if (!is_damage(sound.code()))
    return sound;
  else
    report_.notes.push_back(sound.error().detail + "; the node builds it anew");
  return {};
}

} // namespace

result<verify_report> verify(data_dir& dir) {
  verify_report report;
  auto made = read_made_shards(dir.path());
  if (!made && !is_damage(made.code())) return made.error();
  if (!made) report.damage.push_back({dir.path().string(), entry_index{0}, made.error().detail});
  const auto there = dir.shards();
  for (auto shard : made ? *made : std::set<shard_id>{})
    if (!std::ranges::binary_search(there, shard))
      report.damage.push_back({(dir.path() / data_dir::shard_folder(shard)).string(),
                               entry_index{0}, "the folder is missing"});
  for (auto shard : there) {
    ++report.shards;
    shard_check check{dir.path() / data_dir::shard_folder(shard), shard, report};
    if (auto done = check.run(); !done) return done.error();
  }
  return report;
}

} // namespace carafe::storage
