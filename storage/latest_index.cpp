#include "storage/latest_index.hpp"

#include "schema/records.hpp"
#include "storage/file.hpp"
#include "storage/index_file.hpp"
#include "storage/key_bytes.hpp"
#include "storage/page_check.hpp"
#include "storage/state_layout.hpp"
#include "storage/table_rows.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <limits>
#include <map>
#include <string>
#include <string_view>

namespace carafe::storage {

namespace {

constexpr std::string_view index_name = "latest.mdb";

enum index_table : std::size_t { table_rows = 0, table_keys = 1, table_queues = 2 };
constexpr std::array<lmdb::table_spec, 3> index_tables{
  {{"rows", false}, {"keys", false}, {"queues", false}}};
constexpr std::array<table_rule, 3> index_rules{
  {{"rows", false, 16}, {"keys", false, 24}, {"queues", false, 8}}};

constexpr std::size_t forgotten_at_once = 4'096;

std::string row_key(queue_id queue, offset at) {
  return big_endian(queue.value) + big_endian(at.value);
}

std::string digest_key(queue_id queue, const id_digest& key) {
  return big_endian(queue.value) + big_endian(key.high) + big_endian(key.low);
}

failure damaged(const std::filesystem::path& path, const std::string& what) {
  return {errc::storage_corrupt, path.string() + ": " + what};
}

result<offset> offset_of(std::string_view key, std::string_view stored,
                         const std::filesystem::path& path) {
  auto value = open_value(key, stored);
  if (!value) return damaged(path, value.error().detail);
  if (value->size() != 8)
    return damaged(path, "an offset of " + std::to_string(value->size()) + " bytes");
  return offset{big_endian_at(*value, 0)};
}

result<latest_record> decoded_row(std::string_view key, const result<std::string_view>& value,
                                  const std::filesystem::path& path) {
  auto row = value ? decode_record<latest_record>(*value) : result<latest_record>{value.error()};
  if (row && row_key(row->queue, row->at) != key)
    row = {errc::storage_corrupt, "it is another one's"};
  if (!row)
    return damaged(path, "offset " + std::to_string(big_endian_at(key, 8)) + " of queue " +
                           std::to_string(big_endian_at(key, 0)) + ": " + row.error().detail);
  return row;
}

result<latest_record> record_of(std::string_view key, std::string_view stored,
                                const std::filesystem::path& path) {
  return decoded_row(key, open_value(key, stored), path);
}

} // namespace

bool latest_index::is_there(const std::filesystem::path& folder) {
  auto there = storage::is_there(path_in(folder));
  return there && *there;
}

std::filesystem::path latest_index::path_in(const std::filesystem::path& folder) {
  return folder / index_name;
}

result<void> latest_index::check(const std::filesystem::path& folder) {
  const auto path = path_in(folder);
  auto from = page_file::open(path);
  if (!from) return from.error();
  if (auto sound = check_pages(*from, index_rules); !sound) return sound;
  std::map<std::uint64_t, std::uint64_t> horizons;
  auto read = for_each_row(*from, index_tables[table_queues].name,
                           [&](std::string_view key, std::string_view value) -> result<void> {
                             if (value.size() != 8) return damaged(path, "a horizon is no number");
                             horizons[big_endian_at(key, 0)] = big_endian_at(value, 0);
                             return {};
                           });
  if (!read) return read;
  return for_each_row(*from, index_tables[table_rows].name,
                      [&](std::string_view key, std::string_view value) -> result<void> {
                        auto row = decoded_row(key, value, path);
                        if (!row) return row.error();
                        const auto top = horizons.find(row->queue.value);
                        if (top == horizons.end() || row->at.value < top->second) return {};
                        return damaged(path, "offset " + std::to_string(row->at.value) +
                                               " of queue " + std::to_string(row->queue.value) +
                                               " is not below its queue's horizon");
                      });
}

result<std::unique_ptr<latest_index>> latest_index::open(const std::filesystem::path& folder) {
  auto env = open_index(path_in(folder), index_tables, index_rules);
  if (!env) return env.error();
  return std::unique_ptr<latest_index>{new latest_index{std::move(*env)}};
}

// -- writing --------------------------------------------------------------------------------------

result<std::optional<offset>> latest_index::horizon(const lmdb::txn& in, queue_id queue) const {
  const auto key = big_endian(queue.value);
  auto stored = in.get(env_->table_at(table_queues), as_bytes(key));
  if (!stored) return stored.error();
  if (!*stored) return std::optional<offset>{};
  auto at = offset_of(key, as_text(**stored), env_->path());
  if (!at) return at.error();
  return std::optional{*at};
}

result<void> latest_index::apply(lmdb::txn& in, const change& what) {
  const auto& path = env_->path();
  const auto& row = what.row;
  const auto digest = digest_key(row.queue, row.key);
  auto before = in.get(env_->table_at(table_keys), as_bytes(digest));
  if (!before) return before.error();
  if (*before) {
    auto at = offset_of(digest, as_text(**before), path);
    if (!at) return at.error();
    const auto old = row_key(row.queue, *at);
    if (auto ok = index_written(in.erase(env_->table_at(table_rows), as_bytes(old)), path); !ok)
      return ok;
  }
  if (what.ends) return index_written(in.erase(env_->table_at(table_keys), as_bytes(digest)), path);
  const auto key = row_key(row.queue, row.at);
  const auto value = sealed_value(key, encode_record(row));
  auto ok = index_written(in.put(env_->table_at(table_rows), as_bytes(key), as_bytes(value)), path);
  if (!ok) return ok;
  const auto place = sealed_value(digest, big_endian(row.at.value));
  return index_written(in.put(env_->table_at(table_keys), as_bytes(digest), as_bytes(place)), path);
}

result<void> latest_index::take_in(queue_id queue, offset horizon,
                                   const std::vector<change>& changes) {
  std::uint64_t bytes = 0;
  for (const auto& each : changes) bytes += each.row.batch.size();
  if (auto room = reserve_for(*env_, changes.size() + 1, bytes); !room) return room;
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  for (const auto& each : changes)
    if (auto ok = apply(*txn, each); !ok) return ok;
  const auto key = big_endian(queue.value);
  const auto value = sealed_value(key, big_endian(horizon.value));
  const auto& path = env_->path();
  auto ok =
    index_written(txn->put(env_->table_at(table_queues), as_bytes(key), as_bytes(value)), path);
  if (!ok) return ok;
  return index_written(txn->commit(), path);
}

result<bool> latest_index::forget(queue_id queue) {
  if (auto room = reserve_for(*env_, 2 * forgotten_at_once + 1, 0); !room) return room.error();
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  const auto prefix = big_endian(queue.value);
  const auto& path = env_->path();
  // First, so that nobody takes what is left for all.
  if (auto ok = index_written(txn->erase(env_->table_at(table_queues), as_bytes(prefix)), path);
      !ok)
    return ok.error();
  std::size_t left = forgotten_at_once;
  for (const auto table : {table_rows, table_keys}) {
    auto at = txn->open_cursor(env_->table_at(table));
    if (!at) return at.error();
    auto here = at->seek(as_bytes(prefix));
    for (; here && *here && left > 0; here = at->seek(as_bytes(prefix)), --left) {
      if (!as_text((*here)->key).starts_with(prefix)) break;
      if (auto ok = index_written(at->erase(), path); !ok) return ok.error();
    }
    if (!here) return here.error();
  }
  if (auto ok = index_written(txn->commit(), path); !ok) return ok.error();
  return left > 0;
}

// -- reading --------------------------------------------------------------------------------------

result<std::vector<latest_index::kept>> latest_index::queues() const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto rows = txn->open_cursor(env_->table_at(table_queues));
  if (!rows) return rows.error();
  std::map<queue_id, offset> all;
  auto at = rows->first();
  for (; at && *at; at = rows->next()) {
    const auto key = as_text((*at)->key);
    auto horizon = offset_of(key, as_text((*at)->value), env_->path());
    if (!horizon) return horizon.error();
    all.emplace(queue_id{big_endian_at(key, 0)}, *horizon);
  }
  if (!at) return at.error();
  for (const auto table : {table_rows, table_keys}) {
    auto some = txn->open_cursor(env_->table_at(table));
    if (!some) return some.error();
    for (at = some->first(); at && *at;) {
      const auto queue = big_endian_at(as_text((*at)->key), 0);
      all.emplace(queue_id{queue}, offset{0});
      if (queue == std::numeric_limits<std::uint64_t>::max()) break;
      at = some->seek(as_bytes(big_endian(queue + 1)));
    }
    if (!at) return at.error();
  }
  std::vector<kept> out;
  for (const auto& [queue, horizon] : all) out.push_back({queue, horizon});
  return out;
}

