#include "storage/timer_index.hpp"

#include "schema/records.hpp"
#include "storage/file.hpp"
#include "storage/index_file.hpp"
#include "storage/key_bytes.hpp"
#include "storage/page_check.hpp"
#include "storage/state_layout.hpp"
#include "storage/table_rows.hpp"
#include "storage/timer_keys.hpp"
#include "storage/timer_merge.hpp"

#include <array>
#include <fcntl.h>
#include <functional>
#include <map>
#include <string_view>

namespace carafe::storage {

namespace {

constexpr std::string_view index_name = "timers.mdb";

enum index_table : std::size_t { table_rows = 0, table_ids = 1, table_names = 2, table_spans = 3 };
constexpr std::array<lmdb::table_spec, 4> index_tables{
  {{"rows", false}, {"ids", false}, {"names", false}, {"spans", false}}};
constexpr std::array<table_rule, 4> index_rules{
  {{"rows", false, 32}, {"ids", false, 16}, {"names", false, 32}, {"spans", false, 16}}};

/// Of what is left in runs, one change moves so much at most; and so many spans go, or one run's.
constexpr std::size_t moved_max = 1'024;
constexpr std::uint64_t moved_bytes_max = 4u << 20;

std::string span_key(std::uint64_t run, queue_id queue) {
  return big_endian(run) + big_endian(queue.value);
}

failure damaged(const std::filesystem::path& path, const std::string& what) {
  return {errc::storage_corrupt, path.string() + ": " + what};
}

result<timer_runs::span> span_of(std::string_view key, const result<std::string_view>& value,
                                 const std::filesystem::path& path) {
  const auto where = "run " + std::to_string(run_of(key)) + " of queue " +
                     std::to_string(big_endian_at(key, 8)) + ": ";
  if (!value) return damaged(path, where + value.error().detail);
  if (value->size() != 32)
    return damaged(path, where + "a span of " + std::to_string(value->size()) + " bytes");
  return timer_runs::span{run_of(key),
                          queue_id{big_endian_at(key, 8)},
                          big_endian_at(*value, 0),
                          big_endian_at(*value, 8),
                          big_endian_at(*value, 16),
                          big_endian_at(*value, 24)};
}

result<void> add(timer_runs& to, const timer_runs::span& span, const std::filesystem::path& path) {
  if (to.add(span)) return {};
  return damaged(path, "messages " + std::to_string(span.first) + " to " +
                         std::to_string(span.last) + " of queue " +
                         std::to_string(span.queue.value) + " are in two runs");
}

std::string id_key(producer_id producer, sequence number) {
  return big_endian(producer.value) + big_endian(number.value);
}

/// FNV-1a: only to find names; they are compared then.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

std::string name_prefix(queue_id queue, const std::string& name) {
  return big_endian(queue.value) + big_endian(hash_of(name));
}

std::string name_key(const timer_record& row) {
  return name_prefix(row.at.queue, row.name) + time_bytes(row.at.due) + big_endian(row.at.number);
}

result<timer_record> decoded_row(std::string_view key, const result<std::string_view>& value,
                                 const std::filesystem::path& path) {
  auto row = value ? decode_record<timer_record>(*value) : result<timer_record>{value.error()};
  if (row && due_key(row->at) != due_of(key)) row = {errc::storage_corrupt, "it is another one's"};
  if (!row)
    return damaged(path, "a message due at " + std::to_string(key_of(due_of(key)).due.value) +
                           ": " + row.error().detail);
  return row;
}

result<timer_record> record_of(std::string_view key, std::string_view stored,
                               const std::filesystem::path& path) {
  return decoded_row(key, open_value(key, stored), path);
}

} // namespace

bool timer_index::is_there(const std::filesystem::path& folder) {
  auto there = storage::is_there(path_in(folder));
  return there && *there;
}

std::filesystem::path timer_index::path_in(const std::filesystem::path& folder) {
  return folder / index_name;
}

result<void> timer_index::check(const std::filesystem::path& folder) {
  const auto path = path_in(folder);
  auto from = page_file::open(path);
  if (!from) return from.error();
  if (auto sound = check_pages(*from, index_rules); !sound) return sound;
  timer_runs runs;
  auto read = for_each_row(*from, index_tables[table_spans].name,
                           [&](std::string_view key, std::string_view value) -> result<void> {
                             auto span = span_of(key, value, path);
                             return span ? add(runs, *span, path) : span.error();
                           });
  if (!read) return read;
  std::map<std::uint64_t, std::uint64_t> counts;
  read = for_each_row(*from, index_tables[table_rows].name,
                      [&](std::string_view key, std::string_view value) -> result<void> {
                        auto row = decoded_row(key, value, path);
                        if (!row) return row.error();
                        if (run_of(key) == no_run) return {};
                        ++counts[run_of(key)];
                        if (runs.of(row->at.queue, row->at.number) == run_of(key)) return {};
                        return damaged(path, "message " + std::to_string(row->at.number) +
                                               " of queue " + std::to_string(row->at.queue.value) +
                                               " is in another run than its number says");
                      });
  for (const auto& [run, count] : counts)
    if (read && runs.left_in(run) != count)
      read = damaged(path, "run " + std::to_string(run) + " has " + std::to_string(count) +
                             " messages, and says " + std::to_string(runs.left_in(run)));
  return read;
}

result<std::unique_ptr<timer_index>> timer_index::open(const std::filesystem::path& folder,
                                                       timer_runs::options runs) {
  auto env = open_index(path_in(folder), index_tables, index_rules);
  if (!env) return env.error();
  std::unique_ptr<timer_index> out{new timer_index{std::move(*env), runs}};
  if (auto read = out->read_runs(); !read) return read.error();
  return out;
}

result<void> timer_index::read_runs() {
  runs_.reset();
  timer_runs read{options_};
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto rows = txn->open_cursor(env_->table_at(table_spans));
  if (!rows) return rows.error();
  auto at = rows->first();
  for (; at && *at; at = rows->next()) {
    const auto key = as_text((*at)->key);
    auto span = span_of(key, open_value(key, as_text((*at)->value)), env_->path());
    if (!span) return span.error();
    if (auto ok = add(read, *span, env_->path()); !ok) return ok;
  }
  if (!at) return at.error();
  runs_ = std::move(read);
  return {};
}

// -- writing --------------------------------------------------------------------------------------

result<std::optional<std::string>> timer_index::find(const lmdb::txn& in,
                                                     const timer_key& at) const {
  std::optional<std::string> out;
  if (!runs_) return {errc::storage_failed, env_->path().string() + ": its runs are not known"};
  const auto look = [&](std::uint64_t run) -> result<void> {
    auto key = row_key(run, at);
    auto stored = in.get(env_->table_at(table_rows), as_bytes(key));
    if (!stored) return stored.error();
    if (*stored) out = std::move(key);
    return {};
  };
  if (const auto run = runs_->of(at.queue, at.number))
    if (auto ok = look(*run); !ok) return ok.error();
  if (!out)
    if (auto ok = look(no_run); !ok) return ok.error();
  return out;
}

result<void> timer_index::put(lmdb::txn& in, const timer_record& row) {
  const auto& path = env_->path();
  const auto run = runs_->place(row.at.queue, row.at.number);
  if (run != no_run) {
    // It may have been put there before its number was one of a span.
    const auto other = row_key(no_run, row.at);
    if (auto ok = index_written(in.erase(env_->table_at(table_rows), as_bytes(other)), path); !ok)
      return ok;
  }
  const auto key = row_key(run, row.at);
  if (run != no_run) {
    auto there = in.get(env_->table_at(table_rows), as_bytes(key));
    if (!there) return there.error();
    if (!*there) runs_->came(row.at.queue, row.at.number);
  }
  const auto due = due_key(row.at);
  const auto value = sealed_value(key, encode_record(row));
  auto ok = index_written(in.put(env_->table_at(table_rows), as_bytes(key), as_bytes(value)), path);
  if (ok && row.producer != no_producer)
    ok = index_written(in.put(env_->table_at(table_ids),
                              as_bytes(id_key(row.producer, row.sequence)), as_bytes(due)),
                       path);
  if (ok && !row.name.empty())
    ok = index_written(in.put(env_->table_at(table_names), as_bytes(name_key(row)), {}), path);
  return ok;
}

result<void> timer_index::end(lmdb::txn& in, const timer_key& at) {
  const auto& path = env_->path();
  auto key = find(in, at);
  if (!key) return key.error();
  if (!*key) return {}; // Said again.
  auto row = row_at(in, **key);
  if (!row) return row.error();
  auto ok = index_written(in.erase(env_->table_at(table_rows), as_bytes(**key)), path);
  if (run_of(**key) != no_run) runs_->went(at.queue, at.number);
  const auto id = id_key(row->producer, row->sequence);
  auto points = in.get(env_->table_at(table_ids), as_bytes(id));
  if (!points) return points.error();
  // It may be that of a time that it was moved to.
  if (ok && *points && as_text(**points) == due_key(at))
    ok = index_written(in.erase(env_->table_at(table_ids), as_bytes(id)), path);
  if (ok && !row->name.empty())
    ok = index_written(in.erase(env_->table_at(table_names), as_bytes(name_key(*row))), path);
  return ok;
}

/// What is left of runs that are nearly empty, so much of it as one change may move.
result<timer_index::row_list> timer_index::leftovers() const {
  row_list out;
  if (!runs_->is_full()) return out;
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto rows = txn->open_cursor(env_->table_at(table_rows));
  if (!rows) return rows.error();
  std::uint64_t bytes = 0;
  for (const auto run : runs_->nearly_empty()) {
    if (runs_->left_in(run) == 0) continue;
    auto at = rows->seek(as_bytes(big_endian(run)));
    for (; at && *at && run_of(as_text((*at)->key)) == run; at = rows->next()) {
      if (out.size() >= moved_max || bytes >= moved_bytes_max) return out;
      bytes += (*at)->value.size();
      out.emplace_back(as_text((*at)->key), as_text((*at)->value));
    }
    if (!at) return at.error();
  }
  return out;
}

/// Begins another run if the open one has taken enough; those that are empty are forgotten.
/// @param moved What goes to run 0 for that.
result<void> timer_index::turn_over(lmdb::txn& in, const row_list& moved) {
  if (!runs_->is_full()) return {};
  const auto& path = env_->path();
  for (const auto& [key, stored] : moved) {
    auto record = open_value(key, stored);
    if (!record) return damaged(path, record.error().detail);
    const auto at = key_of(due_of(key));
    const auto to = row_key(no_run, at);
    const auto value = sealed_value(to, *record);
    auto ok = index_written(in.erase(env_->table_at(table_rows), as_bytes(key)), path);
    if (ok)
      ok = index_written(in.put(env_->table_at(table_rows), as_bytes(to), as_bytes(value)), path);
    if (!ok) return ok;
    runs_->went(at.queue, at.number);
  }
  std::size_t forgotten = 0;
  for (const auto run : runs_->nearly_empty()) {
    if (runs_->left_in(run) > 0 || forgotten >= moved_max) continue;
    for (const auto& span : runs_->spans_of(run)) {
      const auto key = span_key(run, span.queue);
      auto erased = in.erase(env_->table_at(table_spans), as_bytes(key));
      if (auto ok = index_written(erased, path); !ok) return ok;
      ++forgotten;
    }
    runs_->drop(run);
  }
  if (runs_->has_room()) runs_->begin_run();
  return {};
}

result<void> timer_index::write_spans(lmdb::txn& in) {
  for (const auto& span : runs_->take_changed()) {
    const auto key = span_key(span.run, span.queue);
    const auto value = sealed_value(key, big_endian(span.first) + big_endian(span.last) +
                                           big_endian(span.rows) + big_endian(span.left));
    auto put = in.put(env_->table_at(table_spans), as_bytes(key), as_bytes(value));
    if (auto ok = index_written(put, env_->path()); !ok) return ok;
  }
  return {};
}

result<void> timer_index::write(const std::vector<const timer_record*>& put_these,
                                const std::vector<timer_key>& ended, const row_list& moved) {
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  if (!put_these.empty())
    if (auto ok = turn_over(*txn, moved); !ok) return ok;
  for (const auto& at : ended)
    if (auto ok = end(*txn, at); !ok) return ok;
  for (const auto* row : put_these)
    if (auto ok = put(*txn, *row); !ok) return ok;
  if (auto ok = write_spans(*txn); !ok) return ok;
  return index_written(txn->commit(), env_->path());
}

result<void> timer_index::change(const std::vector<const timer_record*>& put_these,
                                 const std::vector<timer_key>& ended) {
  if (!runs_)
    if (auto ok = read_runs(); !ok) return ok;
  auto moved = put_these.empty() ? result<row_list>{row_list{}} : leftovers();
  if (!moved) return moved.error();
  std::uint64_t bytes = 0;
  for (const auto* row : put_these) bytes += row->batch.size() + row->name.size();
  for (const auto& [key, value] : *moved) bytes += value.size();
  const auto changes = put_these.size() + ended.size() + 2 * moved->size();
  if (auto room = reserve_for(*env_, changes, bytes); !room) return room;
  auto ok = write(put_these, ended, *moved);
  // What the runs have become is not written: they are read again, now or before the next change.
  if (!ok) static_cast<void>(read_runs());
  return ok;
}

// -- reading --------------------------------------------------------------------------------------

result<timer_record> timer_index::row_at(const lmdb::txn& in, std::string_view key) const {
  auto stored = in.get(env_->table_at(table_rows), as_bytes(key));
  if (!stored) return stored.error();
  if (!*stored) return {errc::not_found, "no message waits there"};
  return record_of(key, as_text(**stored), env_->path());
}

result<std::optional<timer_record>> timer_index::row_of(const lmdb::txn& in,
                                                        const timer_key& at) const {
  auto key = find(in, at);
  if (!key) return key.error();
  if (!*key) return std::optional<timer_record>{};
  auto row = row_at(in, **key);
  if (!row) return row.error();
  return std::optional{std::move(*row)};
}

result<timer_index::found> timer_index::scan(const timer_key& after,
                                             const std::function<bool(const timer_key&)>& goes_on,
                                             const std::function<bool(const timer_key&)>& wanted,
                                             std::size_t rows_max, std::uint64_t bytes_max) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto rows = timer_merge::open(*txn, env_->table_at(table_rows), after);
  if (!rows) return rows.error();
  found out;
  std::uint64_t bytes = 0;
  while (const auto at = rows->current()) {
    const auto text = as_text(at->key);
    const auto key = key_of(due_of(text));
    if (!goes_on(key)) return out;
    if (wanted(key)) {
      if (out.rows.size() >= rows_max || bytes >= bytes_max) {
        out.whole = false;
        return out;
      }
      auto row = record_of(text, as_text(at->value), env_->path());
      if (!row) return row.error();
      bytes += at->value.size();
      out.rows.push_back(std::move(*row));
    }
    out.end = key;
    if (auto ok = rows->advance(); !ok) return ok.error();
  }
  return out;
}

