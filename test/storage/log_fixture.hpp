#pragma once

/// Logs in a folder of their own, filled with made-up batches whose content follows from their
/// place.

#include "schema/batch.hpp"
#include "storage/data_dir.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace carafe::test {

/// A new folder under the system's temporary one; removed with everything in it.
class temporary_folder {
public:
  temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

/// Fails the test with the error's text.
template <class T>
T must(result<T> r) {
  if (!r) FAIL(to_string(r.code()) << ": " << r.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(r).value();
}

/// One batch to be appended.
struct batch_plan {
  queue_id queue;
  std::uint32_t count = 1;
  std::size_t bytes = 64;
};

/// What a batch at this place holds.
[[nodiscard]] shared_bytes batch_bytes(queue_id queue, offset base, std::size_t bytes);

/// Stamps entries as a shard would, and remembers what a log should hold.
class log_writer {
public:
  explicit log_writer(entry_index next = entry_index{1}) : next_(next) {}

  /// An entry with these batches, its time 10 ms after the one before.
  storage::log_write make(const std::vector<batch_plan>& batches);

  /// Appends a group of entries, each with one batch.
  void append(storage::commit_log& log, std::size_t entries, const batch_plan& batch);

  /// Forgets entries above `last`, as the log did.
  void truncate_after(entry_index last);

  [[nodiscard]] entry_index next() const noexcept { return next_; }
  [[nodiscard]] static unix_ms time_of(entry_index index) noexcept {
    return unix_ms{1'000'000 + 10 * static_cast<std::int64_t>(index.value)};
  }

  struct made_batch {
    storage::index_row row;
    std::size_t bytes = 0;
  };
  [[nodiscard]] const std::map<queue_id, std::vector<made_batch>>& made() const noexcept {
    return made_;
  }
  [[nodiscard]] offset end_of(queue_id queue) const;

  /// Fails the test unless the log holds exactly what was made, from entry `first` on.
  void check(const storage::commit_log& log, entry_index first = entry_index{1}) const;

private:
  entry_index next_;
  std::map<queue_id, std::vector<made_batch>> made_;
};

/// A data directory with shard 0 open.
struct open_log {
  std::unique_ptr<storage::data_dir> dir;
  storage::opened_shard shard;

  storage::commit_log& log() { return *shard.log; }
  storage::state_store& state() { return *shard.state; }
};

inline constexpr std::uint64_t small_segment = std::uint64_t{1} << 20;

[[nodiscard]] storage::log_options small_log(durability mode = durability::fsync);

[[nodiscard]] open_log open_at(const std::filesystem::path& path, const storage::log_options& how);

/// Opens and expects a failure.
[[nodiscard]] failure fail_to_open(const std::filesystem::path& path,
                                   const storage::log_options& how);

/// The segments' paths, oldest first.
[[nodiscard]] std::vector<std::filesystem::path> segment_files(const std::filesystem::path& path);

/// Copies a directory as a killed process leaves it.
void copy_as_killed(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace carafe::test
