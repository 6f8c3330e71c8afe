#include "storage/lmdb_state_store.hpp"

#include "storage/state_layout.hpp"
#include "storage/table_rows.hpp"

#include <carafe/shared_bytes.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>

namespace carafe::storage {

using lmdb::put_outcome;

namespace {

/// Address space only.
constexpr std::uint64_t map_bytes_min = std::uint64_t{4} << 30;
/// A map is at least so many times the pages in use.
constexpr std::uint64_t map_growth = 4;
/// Space taken beyond the pages in use; enough for a checkpoint of some thousand changed rows.
constexpr std::uint64_t reserve_bytes = std::uint64_t{8} << 20;
/// Of it, left to votes by checkpoints.
constexpr std::uint64_t vote_reserve_bytes = std::uint64_t{1} << 20;
/// Pages of branches, roots and free lists that any commit may need.
constexpr std::uint64_t commit_pages = 64;

/// Upper estimate of the bytes that a commit of these rows writes to new pages.
std::uint64_t bytes_needed(const checkpoint_mark& mark, const std::vector<state_delta>& deltas,
                           std::uint64_t row_pages) {
  auto bytes = commit_pages * page_bytes + mark.configuration.size() + page_bytes;
  for (const auto& [key, value] : deltas) {
    auto size = key.size() + (value ? value->size() : 0) + 64;
    // Twice: leaves may be split in halves, and a large value ends within a page.
    bytes += size < page_bytes / 2 ? 2 * size : size + page_bytes;
  }
  return bytes + std::min<std::uint64_t>(deltas.size(), row_pages) * page_bytes;
}

failure named(const std::filesystem::path& path, failure why) {
  return {why.code, path.string() + ": " + why.detail};
}

std::string_view text(lmdb::bytes_view bytes) { return as_text(bytes); }

} // namespace

result<std::optional<checkpoint_mark>> check_state(const std::filesystem::path& folder,
                                                   shard_id shard) {
  auto path = folder / state_name;
  auto from = page_file::open(path);
  if (!from) return from.error();
  if (auto sound = check_pages(*from, state_rules); !sound) return sound.error();
  auto identified = false;
  std::optional<checkpoint_mark> mark;
  auto done = for_each_row(*from, state_tables[table_state_meta].name,
                           [&](std::string_view key, std::string_view value) -> result<void> {
                             if (key == state_identity_key) {
                               identified = true;
                               return check_state_identity(value, shard, path);
                             }
                             if (key != mark_key) return {};
                             auto decoded = decode_mark(value);
                             if (!decoded) return named(path, decoded.error());
                             mark = std::move(*decoded);
                             return {};
                           });
  if (!done) return done.error();
  if (!identified) return {errc::format_foreign, path.string() + " does not hold a shard's state"};
  auto rows = for_each_row(*from, state_tables[table_state_rows].name,
                           [](std::string_view, std::string_view) { return result<void>{}; });
  if (!rows) return rows.error();
  return mark;
}

result<void> lmdb_state_store::make(const std::filesystem::path& folder, shard_id shard) {
  auto path = folder / state_name;
  auto fresh = path;
  fresh += ".new";
  if (auto done = remove_file(fresh); !done) return done;
  {
    auto env = lmdb::env::open(
      fresh,
      {.map_bytes = map_bytes_min, .tables = state_tables, .unsynced = false, .create = true});
    if (!env) return env.error();
    auto txn = (*env)->begin_write();
    if (!txn) return txn.error();
    auto put = txn->put((*env)->table_at(table_state_meta), as_bytes(state_identity_key),
                        as_bytes(sealed_value(state_identity_key, encode_state_identity(shard))));
    if (!put) return put.error();
    if (auto done = txn->commit(); !done) return done.error();
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return io_failure("put in place", path, errno);
  return sync_folder(folder);
}

result<std::shared_ptr<lmdb_state_store>>
lmdb_state_store::open(const std::filesystem::path& folder, shard_id shard, bool create) {
  auto path = folder / state_name;
  auto there = is_there(path);
  if (!there) return there.error();
  if (create && !*there) {
    if (auto done = make(folder, shard); !done) return done.error();
  }
  if (auto sound = check_state(folder, shard); !sound) return sound.error();
  auto used = file::open(path, O_RDWR);
  if (!used) return used.error();
  auto size = used->size();
  if (!size) return size.error();
  auto map_bytes = std::max(map_bytes_min, map_growth * (*size / page_bytes) * page_bytes);
  auto env = lmdb::env::open(
    path, {.map_bytes = map_bytes, .tables = state_tables, .unsynced = false, .create = false});
  if (!env) return env.error();
  // What a killed process committed may be in the page cache only.
  if (auto done = (*env)->sync(); !done) return done.error();
  std::shared_ptr<lmdb_state_store> made{new lmdb_state_store{std::move(*env)}};
  // Space that it took before is still its own, also when the disk is full.
  if (used->reserve(*size)) made->reserved_bytes_ = *size;
  if (auto done = made->renew_reserve(); !done) return done.error();
  return made;
}

result<void> lmdb_state_store::reserve(std::uint64_t bytes) {
  auto needed = (env_->used().last_page + 1) * page_bytes + bytes;
  if (needed <= reserved_bytes_) return {};
  auto raw = file::open(env_->path(), O_RDWR);
  if (!raw) return raw.error();
  auto target = (needed / reserve_bytes + 1) * reserve_bytes;
  auto done = raw->reserve(target);
  if (done) reserved_bytes_ = target;
  return done;
}

result<void> lmdb_state_store::renew_reserve() {
  auto done = reserve(reserve_bytes);
  // This is for bad times and must not fail in them.
  if (done.code() == errc::storage_full) return {};
  return done;
}

result<std::optional<std::string>> lmdb_state_store::load(std::string_view key) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto stored = txn->get(env_->table_at(table_state_meta), as_bytes(key));
  if (!stored) return stored.error();
  if (!*stored) return std::optional<std::string>{};
  auto value = open_value(key, text(**stored));
  if (!value) return named(env_->path(), value.error());
  return std::optional{std::string{*value}};
}

result<void> lmdb_state_store::writable() const {
  if (failed_)
    return {errc::storage_failed, env_->path().string() +
                                    ": an earlier write failed; it takes no more writes until the "
                                    "node is restarted"};
  return {};
}

failure lmdb_state_store::map_full() const {
  return {errc::storage_full,
          env_->path().string() + " has outgrown its map; restart the node, which enlarges it"};
}

result<void> lmdb_state_store::commit(lmdb::txn& changes) {
  auto done = changes.commit();
  if (done && *done == put_outcome::no_room) return map_full();
  if (done) return renew_reserve();
  auto why = done.error();
  // As in `active_segment`: a full disk is harmless unless it hit the meta page.
  if (why.code == errc::storage_full && env_->begin_read()) return why;
  failed_ = true;
  why.code = errc::storage_failed;
  return why;
}

result<vote> lmdb_state_store::load_vote() const {
  auto value = load(vote_key);
  if (!value) return value.error();
  if (!*value) return vote{};
  auto decoded = decode_vote(**value);
  if (!decoded) return named(env_->path(), decoded.error());
  return decoded;
}

result<void> lmdb_state_store::save_vote(vote v) {
  std::lock_guard lock{writing_};
  if (auto ok = writable(); !ok) return ok;
  // Before anything is written: LMDB cannot tell a disk that fills up from one that fails.
  if (auto room = reserve(commit_pages * page_bytes); !room) return room;
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  auto put = txn->put(env_->table_at(table_state_meta), as_bytes(vote_key),
                      as_bytes(sealed_value(vote_key, encode_vote(v))));
  if (!put) return put.error();
  if (*put == put_outcome::no_room) return map_full();
  return commit(*txn);
}

result<std::optional<checkpoint_mark>> lmdb_state_store::load_mark() const {
  auto value = load(mark_key);
  if (!value) return value.error();
  if (!*value) return std::optional<checkpoint_mark>{};
  auto decoded = decode_mark(**value);
  if (!decoded) return named(env_->path(), decoded.error());
  return std::optional{std::move(*decoded)};
}

result<void> lmdb_state_store::load_rows(
  const std::function<void(std::string_view key, std::string_view value)>& row) const {
  auto txn = env_->begin_read();
  if (!txn) return txn.error();
  auto rows = txn->open_cursor(env_->table_at(table_state_rows));
  if (!rows) return rows.error();
  auto at = rows->first();
  for (; at && *at; at = rows->next()) {
    auto key = text((*at)->key);
    auto value = open_value(key, text((*at)->value));
    if (!value)
      return named(env_->path(),
                   {value.code(), "row \"" + std::string{key} + "\": " + value.error().detail});
    row(key, *value);
  }
  if (!at) return at.error();
  return {};
}

result<void> lmdb_state_store::save_checkpoint(const checkpoint_mark& mark,
                                               const std::vector<state_delta>& deltas) {
  for (const auto& delta : deltas)
    if (delta.key.empty() || delta.key.size() > state_key_bytes_max)
      return {errc::invalid_argument, "the key of a state row has " +
                                        std::to_string(delta.key.size()) + " bytes, not 1 to " +
                                        std::to_string(state_key_bytes_max)};
  std::lock_guard lock{writing_};
  if (auto ok = writable(); !ok) return ok;
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  auto rows = env_->table_at(table_state_rows);
  auto row_pages = txn->pages(rows);
  if (!row_pages) return row_pages.error();
  if (auto room = reserve(bytes_needed(mark, deltas, *row_pages) + vote_reserve_bytes); !room)
    return room;
  for (const auto& [key, value] : deltas) {
    auto done = value ? txn->put(rows, as_bytes(key), as_bytes(sealed_value(key, *value)))
                      : txn->erase(rows, as_bytes(key));
    if (!done) return done.error();
    if (*done == put_outcome::no_room) return map_full();
  }
  auto put = txn->put(env_->table_at(table_state_meta), as_bytes(mark_key),
                      as_bytes(sealed_value(mark_key, encode_mark(mark))));
  if (!put) return put.error();
  if (*put == put_outcome::no_room) return map_full();
  return commit(*txn);
}

result<std::uint64_t> lmdb_state_store::copy_to(const std::string& path) const {
  auto out = file::open(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!out) return out.error();
  if (auto done = env_->copy_to(out->descriptor()); !done) return done.error();
  if (auto done = out->sync(); !done) return done.error();
  return out->size();
}

} // namespace carafe::storage