result<timer_index::found> timer_index::next(const timer_key& after, unix_ms until,
                                             std::size_t rows_max, std::uint64_t bytes_max) const {
  return scan(
    after, [until](const timer_key& at) { return at.due <= until; },
    [](const timer_key&) { return true; }, rows_max, bytes_max);
}

result<timer_index::found> timer_index::next_of(const std::set<queue_id>& queues,
                                                const timer_key& after, std::size_t rows_max,
                                                std::uint64_t bytes_max,
                                                std::size_t scan_max) const {
  std::size_t seen = 0;
  bool stopped = false;
  auto out = scan(
    after, [&](const timer_key&) { return !(stopped = ++seen > scan_max); },
    [&](const timer_key& at) { return queues.contains(at.queue); }, rows_max, bytes_max);
  if (out && stopped) out->whole = false;
  return out;
}

result<std::vector<timer_record>> timer_index::with_id(producer_id producer,
                                                       sequence number) const {
  std::vector<timer_record> out;
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto points = txn->get(env_->table_at(table_ids), as_bytes(id_key(producer, number)));
  if (!points) return points.error();
  if (!*points) return out;
  if ((*points)->size() != due_key_bytes) return damaged(env_->path(), "an id leads nowhere");
  auto row = row_of(*txn, key_of(as_text(**points)));
  if (!row) return row.error();
  if (*row) out.push_back(std::move(**row));
  return out;
}

