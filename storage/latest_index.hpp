#pragma once

#include "schema/latest.hpp"
#include "storage/lmdb.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace carafe::storage {

/// `latest.mdb`: of each compacted queue of a shard, the last message of every key below a horizon.
/// Below it readers get these, above it the log. What it holds of a queue is a pure function of the
/// queue's messages up to there, so retention may drop them.
///
/// Tables: `rows`: queue, offset (big-endian) -> record and CRC32C; `keys`: queue, digest of the
/// key -> offset; `queues`: queue -> horizon.
///
/// @thread One writes; any may read at the same time.
class latest_index {
public:
  /// Opens `folder`/latest.mdb, and makes it if it is not there.
  /// @errors storage_corrupt, storage_full, storage_failed
  static result<std::unique_ptr<latest_index>> open(const std::filesystem::path& folder);
  [[nodiscard]] static bool is_there(const std::filesystem::path& folder);
  [[nodiscard]] static std::filesystem::path path_in(const std::filesystem::path& folder);
  /// Reads all of it, without LMDB: every row is below its queue's horizon.
  /// @errors storage_corrupt
  static result<void> check(const std::filesystem::path& folder);

  /// What is kept of a queue.
  struct kept {
    queue_id queue;
    /// Everything below was taken in.
    offset horizon;

    friend bool operator==(const kept&, const kept&) = default;
  };
  /// Those of which something is there; with a horizon of 0 what is left of a queue that is being
  /// forgotten.
  result<std::vector<kept>> queues() const;
  /// Nothing: the queue is not kept.
  result<std::optional<offset>> horizon(queue_id queue) const;

  using change = latest_change;
  /// Takes in messages of a queue in their order, and raises its horizon, all or none; synced when
  /// it returns.
  /// @pre The offsets ascend from the present horizon on, and are below `horizon`.
  /// @cost About two pages written for each; give it some thousand at most.
  result<void> take_in(queue_id queue, offset horizon, const std::vector<change>& changes);
  /// Forgets the queue and some thousand of its rows.
  /// @returns Whether nothing is left of it.
  result<bool> forget(queue_id queue);

  using found = latest_rows;
  /// Rows from `from` on, in the order of their offsets: at least one if there is one, and at most
  /// about `bytes_max`. Nothing: the queue is not kept.
  result<std::optional<found>> read(queue_id queue, offset from, std::uint64_t bytes_max) const;
  /// Where the row of a key is.
  result<std::optional<offset>> last_of(queue_id queue, const id_digest& key) const;
  /// The first row whose broker time is not before `time`.
  /// @cost A search for each bit of the horizon.
  result<std::optional<latest_record>> find_time(queue_id queue, unix_ms time) const;

  /// Copies it into the folder `to`, synced.
  /// @returns Bytes written.
  result<std::uint64_t> copy_to(const std::filesystem::path& to) const;

private:
  explicit latest_index(std::unique_ptr<lmdb::env> env) : env_(std::move(env)) {}

  result<std::optional<offset>> horizon(const lmdb::txn& in, queue_id queue) const;
  result<void> apply(lmdb::txn& in, const change& what);

  std::unique_ptr<lmdb::env> env_;
};

} // namespace carafe::storage
