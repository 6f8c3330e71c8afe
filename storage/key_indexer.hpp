#pragma once

#include "storage/key_building.hpp"
#include "storage/key_search.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace carafe::storage {

/// Keeps the indices of keys of a log's older segments: opens those that are there, and builds the
/// others, on a thread of its own with low priority. Nothing that fails here harms the log.
///
/// @thread Any.
class key_indexer final : public key_files {
public:
  using segment_ptr = std::shared_ptr<const segment>;

  /// @param reserve_bytes  Free space that building leaves.
  key_indexer(shard_id shard, std::uint64_t reserve_bytes);
  key_indexer(const key_indexer&) = delete;
  key_indexer& operator=(const key_indexer&) = delete;
  ~key_indexer() override { stop(); }

  /// These are to have their files; they take no more writes.
  void want(const std::vector<segment_ptr>& segments);
  /// The segment goes, or changes: so does its file.
  result<void> forget(const segment& in);
  /// Builds no more.
  void stop();

  /// One that could not be built is tried again.
  [[nodiscard]] std::shared_ptr<const key_file> of(const segment_ptr& in) override;
  void is_damaged(const segment_ptr& in, const failure& why) override;

  /// What went wrong since the last call.
  [[nodiscard]] std::vector<std::string> take_notes();
  /// For tests: waits until there is nothing left to do.
  void wait_idle();

private:
  enum class stage { opening, waiting, building, failed, ready };
  struct indexed {
    segment_ptr segment;
    stage now = stage::opening;
    std::shared_ptr<const key_file> keys;
    /// It was told why it has none.
    bool told = false;
  };

  void run();
  /// What is to be done first: opening; then building, the newest first.
  [[nodiscard]] indexed* next();
  [[nodiscard]] bool is_idle();
  /// Whether it is still to be built.
  [[nodiscard]] bool is_wanted(const segment_ptr& in);
  void work_on(std::unique_lock<std::mutex>& lock, indexed& first);
  result<std::shared_ptr<const key_file>> make(const segment_ptr& in, bool build);
  void tell(indexed& of, const failure& why);

  shard_id shard_;
  std::uint64_t reserve_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  /// By first entry.
  std::map<entry_index, indexed> segments_;
  std::vector<std::string> notes_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace carafe::storage