result<timer_index::found> timer_index::with_name(queue_id queue, const std::string& name,
                                                  const timer_key& after, const timer_key& until,
                                                  std::size_t rows_max,
                                                  std::uint64_t bytes_max) const {
  found out;
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto names = txn->open_cursor(env_->table_at(table_names));
  if (!names) return names.error();
  const auto prefix = name_prefix(queue, name);
  const auto begin = prefix + time_bytes(after.due) + big_endian(after.number);
  std::uint64_t bytes = 0;
  auto at = names->seek(as_bytes(begin));
  for (; at && *at; at = names->next()) {
    const auto text = as_text((*at)->key);
    if (!text.starts_with(prefix)) return out;
    const timer_key place{time_at(text, 16), queue, big_endian_at(text, 24)};
    if (place <= after) continue;
    if (place > until) return out;
    if (out.rows.size() >= rows_max || bytes >= bytes_max) {
      out.whole = false;
      return out;
    }
    out.end = place;
    auto stored = row_of(*txn, place);
    if (!stored) return stored.error();
    if (!*stored || (*stored)->name != name) continue; // Another one with this hash.
    bytes += (*stored)->batch.size();
    out.rows.push_back(std::move(**stored));
  }
  if (!at) return at.error();
  return out;
}

result<std::uint64_t> timer_index::copy_to(const std::filesystem::path& to) const {
  auto out = file::open(to / index_name, O_WRONLY | O_CREAT | O_EXCL);
  if (!out) return out.error();
  if (auto ok = env_->copy_to(out->descriptor()); !ok) return ok.error();
  if (auto ok = out->sync(); !ok) return ok.error();
  return out->size();
}

} // namespace carafe::storage
