#pragma once

#include "storage/file.hpp"
#include "storage/lmdb.hpp"
#include "storage/state_store.hpp"

#include <filesystem>
#include <memory>
#include <mutex>

namespace carafe::storage {

/// `state.mdb`: an LMDB environment, every commit synced.
///
/// Table `meta`: "state" -> identity, "vote", "mark". Table `rows`: the folded state. Every value
/// ends with a CRC32C of its key and itself.
///
/// Some space after the pages in use is always taken beforehand, so that votes and checkpoints can
/// still be written when the disk is full.
///
/// @thread Any; writes wait for each other.
class lmdb_state_store final : public state_store {
public:
  /// Opens `folder`/state.mdb; all its pages are checked before.
  /// @param create  Whether to make it if it does not exist.
  /// @errors not_found, storage_corrupt, format_newer, format_foreign, storage_full, storage_failed
  static result<std::shared_ptr<lmdb_state_store>> open(const std::filesystem::path& folder,
                                                        shard_id shard, bool create);

  [[nodiscard]] result<vote> load_vote() const override;
  result<void> save_vote(vote v) override;
  [[nodiscard]] result<std::optional<checkpoint_mark>> load_mark() const override;
  result<void> load_rows(
    const std::function<void(std::string_view key, std::string_view value)>& row) const override;
  result<void> save_checkpoint(const checkpoint_mark& mark,
                               const std::vector<state_delta>& deltas) override;
  result<std::uint64_t> copy_to(const std::string& path) const override;

private:
  explicit lmdb_state_store(std::unique_ptr<lmdb::env> env) : env_(std::move(env)) {}

  static result<void> make(const std::filesystem::path& folder, shard_id shard);
  result<std::optional<std::string>> load(std::string_view key) const;
  result<void> commit(lmdb::txn& changes);
  [[nodiscard]] failure map_full() const;
  result<void> writable() const;
  /// Takes space for this much beyond the pages in use.
  /// @errors storage_full
  result<void> reserve(std::uint64_t bytes);
  result<void> renew_reserve();

  std::unique_ptr<lmdb::env> env_;
  std::mutex writing_;
  std::uint64_t reserved_bytes_ = 0;
  bool failed_ = false;
};

/// Checks a state file without LMDB: pages, identity, and the checksum of every value.
/// @returns Its checkpoint.
/// @errors As `lmdb_state_store::open`.
result<std::optional<checkpoint_mark>> check_state(const std::filesystem::path& folder,
                                                   shard_id shard);

} // namespace carafe::storage
