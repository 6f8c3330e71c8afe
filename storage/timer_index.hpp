#pragma once

#include "schema/timer.hpp"
#include "storage/lmdb.hpp"
#include "storage/timer_runs.hpp"

#include <carafe/result.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::storage {

/// `timers.mdb`: a shard's waiting messages, in the order of their times. What it holds follows
/// from the log; it is written, synced, before the checkpoint that lets the log go.
///
/// Tables, all numbers big-endian:
/// - `rows`: run, due time, queue, number -> record and CRC32C,
/// - `ids`: producer, sequence -> due time, queue, number,
/// - `names`: queue, hash of the name, due time, number -> nothing,
/// - `spans`: run, queue -> first and last number, how many were put, how many are left, CRC32C.
///
/// Reading in the order of time merges the runs.
///
/// @thread One.
class timer_index {
public:
  /// Opens `folder`/timers.mdb, and makes it if it is not there.
  /// @errors storage_corrupt, storage_full, storage_failed
  static result<std::unique_ptr<timer_index>> open(const std::filesystem::path& folder,
                                                   timer_runs::options runs = {});
  [[nodiscard]] static bool is_there(const std::filesystem::path& folder);
  [[nodiscard]] static std::filesystem::path path_in(const std::filesystem::path& folder);
  /// Reads all of it, without LMDB.
  /// @errors storage_corrupt
  static result<void> check(const std::filesystem::path& folder);

  /// Puts and ends some, all or none; synced when it returns. Both may be repeated.
  /// @cost Pages of the open run for those put; of those that end, one for each whose neighbours in
  ///       time or id do not end with it: give it some thousand at most.
  result<void> change(const std::vector<const timer_record*>& put,
                      const std::vector<timer_key>& ended);

  struct found {
    std::vector<timer_record> rows;
    /// These are all; otherwise there are more behind `end`, up to which all was looked at.
    bool whole = true;
    timer_key end = {};
  };
  /// Those behind `after` and due no later than `until`.
  result<found> next(const timer_key& after, unix_ms until, std::size_t rows_max,
                     std::uint64_t bytes_max) const;
  /// … of these queues. Looks at `scan_max` at most, of whatever queues.
  result<found> next_of(const std::set<queue_id>& queues, const timer_key& after,
                        std::size_t rows_max, std::uint64_t bytes_max, std::size_t scan_max) const;
  result<std::vector<timer_record>> with_id(producer_id producer, sequence number) const;
  /// Those of a queue that have this name, behind `after` and up to `until`.
  result<found> with_name(queue_id queue, const std::string& name, const timer_key& after,
                          const timer_key& until, std::size_t rows_max,
                          std::uint64_t bytes_max) const;

  /// Runs that have messages, or had some; nothing if they could not be read.
  [[nodiscard]] std::optional<std::size_t> runs() const {
    return runs_ ? std::optional{runs_->runs()} : std::nullopt;
  }

  /// Copies it into the folder `to`, synced.
  /// @returns Bytes written.
  result<std::uint64_t> copy_to(const std::filesystem::path& to) const;

private:
  timer_index(std::unique_ptr<lmdb::env> env, timer_runs::options runs)
    : env_(std::move(env)), options_(runs) {}

  result<void> read_runs();
  /// Keys and values.
  using row_list = std::vector<std::pair<std::string, std::string>>;
  result<row_list> leftovers() const;
  result<void> write(const std::vector<const timer_record*>& put,
                     const std::vector<timer_key>& ended, const row_list& moved);
  result<void> turn_over(lmdb::txn& in, const row_list& moved);
  result<void> write_spans(lmdb::txn& in);
  /// Its key in `rows`, if it is there.
  result<std::optional<std::string>> find(const lmdb::txn& in, const timer_key& at) const;
  result<timer_record> row_at(const lmdb::txn& in, std::string_view key) const;
  result<std::optional<timer_record>> row_of(const lmdb::txn& in, const timer_key& at) const;

  result<void> put(lmdb::txn& in, const timer_record& row);
  result<void> end(lmdb::txn& in, const timer_key& at);
  result<found> scan(const timer_key& after, const std::function<bool(const timer_key&)>& goes_on,
                     const std::function<bool(const timer_key&)>& wanted, std::size_t rows_max,
                     std::uint64_t bytes_max) const;

  std::unique_ptr<lmdb::env> env_;
  timer_runs::options options_;
  /// Nothing: they could not be read, after a change that failed.
  std::optional<timer_runs> runs_;
};

} // namespace carafe::storage