result<std::optional<offset>> latest_index::horizon(queue_id queue) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  return horizon(*txn, queue);
}

result<std::optional<latest_index::found>> latest_index::read(queue_id queue, offset from,
                                                              std::uint64_t bytes_max) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto top = horizon(*txn, queue);
  if (!top) return top.error();
  if (!*top) return std::optional<found>{};
  found out;
  out.horizon = **top;
  auto rows = txn->open_cursor(env_->table_at(table_rows));
  if (!rows) return rows.error();
  std::uint64_t bytes = 0;
  auto at = rows->seek(as_bytes(row_key(queue, from)));
  for (; at && *at; at = rows->next()) {
    const auto key = as_text((*at)->key);
    if (big_endian_at(key, 0) != queue.value) break;
    if (!out.rows.empty() && bytes >= bytes_max) {
      out.whole = false;
      break;
    }
    auto row = record_of(key, as_text((*at)->value), env_->path());
    if (!row) return row.error();
    bytes += row->batch.size();
    out.rows.push_back(std::move(*row));
  }
  if (!at) return at.error();
  return std::optional{std::move(out)};
}

result<std::optional<offset>> latest_index::last_of(queue_id queue, const id_digest& key) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  const auto digest = digest_key(queue, key);
  auto stored = txn->get(env_->table_at(table_keys), as_bytes(digest));
  if (!stored) return stored.error();
  if (!*stored) return std::optional<offset>{};
  auto at = offset_of(digest, as_text(**stored), env_->path());
  if (!at) return at.error();
  return std::optional{*at};
}

