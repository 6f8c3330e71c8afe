#include "storage/lmdb.hpp"

#include "storage/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <lmdb.h>

namespace carafe::storage::lmdb {

namespace {

/// Of the reader table: room for more readers at a time than a node has reader threads, 64 bytes
/// each.
constexpr std::uint64_t lock_file_bytes = 32 * 1024;

/// LMDB maps its reader table and makes it as a sparse file; with a full disk that would be a
/// SIGBUS. So it finds one that has its space.
result<void> make_lock_file(const std::filesystem::path& path) {
  if (auto removed = remove_file(path); !removed) return removed;
  auto made = file::open(path, O_RDWR | O_CREAT | O_EXCL);
  if (!made) return made.error();
  if (auto done = made->reserve(lock_file_bytes); !done) {
    static_cast<void>(remove_file(path));
    return done;
  }
  return made->resize(lock_file_bytes);
}

MDB_val to_val(bytes_view bytes) {
  // LMDB does not write through the keys and values it is handed.
  return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

bytes_view to_view(const MDB_val& val) {
  return {static_cast<const std::byte*>(val.mv_data), val.mv_size};
}

result<put_outcome> to_outcome(int code, const char* doing, const std::filesystem::path& path) {
  if (code == MDB_SUCCESS) return put_outcome::done;
  if (code == MDB_MAP_FULL || code == MDB_TXN_FULL) return put_outcome::no_room;
  return to_failure(code, doing, path);
}

} // namespace

failure to_failure(int code, const char* doing, const std::filesystem::path& path) {
  if (code > 0) return io_failure(doing, path, code);
  auto what = errc::storage_failed;
  switch (code) {
  case MDB_MAP_FULL:
    what = errc::storage_full;
    break;
  case MDB_READERS_FULL:
    what = errc::too_many_requests;
    break;
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_CURSOR_FULL:
  case MDB_INVALID:
  case MDB_INCOMPATIBLE:
  case MDB_NOTFOUND:
    what = errc::storage_corrupt;
    break;
  case MDB_VERSION_MISMATCH:
    what = errc::format_foreign;
    break;
  default:
    break;
  }
  return {what, "cannot " + std::string{doing} + " " + path.string() + ": " + mdb_strerror(code)};
}

cursor::~cursor() {
  if (at_) mdb_cursor_close(at_);
}

result<std::optional<entry_view>> cursor::move(int operation, bytes_view key) {
  auto k = to_val(key);
  MDB_val v{};
  auto rc = mdb_cursor_get(at_, &k, &v, static_cast<MDB_cursor_op>(operation));
  if (rc == MDB_NOTFOUND) return std::optional<entry_view>{};
  if (rc != MDB_SUCCESS) return to_failure(rc, "read", of_->path());
  return std::optional{entry_view{to_view(k), to_view(v)}};
}

result<std::optional<entry_view>> cursor::first() { return move(MDB_FIRST); }
result<std::optional<entry_view>> cursor::last() { return move(MDB_LAST); }
result<std::optional<entry_view>> cursor::next() { return move(MDB_NEXT); }
result<std::optional<entry_view>> cursor::previous() { return move(MDB_PREV); }
result<std::optional<entry_view>> cursor::seek(bytes_view key) { return move(MDB_SET_RANGE, key); }

result<put_outcome> cursor::put(bytes_view key, bytes_view value) {
  auto k = to_val(key);
  auto v = to_val(value);
  return to_outcome(mdb_cursor_put(at_, &k, &v, 0), "write to", of_->path());
}

result<put_outcome> cursor::append(bytes_view key, std::size_t value_bytes,
                                   std::span<std::byte>& room) {
  auto k = to_val(key);
  MDB_val v{value_bytes, nullptr};
  auto rc = mdb_cursor_put(at_, &k, &v, MDB_APPEND | MDB_RESERVE);
  if (rc == MDB_SUCCESS) room = {static_cast<std::byte*>(v.mv_data), v.mv_size};
  return to_outcome(rc, "append to", of_->path());
}

result<put_outcome> cursor::erase() {
  return to_outcome(mdb_cursor_del(at_, 0), "remove from", of_->path());
}

txn::~txn() {
  if (raw_) mdb_txn_abort(raw_);
}

std::uint64_t txn::id() const { return mdb_txn_id(raw_); }

const std::filesystem::path& txn::path() const { return env_->path(); }

result<cursor> txn::open_cursor(table in) const {
  MDB_cursor* at = nullptr;
  if (auto rc = mdb_cursor_open(raw_, in.handle, &at); rc != MDB_SUCCESS)
    return to_failure(rc, "read", path());
  return cursor{at, this};
}

result<std::optional<bytes_view>> txn::get(table in, bytes_view key) const {
  auto k = to_val(key);
  MDB_val v{};
  auto rc = mdb_get(raw_, in.handle, &k, &v);
  if (rc == MDB_NOTFOUND) return std::optional<bytes_view>{};
  if (rc != MDB_SUCCESS) return to_failure(rc, "read", path());
  return std::optional{to_view(v)};
}

result<put_outcome> txn::put(table in, bytes_view key, bytes_view value) {
  auto k = to_val(key);
  auto v = to_val(value);
  return to_outcome(mdb_put(raw_, in.handle, &k, &v, 0), "write to", path());
}

result<put_outcome> txn::erase(table in, bytes_view key) {
  auto k = to_val(key);
  auto rc = mdb_del(raw_, in.handle, &k, nullptr);
  if (rc == MDB_NOTFOUND) rc = MDB_SUCCESS;
  return to_outcome(rc, "remove from", path());
}

result<std::uint64_t> txn::pages(table in) const {
  MDB_stat about{};
  if (auto rc = mdb_stat(raw_, in.handle, &about); rc != MDB_SUCCESS)
    return to_failure(rc, "read", path());
  return std::uint64_t{about.ms_branch_pages + about.ms_leaf_pages + about.ms_overflow_pages};
}

result<put_outcome> txn::commit() {
  if (env_->syncs_each_commit()) count_fsync();
  return to_outcome(mdb_txn_commit(std::exchange(raw_, nullptr)), "commit to", path());
}

env::~env() {
  if (raw_) mdb_env_close(raw_);
}

result<std::unique_ptr<env>> env::open(const std::filesystem::path& path,
                                       const env_options& options) {
  auto lock_path = path;
  lock_path += "-lock";
  if (auto done = make_lock_file(lock_path); !done) return done.error();
  MDB_env* raw = nullptr;
  if (auto rc = mdb_env_create(&raw); rc != MDB_SUCCESS) return to_failure(rc, "open", path);
  std::unique_ptr<env> made{new env{raw, path}};
  unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
  if (options.unsynced) flags |= MDB_NOSYNC;
  made->syncs_each_commit_ = !options.unsynced;
  auto rc = mdb_env_set_maxdbs(raw, static_cast<MDB_dbi>(options.tables.size()));
  if (rc == MDB_SUCCESS) rc = mdb_env_set_mapsize(raw, options.map_bytes);
  if (rc == MDB_SUCCESS) rc = mdb_env_open(raw, path.c_str(), flags, 0644);
  auto unlocked = remove_file(lock_path);
  if (rc != MDB_SUCCESS) return to_failure(rc, "open", path);
  if (!unlocked) return unlocked.error();
  if (auto opened = made->open_tables(options); !opened) return opened.error();
  return made;
}

result<void> env::open_tables(const env_options& options) {
  tables_ = std::make_unique<table[]>(options.tables.size());
  table_count_ = options.tables.size();
  auto opening = options.create ? begin_write() : begin_read();
  if (!opening) return opening.error();
  for (std::size_t i = 0; i < table_count_; ++i) {
    const auto& spec = options.tables[i];
    unsigned flags = 0;
    if (spec.integer_keys) flags |= MDB_INTEGERKEY;
    if (options.create) flags |= MDB_CREATE;
    auto rc = mdb_dbi_open(opening->raw_, spec.name, flags, &tables_[i].handle);
    if (rc != MDB_SUCCESS)
      return to_failure(rc, (std::string{"open table "} + spec.name + " of").c_str(), path_);
  }
  auto done = opening->commit();
  if (!done) return done.error();
  if (*done == put_outcome::no_room) return to_failure(MDB_MAP_FULL, "create tables in", path_);
  return {};
}

table env::table_at(std::size_t position) const {
  CARAFE_ASSERT(position < table_count_);
  return tables_[position];
}

result<txn> env::begin_read() const {
  MDB_txn* raw = nullptr;
  if (auto rc = mdb_txn_begin(raw_, nullptr, MDB_RDONLY, &raw); rc != MDB_SUCCESS)
    return to_failure(rc, "read", path_);
  return txn{raw, this};
}

result<txn> env::begin_write() const {
  MDB_txn* raw = nullptr;
  if (auto rc = mdb_txn_begin(raw_, nullptr, 0, &raw); rc != MDB_SUCCESS)
    return to_failure(rc, "write to", path_);
  return txn{raw, this};
}

result<void> env::sync() const {
  count_fsync();
  if (auto rc = mdb_env_sync(raw_, 1); rc != MDB_SUCCESS) {
    auto why = to_failure(rc, "sync", path_);
    why.code = errc::storage_failed;
    return why;
  }
  return {};
}

env::extent env::used() const {
  MDB_envinfo about{};
  MDB_stat pages{};
  mdb_env_info(raw_, &about);
  mdb_env_stat(raw_, &pages);
  return {about.me_last_pgno, about.me_mapsize / pages.ms_psize, about.me_last_txnid};
}

result<void> env::copy_to(int descriptor) const {
  if (auto rc = mdb_env_copyfd2(raw_, descriptor, 0); rc != MDB_SUCCESS)
    return to_failure(rc, "copy", path_);
  return {};
}

int env::descriptor() const {
  int fd = -1;
  mdb_env_get_fd(raw_, &fd);
  return fd;
}

} // namespace carafe::storage::lmdb
