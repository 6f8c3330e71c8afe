#pragma once

/// A commit log and a state store in memory, on a disk that fails on demand and loses, when power
/// fails, what was not synced.

#include "schema/batch.hpp"
#include "storage/commit_log.hpp"
#include "test/raft/fake_state.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::test {

/// What becomes of a page that was not synced when power fails.
enum class page_fate : std::uint8_t { kept, lost, torn };

class fake_log final : public storage::commit_log {
public:
  struct stored {
    shared_bytes bytes;
    std::vector<storage::index_row> rows;
  };

  explicit fake_log(durability mode = durability::fsync) : mode_(mode) {}

  /// The next appends fail with this, until it is set back to `none`.
  errc append_fails = errc::none;
  /// … and yet what was to be appended is there.
  bool fails_late = false;
  errc sync_fails = errc::none;
  /// The process was killed: nothing reaches the disk any more.
  bool gone = false;
  /// What `secure_room` says.
  storage::log_room room = storage::log_room::everything;
  /// Also for the reading of batches.
  errc read_fails = errc::none;
  /// Syncs that nobody waits for end when `finish_sync` says so.
  bool syncs_slowly = false;
  /// Retention drops so many entries at a time.
  std::uint64_t entries_per_segment = 1;

  /// Power fails: what was synced stays, and up to `luck` entries more.
  void crash(std::uint64_t luck = 0) {
    const auto left = std::min(synced_.value + luck, last().value);
    entries_.resize(left + 1 - first_.value);
    history_.resize(left);
    synced_ = last();
  }