result<std::optional<latest_record>> latest_index::find_time(queue_id queue, unix_ms time) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto top = horizon(*txn, queue);
  if (!top) return top.error();
  std::optional<latest_record> out;
  if (!*top) return out;
  auto rows = txn->open_cursor(env_->table_at(table_rows));
  if (!rows) return rows.error();
  // Times do not fall along a queue.
  std::uint64_t from = 0, until = (*top)->value;
  while (from < until) {
    const auto middle = from + (until - from) / 2;
    auto at = rows->seek(as_bytes(row_key(queue, offset{middle})));
    if (!at) return at.error();
    if (!*at || big_endian_at(as_text((*at)->key), 0) != queue.value) {
      until = middle;
      continue;
    }
    auto row = record_of(as_text((*at)->key), as_text((*at)->value), env_->path());
    if (!row) return row.error();
    if (row->time >= time) {
      until = middle;
      out = std::move(*row);
    } else {
      from = row->at.value + 1;
    }
  }
  return out;
}

result<std::uint64_t> latest_index::copy_to(const std::filesystem::path& to) const {
  auto out = file::open(to / index_name, O_WRONLY | O_CREAT | O_EXCL);
  if (!out) return out.error();
  if (auto ok = env_->copy_to(out->descriptor()); !ok) return ok.error();
  if (auto ok = out->sync(); !ok) return ok.error();
  return out->size();
}

} // namespace carafe::storage
