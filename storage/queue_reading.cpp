#include "storage/log_reading.hpp"

#include <optional>

namespace carafe::storage {

namespace {

enum class finding {
  /// The segment holds the offset; the cursor is on its row.
  here,
  /// The segment has rows of the queue, all of lower offsets.
  later,
  /// The segment has rows of the queue, all of higher offsets.
  earlier,
  /// The segment has no rows of the queue.
  nothing,
};

/// A position among a queue's rows in one segment, and the entry read last.
class queue_reader {
public:
  queue_reader(queue_id queue, const segment_list& log) : queue_(queue), log_(log) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] const segment& current() const { return *log_.segments[position_]; }
  [[nodiscard]] const placed_row& row() const { return row_; }
  /// After a search without success: nothing from the offset on is stored anywhere.
  [[nodiscard]] bool exhausted() const noexcept { return exhausted_; }

  result<finding> find(std::size_t position, offset from);
  /// The position of `from`, searched from the newest segment on or from a hint.
  result<bool> locate(offset from, read_hint& hint);
  /// To the row that follows, in this segment or a newer one.
  result<bool> next();
  result<stored_batch> read();

private:
  result<void> open(std::size_t position);
  result<bool> locate_forward(offset from, std::size_t position, bool& lost);
  result<void> read_entry(entry_index index);
  /// Whether the cursor, if `there`, is on a row of the queue; takes it.
  result<bool> take(bool there);

  queue_id queue_;
  const segment_list& log_;
  std::size_t position_ = 0;
  std::unique_ptr<segment_snapshot> state_;
  std::unique_ptr<table_cursor> rows_;
  std::unique_ptr<table_cursor> entries_;
  placed_row row_;
  std::optional<decoded_entry> entry_;
  bool exhausted_ = false;
};

result<void> queue_reader::open(std::size_t position) {
  if (state_ && position == position_) return {};
  entries_.reset();
  rows_.reset();
  state_.reset();
  position_ = position;
  auto state = current().snapshot();
  if (!state) return state.error();
  state_ = std::move(*state);
  auto rows = state_->open(table_index);
  if (!rows) return rows.error();
  rows_ = std::move(*rows);
  auto entries = state_->open(table_log);
  if (!entries) return entries.error();
  entries_ = std::move(*entries);
  return {};
}

result<bool> queue_reader::take(bool there) {
  if (!there) return false;
  auto row = read_row(*rows_);
  if (!row)
    return row.code() == errc::storage_corrupt
             ? current().damaged(current().first(), row.error().detail)
             : row.error();
  row_ = *row;
  return row_.row.queue == queue_;
}

result<finding> queue_reader::find(std::size_t position, offset from) {
  if (auto done = open(position); !done) return done.error();
  auto there = rows_->seek(encode_index_key(queue_, from));
  if (!there) return there.error();
  auto any_after = take(*there);
  if (!any_after) return any_after.error();
  if (*any_after && row_.row.base == from) return finding::here;
  auto before = *there ? rows_->previous() : rows_->last();
  if (!before) return before.error();
  auto any_before = take(*before);
  if (!any_before) return any_before.error();
  if (*any_before) return row_.row.base + row_.row.count > from ? finding::here : finding::later;
  return *any_after ? finding::earlier : finding::nothing;
}

/// @param lost  Set if the segments are not as the hint promised.
result<bool> queue_reader::locate_forward(offset from, std::size_t position, bool& lost) {
  for (; position < log_.segments.size(); ++position) {
    auto found = find(position, from);
    if (!found) return found.error();
    if (*found == finding::here) return true;
    if (*found == finding::earlier) {
      lost = true;
      return false;
    }
  }
  exhausted_ = true;
  return false;
}

result<bool> queue_reader::locate(offset from, read_hint& hint) {
  if (hint.epoch == log_.epoch && hint.segment >= log_.first()) {
    auto position = log_.position_of(hint.segment);
    bool lost = log_.segments[position]->first() != hint.segment;
    if (!lost) {
      auto found = locate_forward(from, position, lost);
      if (!found || !lost) return found;
    }
  }
  exhausted_ = true;
  for (auto position = log_.segments.size(); position-- > 0;) {
    auto found = find(position, from);
    if (!found) return found.error();
    if (*found == finding::here) return true;
    if (*found == finding::later) break;
    if (*found == finding::earlier) exhausted_ = false;
  }
  return false;
}

result<bool> queue_reader::next() {
  auto expected = row_.row.base + row_.row.count;
  auto there = rows_->next();
  if (!there) return there.error();
  auto more = take(*there);
  if (!more) return more.error();
  if (*more) {
    if (row_.row.base == expected) return true;
    return current().damaged(row_.row.entry, "its batch does not follow the queue's last one");
  }
  bool lost = false;
  auto found = locate_forward(expected, position_ + 1, lost);
  if (found && lost)
    return current().damaged(current().first(), "the queue's next batch is missing");
  return found;
}

result<void> queue_reader::read_entry(entry_index index) {
  if (entry_ && entry_->header.index == index) return {};
  entry_.reset();
  auto there = entries_->seek(encode_log_key(index));
  if (!there) return there.error();
  if (!*there || entries_->key().size() != log_key_bytes ||
      decode_log_key(entries_->key()) != index)
    return current().damaged(index, "is missing, but its queue index names it");
  auto stored = read_whole_value(*entries_);
  if (!stored) return stored.error();
  auto entry = decode_entry(std::move(*stored));
  if (!entry) {
    auto why = current().damaged(index, entry.error().detail);
    why.code = entry.code();
    return why;
  }
  if (entry->header.index != index) return current().damaged(index, "says it is another entry");
  entry_ = std::move(*entry);
  return {};
}

result<stored_batch> queue_reader::read() {
  const auto& row = row_.row;
  if (auto done = read_entry(row.entry); !done) return done.error();
  std::uint32_t position = 0;
  for (const auto& effect : entry_->effects) {
    const auto* batch = std::get_if<effects::batch>(&effect);
    if (!batch || batch->timed || position++ != row_.position) continue;
    if (batch->queue != row.queue || batch->base != row.base || batch->count != row.count) break;
    return stored_batch{row.queue, row.base, row.count, row.time, *batch};
  }
  return current().damaged(row.entry, "does not hold the batch that its queue index names");
}

} // namespace

result<std::vector<stored_batch>> read_queue(const segment_list& log, queue_id queue, offset from,
                                             entry_index last, std::uint64_t bytes_max,
                                             read_hint& hint) {
  std::vector<stored_batch> out;
  std::uint64_t bytes = 0;
  queue_reader reader{queue, log};
  auto there = reader.locate(from, hint);
  while (there && *there && reader.row().row.entry <= last) {
    auto batch = reader.read();
    if (!batch) {
      there = batch.error();
      break;
    }
    bytes += batch->batch.bytes.size();
    out.push_back(std::move(*batch));
    hint = {reader.current().first(), log.epoch};
    if (bytes >= bytes_max) return out;
    there = reader.next();
  }
  // What is sound before the damage is served; the next read meets the damage first.
  if (!there && out.empty()) return there.error();
  if (there && *there) hint = {reader.current().first(), log.epoch};
  // What comes next of this queue will be appended, so it is not in an older segment.
  if (there && !*there && reader.exhausted()) hint = {log.segments.back()->first(), log.epoch};
  return out;
}

} // namespace carafe::storage
