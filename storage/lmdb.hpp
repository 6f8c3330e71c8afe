#pragma once

/// LMDB without its ways to go wrong: what is opened is closed, what fails says so.

#include <carafe/result.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

// As lmdb.h declares them.
struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace carafe::storage::lmdb {

using bytes_view = std::span<const std::byte>;

/// Handle of a table; valid as long as its environment.
struct table {
  unsigned handle = 0;
};

struct table_spec {
  const char* name;
  /// Keys are native 64-bit integers.
  bool integer_keys = false;
};

struct env_options {
  std::uint64_t map_bytes = 0;
  std::span<const table_spec> tables;
  /// Commits reach the page cache only.
  bool unsynced = false;
  /// Makes the file and the tables if they do not exist.
  bool create = false;
};

/// Name and cause of an LMDB return code. A full map or disk is `storage_full`; structural damage
/// is `storage_corrupt`; no free reader slot is `too_many_requests`; all else `storage_failed`.
[[nodiscard]] failure to_failure(int code, const char* doing, const std::filesystem::path& path);

/// What a write may come to: done, or the map is full and the transaction must be given up.
enum class put_outcome { done, no_room };

struct entry_view {
  bytes_view key;
  bytes_view value;
};

class txn;

/// A position in one table. Views are valid until the transaction writes or ends.
class cursor {
public:
  cursor(cursor&& other) noexcept : at_(std::exchange(other.at_, nullptr)), of_(other.of_) {}
  cursor& operator=(cursor&&) = delete;
  ~cursor();

  /// Each moves and returns where it is then; nothing if there is no such entry.
  result<std::optional<entry_view>> first();
  result<std::optional<entry_view>> last();
  result<std::optional<entry_view>> next();
  result<std::optional<entry_view>> previous();
  /// The first entry whose key is not below `key`.
  result<std::optional<entry_view>> seek(bytes_view key);

  result<put_outcome> put(bytes_view key, bytes_view value);
  /// Appends an entry after all others and hands out the room for its value.
  result<put_outcome> append(bytes_view key, std::size_t value_bytes, std::span<std::byte>& room);
  result<put_outcome> erase();

private:
  friend class txn;
  cursor(MDB_cursor* at, const txn* of) : at_(at), of_(of) {}
  result<std::optional<entry_view>> move(int operation, bytes_view key = {});

  MDB_cursor* at_;
  const txn* of_;
};

class env;

/// A transaction; ends without effect unless committed. Begins and ends on one thread if it writes.
class txn {
public:
  txn(txn&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)), env_(other.env_) {}
  txn& operator=(txn&&) = delete;
  ~txn();

  /// The state this reads, or the one it will make.
  [[nodiscard]] std::uint64_t id() const;
  result<cursor> open_cursor(table in) const;
  result<std::optional<bytes_view>> get(table in, bytes_view key) const;
  result<put_outcome> put(table in, bytes_view key, bytes_view value);
  /// No error if the key is not there.
  result<put_outcome> erase(table in, bytes_view key);
  /// Pages that a table occupies.
  [[nodiscard]] result<std::uint64_t> pages(table in) const;
  /// Whatever this returns, the transaction has ended.
  result<put_outcome> commit();

  [[nodiscard]] const std::filesystem::path& path() const;

private:
  friend class env;
  txn(MDB_txn* raw, const env* of) : raw_(raw), env_(of) {}

  MDB_txn* raw_;
  const env* env_;
};

/// An open file. Reads are safe on any thread; one thread writes at a time.
///
/// The reader table ("-lock" file) is unlinked as soon as it is open: the data directory's own lock
/// keeps other processes away, and no stale one can then be met.
class env {
public:
  env(env&&) = delete;
  ~env();

  /// @pre An existing file has been checked (`check_pages`): LMDB trusts what it maps.
  static result<std::unique_ptr<env>> open(const std::filesystem::path& path,
                                           const env_options& options);

  /// In the order of `env_options::tables`.
  [[nodiscard]] table table_at(std::size_t position) const;

  result<txn> begin_read() const;
  result<txn> begin_write() const;

  /// fdatasync.
  result<void> sync() const;
  [[nodiscard]] bool syncs_each_commit() const noexcept { return syncs_each_commit_; }

  struct extent {
    /// Number of the last page in use.
    std::uint64_t last_page = 0;
    std::uint64_t page_count_max = 0;
    /// The newest committed transaction.
    std::uint64_t txn = 0;
  };
  [[nodiscard]] extent used() const;

  /// Writes a consistent copy to a new file; not synced.
  result<void> copy_to(int descriptor) const;

  [[nodiscard]] int descriptor() const;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The file was renamed.
  void set_path(std::filesystem::path path) { path_ = std::move(path); }

private:
  env(MDB_env* raw, std::filesystem::path path) : raw_(raw), path_(std::move(path)) {}
  result<void> open_tables(const env_options& options);

  MDB_env* raw_;
  std::filesystem::path path_;
  std::unique_ptr<table[]> tables_;
  std::size_t table_count_ = 0;
  bool syncs_each_commit_ = true;
};

} // namespace carafe::storage::lmdb
