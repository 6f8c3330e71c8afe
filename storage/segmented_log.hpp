#pragma once

/// A commit log in files of a fixed size: one that is written, and older ones that never change.

#include "storage/active_segment.hpp"
#include "storage/commit_log.hpp"
#include "storage/key_indexer.hpp"
#include "storage/log_reading.hpp"
#include "storage/page_sums.hpp"
#include "storage/spare_segment.hpp"

#include <atomic>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>

namespace carafe::storage {

struct segmented_log_settings {
  std::filesystem::path folder;
  shard_id shard;
  std::uint64_t segment_bytes = 0;
  active_settings active;
  std::uint64_t reserve_bytes = 0;
  std::uint64_t entry_bytes_max = 0;
};

/// An older segment that was left, by a killed process, before it was synced.
struct unfinished_segment {
  std::filesystem::path path;
  entry_index synced;
};

/// Syncs it and removes its `.meta` file, which says that it may not be complete.
result<void> finish_segment(const std::filesystem::path& path);

/// What a log begins with.
struct log_segments {
  /// Oldest first.
  std::vector<std::shared_ptr<const sealed_segment>> older;
  /// Those of them without page checksums.
  std::vector<std::shared_ptr<const sealed_segment>> unsealed;
  std::vector<unfinished_segment> unfinished;
  std::shared_ptr<active_segment> newest;
  /// The first entry of the newest one, as the folder's note says; nothing: it does not.
  std::optional<entry_index> noted_newest;
};

/// Without syncs after each group, an older segment is synced in the background while the newest
/// one is written already. A later segment's entries never count as synced before that is done: if
/// the power fails before, recovery removes that later segment.
class segmented_log final : public commit_log {
public:
  segmented_log(segmented_log_settings settings, log_segments segments);
  ~segmented_log() override;

  /// Syncs and marks the log as left in order; done by the destructor if not before. Only reading
  /// may follow.
  result<void> close();

  result<void> append(std::span<const log_write> entries) override;
  result<void> sync() override;
  result<void> sync_soon() override;
  [[nodiscard]] log_room secure_room() override;
  result<void> drop_before(entry_index first) override;
  result<void> truncate_after(entry_index last) override;

  [[nodiscard]] log_bounds bounds() const override;
  result<std::vector<shared_bytes>> read_entries(entry_index first, entry_index last,
                                                 std::uint64_t bytes_max) const override;
  result<std::vector<stored_batch>> read_queue(queue_id queue, offset from, entry_index last,
                                               std::uint64_t bytes_max,
                                               read_hint& hint) const override;
  result<std::optional<index_row>> find_time(queue_id queue, unix_ms time,
                                             entry_index last) const override;
  result<key_findings> find_key(const key_query& query, read_hint& hint) const override;
  std::vector<std::string> take_notes() override;
  [[nodiscard]] entry_index retention_limit(unix_ms keep_after, std::uint64_t bytes_max,
                                            entry_index checkpoint) const override;
  [[nodiscard]] entry_index second_segment(entry_index checkpoint) const override;
  result<std::vector<std::pair<queue_id, offset>>> ends_before(entry_index first) const override;
  result<std::uint64_t> copy_to(const std::string& to) const override;

  /// For tests: the indices of keys.
  [[nodiscard]] key_indexer& keys() noexcept { return *keys_; }

private:
  struct sealing {
    std::shared_ptr<const sealed_segment> segment;
    page_summing summing;
  };

  [[nodiscard]] result<void> writable() const;
  /// Whether writing may begin; finishes what a killed process left.
  result<void> ready();
  [[nodiscard]] result<void> check_group(std::span<const log_write> entries) const;
  result<void> roll();
  result<void> note_newest(entry_index first);
  result<void> retire(std::shared_ptr<active_segment> old);
  result<void> post_sync();
  result<void> in_background(const sync_worker::job& job);
  result<void> sync_copied_pages();
  [[nodiscard]] bool is_retiring(entry_index first) const;
  result<void> seal_some(std::uint64_t bytes);
  result<void> remove_segment(const segment& old);
  result<void> reopen(std::shared_ptr<const sealed_segment> older, entry_index last);
  /// Notes a failure after which nothing more may be written.
  failure gave_up(failure why);
  [[nodiscard]] std::shared_ptr<const segment_list> list() const;
  [[nodiscard]] std::shared_ptr<const segment_list> list_of_segments(std::uint64_t epoch) const;
  void publish(std::shared_ptr<const segment_list> fresh);
  void publish_bounds();

  segmented_log_settings settings_;
  /// The same as the last one of the list.
  std::shared_ptr<active_segment> active_;
  std::vector<std::shared_ptr<const sealed_segment>> older_;
  std::deque<sealing> unsealed_;
  std::unique_ptr<key_indexer> keys_;
  spare_segment spare_;
  std::uint64_t older_bytes_ = 0;
  std::optional<entry_index> noted_newest_;
  /// Syncs of the newest segment that are under way.
  std::atomic<int> syncs_{0};
  bool failed_ = false;
  bool closed_ = false;

  mutable std::mutex mutex_;
  std::shared_ptr<const segment_list> list_;
  log_bounds bounds_;
  /// From the oldest entry that is not synced on: what a killed process left, segments that are
  /// being synced, and the newest one.
  std::vector<unfinished_segment> unfinished_;
  std::deque<std::shared_ptr<const active_segment>> retiring_;
  std::shared_ptr<const active_segment> newest_;

  /// The last member: its jobs use the others.
  sync_worker worker_;
};

} // namespace carafe::storage
