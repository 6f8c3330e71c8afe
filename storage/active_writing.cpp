#include "storage/active_segment.hpp"

#include <algorithm>
#include <vector>

namespace carafe::storage {

using lmdb::put_outcome;

namespace {

/// LMDB keeps values beyond about half a page on pages of their own.
constexpr std::size_t inline_node_max = 2038;
constexpr std::size_t node_bytes = 8;
constexpr std::size_t pointer_bytes = 2;
/// Pages of branches, roots, free lists and splits that any group may need, and that it copies.
constexpr std::uint64_t group_pages = 48;
constexpr std::uint64_t group_copies = 8;
/// A queue's rows lie side by side: a leaf and its branch.
constexpr std::uint64_t pages_per_queue = 2;
/// Rows that fit a leaf, if leaves are half full.
constexpr std::uint64_t rows_per_leaf = 36;

struct group_size {
  std::uint64_t overflow_pages = 0;
  std::uint64_t leaf_bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t queues = 0;
};

group_size measure(std::span<const log_write> entries) {
  group_size size;
  std::vector<queue_id> queues;
  for (const auto& write : entries) {
    auto bytes = write.entry->bytes();
    if (node_bytes + log_key_bytes + bytes > inline_node_max) {
      size.overflow_pages += (page_header_bytes - 1 + bytes) / page_bytes + 1;
      bytes = sizeof(std::uint64_t);
    }
    size.leaf_bytes += pointer_bytes + node_bytes + log_key_bytes + bytes;
    size.rows += write.rows.size();
    for (const auto& row : write.rows) queues.push_back(row.queue);
  }
  std::ranges::sort(queues);
  size.queues =
    static_cast<std::uint64_t>(std::unique(queues.begin(), queues.end()) - queues.begin());
  return size;
}

} // namespace

bool active_segment::has_room(std::span<const log_write> entries) const {
  auto size = measure(entries);
  auto used = env_->used();
  auto needed = group_pages + size.overflow_pages + 2 * size.leaf_bytes / page_bytes;
  needed += 2 * pages_per_queue * size.queues + size.rows / rows_per_leaf;
  return used.last_page + needed < used.page_count_max;
}

std::uint64_t active_segment::room_bytes() {
  if (!take_space()) return 0;
  const auto used = env_->used();
  const auto taken = used.last_page + group_pages;
  return taken < used.page_count_max ? (used.page_count_max - taken) * page_bytes : 0;
}

result<put_outcome> active_segment::append(std::span<const log_write> entries) {
  if (auto ready = prepare_write(); !ready) return ready.error();
  if (!reserved_)
    return {errc::storage_full, "there is no room for " + path().string() +
                                  "; nothing is written until the disk has room again"};
  if (reader_pin_ && reader_pin_->reader.expired()) reader_pin_.reset();
  auto written = write(entries);
  if (!written || *written == put_outcome::no_room) return written;
  set_last(entries.back().entry->header.index);
  if (!settings_.unsynced) synced_ = last().value;
  return put_outcome::done;
}

result<put_outcome> active_segment::write(std::span<const log_write> entries) {
  auto txn = env_->begin_write();
  if (!txn) return after_failed_commit(txn.error());
  {
    auto log = txn->open_cursor(env_->table_at(table_log));
    if (!log) return log.error();
    auto index = txn->open_cursor(env_->table_at(table_index));
    if (!index) return index.error();
    for (const auto& [entry, rows] : entries) {
      std::span<std::byte> room;
      auto put = log->append(encode_log_key(entry->header.index), entry->bytes(), room);
      if (!put || *put == put_outcome::no_room) return put;
      // LMDB keeps values at multiples of 8 if all their sizes are.
      CARAFE_ASSERT(reinterpret_cast<std::uintptr_t>(room.data()) % 8 == 0);
      write_entry(*entry, room);
      std::uint32_t position = 0;
      for (const auto& row : rows) {
        put =
          index->put(encode_index_key(row.queue, row.base), encode_index_value({row, position++}));
        if (!put || *put == put_outcome::no_room) return put;
      }
    }
  }
  auto committed = txn->commit();
  if (!committed) return after_failed_commit(committed.error());
  copied_pages_ += group_copies + pages_per_queue * measure(entries).queues;
  return committed;
}

failure active_segment::after_failed_commit(failure why) {
  // LMDB gives up an environment whose meta page it could not write: then what the disk holds is
  // unknown, full or not. In synced mode any other failure may have been that of the sync.
  if (why.code == errc::storage_full && env_->begin_read()) return why;
  why.code = errc::storage_failed;
  settings_.sync_failed->store(true);
  return why;
}

result<void> active_segment::truncate_after(entry_index last) {
  CARAFE_ASSERT(last.value + 1 >= first().value);
  if (auto ready = prepare_write(); !ready) return ready;
  if (last < this->last()) {
    auto done = erase_after(last);
    if (!done) return done.error();
    if (*done == put_outcome::no_room)
      return {errc::storage_full, path().string() + " has no room left to remove entries from it"};
    set_last(last);
    synced_ = std::min(synced(), last).value;
  }
  if (settings_.unsynced) return record_newest(false);
  synced_ = this->last().value;
  return {};
}

result<put_outcome> active_segment::erase_after(entry_index last) {
  auto txn = env_->begin_write();
  if (!txn) return after_failed_commit(txn.error());
  {
    auto log = txn->open_cursor(env_->table_at(table_log));
    if (!log) return log.error();
    auto at = log->last();
    for (; at && *at && decode_log_key((*at)->key) > last; at = log->last()) {
      auto done = log->erase();
      if (!done || *done == put_outcome::no_room) return done;
    }
    if (!at) return at.error();
  }
  auto rows = erase_rows(*txn, last);
  if (!rows || *rows == put_outcome::no_room) return rows;
  auto committed = txn->commit();
  if (!committed) return after_failed_commit(committed.error());
  return committed;
}

result<put_outcome> active_segment::erase_rows(lmdb::txn& in, entry_index last) {
  auto rows = in.open_cursor(env_->table_at(table_index));
  if (!rows) return rows.error();
  // Entries rise along a queue's rows: from its last row backwards until one that stays.
  auto at = rows->last();
  while (at && *at) {
    auto row = decode_index_row((*at)->key, (*at)->value);
    if (!row) return damaged(last, row.error().detail);
    auto queue = row->row.queue;
    if (row->row.entry > last) {
      auto done = rows->erase();
      if (!done || *done == put_outcome::no_room) return done;
    }
    auto rest = row->row.entry > last ? row->row.base : offset{0};
    at = rows->seek(encode_index_key(queue, rest));
    if (!at) break;
    at = *at ? rows->previous() : rows->last();
  }
  if (!at) return at.error();
  return put_outcome::done;
}

} // namespace carafe::storage