  /// Power fails: what was synced stays. The rest lies in pages, one entry behind the other, and
  /// each page meets a fate of its own; the log goes on to the first entry that is not whole.
  template <class Fate>
  void crash_pages(Fate fate) {
    constexpr std::size_t page = 4'096, sector = 512;
    std::vector<std::byte> written;
    const auto from = synced_.value + 1 - first_.value;
    for (auto at = from; at < entries_.size(); ++at) {
      const auto bytes = entries_[at].bytes.span();
      written.insert(written.end(), bytes.begin(), bytes.end());
    }
    for (std::size_t at = 0; at < written.size(); at += page) {
      const auto end = std::min(at + page, written.size());
      const auto what = fate();
      if (what == page_fate::kept) continue;
      const auto lost = what == page_fate::lost ? at : std::min(at + sector, end);
      std::fill(written.begin() + static_cast<std::ptrdiff_t>(lost),
                written.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
    }
    std::uint64_t whole = 0;
    std::size_t place = 0;
    for (auto at = from; at < entries_.size(); ++at, ++whole) {
      const auto size = entries_[at].bytes.size();
      if (!check_entry(std::span{written}.subspan(place, size))) break;
      place += size;
    }
    crash(whole);
    syncing_.reset();
  }

  /// The process dies: what it wrote is in the page cache, and a sync that was under way is not
  /// heard of.
  void forget_sync() { syncing_.reset(); }

  /// Ends a sync that was begun with `sync_soon`.
  void finish_sync() {
    if (syncing_) synced_ = std::max(synced_, std::exchange(syncing_, std::nullopt).value());
  }

  /// An index that was written twice in one term with different contents, if any ever was.
  [[nodiscard]] std::optional<entry_index> rewritten() const { return rewritten_; }

  /// A bit of this entry is not what was written.
  void damage(entry_index index) {
    auto& bytes = entries_.at(index.value - first_.value).bytes;
    std::vector<std::byte> copy(bytes.span().begin(), bytes.span().end());
    copy.back() ^= std::byte{1};
    bytes = shared_bytes::copy_of(copy);
  }

  [[nodiscard]] const std::vector<stored>& entries() const { return entries_; }
  /// All entries from the first on, also those that retention has dropped.
  [[nodiscard]] const std::vector<shared_bytes>& history() const { return history_; }

  result<void> append(std::span<const storage::log_write> writes) override {
    if (gone) return killed();
    if (append_fails != errc::none && !fails_late) return {append_fails, "injected"};
    for (const auto& write : writes) {
      CARAFE_ASSERT(write.entry->header.index == last() + 1);
      std::vector<std::uint64_t> aligned((write.entry->bytes() + 7) / 8);
      const auto out = std::as_writable_bytes(std::span{aligned}).first(write.entry->bytes());
      write_entry(*write.entry, out);
      entries_.push_back({shared_bytes::copy_of(out), write.rows});
      history_.push_back(entries_.back().bytes);
      const auto& header = write.entry->header;
      const auto [known, fresh] = ever_.try_emplace({header.index, header.term}, crc32c(out));
      if (!fresh && known->second != crc32c(out)) rewritten_ = header.index;
    }
    if (append_fails != errc::none) return {append_fails, "injected"};
    if (mode_ == durability::fsync) synced_ = last();
    return {};
  }

  result<void> sync() override {
    if (gone) return killed();
    if (sync_fails != errc::none) return {sync_fails, "injected"};
    synced_ = last();
    return {};
  }

  result<void> sync_soon() override {
    if (gone) return killed();
    if (!syncs_slowly || sync_fails != errc::none) return sync();
    if (!syncing_) syncing_ = last();
    return {};
  }

  storage::log_room secure_room() override { return room; }

  result<void> drop_before(entry_index first) override {
    if (gone) return killed();
    while (!entries_.empty() && segment_end(first_) < first && segment_end(first_) <= last()) {
      const auto end = segment_end(first_);
      for (; first_ <= end; first_ = first_ + 1) entries_.erase(entries_.begin());
    }
    return {};
  }

  result<void> truncate_after(entry_index keep) override {
    if (gone) return killed();
    entries_.resize(keep.value + 1 - first_.value);
    history_.resize(keep.value);
    synced_ = std::min(synced_, keep);
    return {};
  }

  [[nodiscard]] storage::log_bounds bounds() const override {
    std::uint64_t bytes = 0;
    for (const auto& entry : entries_) bytes += entry.bytes.size();
    return {first_, last(), synced_, bytes, 1};
  }

  result<std::vector<shared_bytes>> read_entries(entry_index first, entry_index last,
                                                 std::uint64_t bytes_max) const override {
    if (first < first_ || first > this->last()) return {errc::not_found, "outside the log"};
    std::vector<shared_bytes> out;
    std::uint64_t bytes = 0;
    for (auto at = first; at <= std::min(last, this->last()); at = at + 1) {
      out.push_back(entries_[at.value - first_.value].bytes);
      bytes += out.back().size();
      if (bytes >= bytes_max) break;
    }
    return out;
  }

  result<std::vector<storage::stored_batch>> read_queue(queue_id queue, offset from,
                                                        entry_index last, std::uint64_t bytes_max,
                                                        storage::read_hint&) const override {
    if (read_fails != errc::none) return {read_fails, "injected"};
    std::vector<storage::stored_batch> out;
    std::uint64_t bytes = 0;
    for (const auto& entry : entries_) {
      for (const auto& row : entry.rows) {
        if (row.queue != queue || row.entry > last || row.base + row.count <= from) continue;
        if (!out.empty() && bytes >= bytes_max) return out;
        auto decoded = decode_entry(entry.bytes);
        if (!decoded) return decoded.error();
        for (const auto& effect : decoded->effects)
          if (const auto* batch = std::get_if<effects::batch>(&effect);
              batch != nullptr && batch->queue == queue && batch->base == row.base) {
            out.push_back({queue, row.base, row.count, row.time, *batch});
            bytes += batch->bytes.size();
          }
      }
    }
    return out;
  }

  result<std::optional<storage::index_row>> find_time(queue_id queue, unix_ms time,
                                                      entry_index last) const override {
    for (const auto& entry : entries_)
      for (const auto& row : entry.rows)
        if (row.queue == queue && row.time >= time && row.entry <= last) return std::optional{row};
    return std::optional<storage::index_row>{};
  }

  [[nodiscard]] entry_index retention_limit(unix_ms keep_after, std::uint64_t bytes_max,
                                            entry_index checkpoint) const override {
    auto first = first_;
    auto left = bounds().bytes;
    for (;;) {
      const auto end = segment_end(first);
      if (end > checkpoint || end > last()) return first;
      std::uint64_t bytes = 0;
      bool old = true;
      for (auto at = first; at <= end; at = at + 1) {
        const auto& entry = entries_[at.value - first_.value];
        const auto header = read_entry_header(entry.bytes.span());
        old = old && header && header->time < keep_after;
        bytes += entry.bytes.size();
      }
      const bool big = bytes_max != 0 && left > bytes_max;
      if (!big && !old) return first;
      left -= bytes;
      first = end + 1;
    }
  }

  [[nodiscard]] entry_index second_segment(entry_index checkpoint) const override {
    const auto end = segment_end(first_);
    return end > checkpoint || end >= last() ? first_ : end + 1;
  }

  result<std::vector<std::pair<queue_id, offset>>> ends_before(entry_index first) const override {
    std::map<queue_id, offset> ends;
    for (const auto& entry : entries_)
      for (const auto& row : entry.rows)
        if (row.entry < first) ends[row.queue] = row.base + row.count;
    return std::vector<std::pair<queue_id, offset>>(ends.begin(), ends.end());
  }

  result<std::uint64_t> copy_to(const std::string&) const override {
    return {errc::unsupported, "in memory"};
  }

private:
  [[nodiscard]] entry_index last() const { return entry_index{first_.value + entries_.size() - 1}; }
  /// The last entry of the segment that `index` is in.
  [[nodiscard]] entry_index segment_end(entry_index index) const {
    return entry_index{((index.value - 1) / entries_per_segment + 1) * entries_per_segment};
  }

  durability mode_;
  entry_index first_{1};
  entry_index synced_{0};
  std::vector<stored> entries_;
  std::vector<shared_bytes> history_;
  std::optional<entry_index> syncing_;
  std::map<std::pair<entry_index, term>, std::uint32_t> ever_;
  std::optional<entry_index> rewritten_;
};

} // namespace carafe::test
