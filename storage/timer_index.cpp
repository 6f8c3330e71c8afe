#include "storage/timer_index.hpp"

#include "schema/records.hpp"
#include "storage/file.hpp"
#include "storage/index_file.hpp"
#include "storage/key_bytes.hpp"
#include "storage/page_check.hpp"
#include "storage/state_layout.hpp"
#include "storage/table_rows.hpp"

#include <array>
#include <bit>
#include <fcntl.h>
#include <limits>
#include <string_view>

namespace carafe::storage {

namespace {

constexpr std::string_view index_name = "timers.mdb";

enum index_table : std::size_t { table_due = 0, table_ids = 1, table_names = 2 };
constexpr std::array<lmdb::table_spec, 3> index_tables{
  {{"due", false}, {"ids", false}, {"names", false}}};
constexpr std::array<table_rule, 3> index_rules{
  {{"due", false, 24}, {"ids", false, 16}, {"names", false, 32}}};

/// Times before 1970 come first.
constexpr std::uint64_t sign = std::uint64_t{1} << 63;

std::string time_bytes(unix_ms t) { return big_endian(static_cast<std::uint64_t>(t.value) ^ sign); }

unix_ms time_at(std::string_view text, std::size_t at) {
  return unix_ms{static_cast<std::int64_t>(big_endian_at(text, at) ^ sign)};
}

std::string due_key(const timer_key& at) {
  return time_bytes(at.due) + big_endian(at.queue.value) + big_endian(at.number);
}

timer_key key_of(std::string_view due) {
  return {time_at(due, 0), queue_id{big_endian_at(due, 8)}, big_endian_at(due, 16)};
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
  if (row && due_key(row->at) != key) row = {errc::storage_corrupt, "it is another one's"};
  if (!row)
    return {errc::storage_corrupt, path.string() + ": a message due at " +
                                     std::to_string(key_of(key).due.value) + ": " +
                                     row.error().detail};
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
  auto from = page_file::open(path_in(folder));
  if (!from) return from.error();
  if (auto sound = check_pages(*from, index_rules); !sound) return sound;
  return for_each_row(*from, index_tables[table_due].name,
                      [&](std::string_view key, std::string_view value) -> result<void> {
                        auto row = decoded_row(key, value, from->path());
                        return row ? result<void>{} : row.error();
                      });
}

result<std::unique_ptr<timer_index>> timer_index::open(const std::filesystem::path& folder) {
  auto env = open_index(path_in(folder), index_tables, index_rules);
  if (!env) return env.error();
  return std::unique_ptr<timer_index>{new timer_index{std::move(*env)}};
}

// -- writing --------------------------------------------------------------------------------------

result<void> timer_index::put(lmdb::txn& in, const timer_record& row) {
  const auto key = due_key(row.at);
  const auto value = sealed_value(key, encode_record(row));
  const auto& path = env_->path();
  auto ok = index_written(in.put(env_->table_at(table_due), as_bytes(key), as_bytes(value)), path);
  if (ok && row.producer != no_producer)
    ok = index_written(in.put(env_->table_at(table_ids),
                              as_bytes(id_key(row.producer, row.sequence)), as_bytes(key)),
                       path);
  if (ok && !row.name.empty())
    ok = index_written(in.put(env_->table_at(table_names), as_bytes(name_key(row)), {}), path);
  return ok;
}

result<void> timer_index::end(lmdb::txn& in, const timer_key& at) {
  const auto key = due_key(at);
  const auto& path = env_->path();
  auto stored = in.get(env_->table_at(table_due), as_bytes(key));
  if (!stored) return stored.error();
  if (!*stored) return {}; // Said again.
  auto row = record_of(key, as_text(**stored), path);
  if (!row) return row.error();
  auto ok = index_written(in.erase(env_->table_at(table_due), as_bytes(key)), path);
  const auto id = id_key(row->producer, row->sequence);
  auto points = in.get(env_->table_at(table_ids), as_bytes(id));
  if (!points) return points.error();
  // It may be that of a time that it was moved to.
  if (ok && *points && as_text(**points) == key)
    ok = index_written(in.erase(env_->table_at(table_ids), as_bytes(id)), path);
  if (ok && !row->name.empty())
    ok = index_written(in.erase(env_->table_at(table_names), as_bytes(name_key(*row))), path);
  return ok;
}

result<void> timer_index::change(const std::vector<const timer_record*>& put_these,
                                 const std::vector<timer_key>& ended) {
  std::uint64_t bytes = 0;
  for (const auto* row : put_these) bytes += row->batch.size() + row->name.size();
  if (auto room = reserve_for(*env_, put_these.size() + ended.size(), bytes); !room) return room;
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  for (const auto& at : ended)
    if (auto ok = end(*txn, at); !ok) return ok;
  for (const auto* row : put_these)
    if (auto ok = put(*txn, *row); !ok) return ok;
  return index_written(txn->commit(), env_->path());
}

// -- reading --------------------------------------------------------------------------------------

result<timer_index::found> timer_index::scan(const timer_key& after,
                                             const std::function<bool(const timer_key&)>& goes_on,
                                             const std::function<bool(const timer_key&)>& wanted,
                                             std::size_t rows_max, std::uint64_t bytes_max) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto rows = txn->open_cursor(env_->table_at(table_due));
  if (!rows) return rows.error();
  found out;
  std::uint64_t bytes = 0;
  const auto begin = due_key(after);
  auto at = rows->seek(as_bytes(begin));
  for (; at && *at; at = rows->next()) {
    const auto text = as_text((*at)->key);
    if (text == begin) continue;
    const auto key = key_of(text);
    if (!goes_on(key)) return out;
    if (!wanted(key)) {
      out.end = key;
      continue;
    }
    if (out.rows.size() >= rows_max || bytes >= bytes_max) {
      out.whole = false;
      return out;
    }
    auto row = record_of(text, as_text((*at)->value), env_->path());
    if (!row) return row.error();
    bytes += (*at)->value.size();
    out.rows.push_back(std::move(*row));
    out.end = key;
  }
  if (!at) return at.error();
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
  const std::string key{as_text(**points)};
  auto stored = txn->get(env_->table_at(table_due), as_bytes(key));
  if (!stored) return stored.error();
  if (!*stored) return out;
  auto row = record_of(key, as_text(**stored), env_->path());
  if (!row) return row.error();
  out.push_back(std::move(*row));
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
    const auto key = due_key(place);
    auto stored = txn->get(env_->table_at(table_due), as_bytes(key));
    if (!stored) return stored.error();
    if (!*stored) continue;
    auto row = record_of(key, as_text(**stored), env_->path());
    if (!row) return row.error();
    if (row->name != name) continue; // Another one with this hash.
    bytes += row->batch.size();
    out.rows.push_back(std::move(*row));
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
