#include "storage/log_reading.hpp"

#include "storage/bytes.hpp"
#include "storage/data_format.hpp"
#include "storage/queue_rows.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace carafe::storage {

namespace {

/// Of the broker time in a stored entry; see `entry_header`.
constexpr std::size_t at_entry_time = 24;

/// Broker time of a segment's last entry.
result<std::optional<unix_ms>> last_time(const segment& in) {
  auto state = in.snapshot();
  if (!state) return state.error();
  auto log = (*state)->open(table_log);
  if (!log) return log.error();
  auto any = (*log)->last();
  if (!any) return any.error();
  if (!*any) return std::optional<unix_ms>{};
  std::array<std::byte, entry_header_bytes> header{};
  if ((*log)->value_bytes() < header.size()) return in.damaged(in.last(), "is too short");
  if (auto done = (*log)->read_value(header); !done) return done.error();
  return std::optional{unix_ms{get<std::int64_t>(header, at_entry_time)}};
}

result<void> collect_ends(const segment& in, entry_index first, std::map<queue_id, offset>& ends) {
  auto index = open_index::of(in);
  if (!index) return index.error();
  auto there = index->rows->first();
  while (there && *there) {
    auto low = read_row(*index->rows);
    if (!low) return in.damaged(in.first(), low.error().detail);
    auto queue = low->row.queue;
    queue_rows rows{*index->rows, queue};
    auto high = rows.last();
    if (!high) return in.damaged(in.first(), high.error().detail);
    if (!*high) return in.damaged(in.first(), "an index row cannot be found again");
    auto end = **high;
    if (end.row.entry >= first && low->row.entry < first) {
      auto beyond = bisect(rows, *low, end, [&](const index_row& r) { return r.entry >= first; });
      if (!beyond) return in.damaged(in.first(), beyond.error().detail);
      // The queue's rows are dense: the last one below ends where this one begins.
      ends[queue] = beyond->row.base;
    } else if (end.row.entry < first) {
      ends[queue] = end.row.base + end.row.count;
    }
    if (queue.value == std::numeric_limits<std::uint64_t>::max()) return {};
    there = index->rows->seek(encode_index_key(queue_id{queue.value + 1}, offset{0}));
  }
  if (!there) return there.error();
  return {};
}

} // namespace

std::size_t segment_list::position_of(entry_index index) const {
  auto beyond = std::upper_bound(segments.begin(), segments.end(), index,
                                 [](entry_index i, const auto& s) { return i < s->first(); });
  CARAFE_ASSERT(beyond != segments.begin());
  return static_cast<std::size_t>(beyond - segments.begin()) - 1;
}

result<shared_bytes> read_whole_value(const table_cursor& at) {
  auto size = at.value_bytes();
  auto owner = std::shared_ptr<std::byte[]>(new std::byte[size]);
  auto view = std::span{owner.get(), size};
  if (auto done = at.read_value(view); !done) return done.error();
  return shared_bytes{std::move(owner), view};
}

result<placed_row> read_row(const table_cursor& at) {
  index_value value{};
  if (at.value_bytes() != value.size())
    return {errc::storage_corrupt, "an index row has a wrong size"};
  if (auto done = at.read_value(value); !done) return done.error();
  return decode_index_row(at.key(), value);
}

result<bool> seek_last_row(table_cursor& rows, queue_id queue) {
  auto top = queue.value == std::numeric_limits<std::uint64_t>::max();
  auto there =
    top ? result<bool>{false} : rows.seek(encode_index_key(queue_id{queue.value + 1}, offset{0}));
  if (!there) return there;
  return *there ? rows.previous() : rows.last();
}

result<std::vector<shared_bytes>> read_entries(const segment_list& log, entry_index first,
                                               entry_index last, std::uint64_t bytes_max) {
  auto stored = log.last();
  if (first < log.first() || first > stored)
    return {errc::not_found, "the log holds entries " + std::to_string(log.first().value) + " to " +
                               std::to_string(stored.value) + ", not " +
                               std::to_string(first.value)};
  last = std::min(last, stored);
  std::vector<shared_bytes> out;
  std::uint64_t bytes = 0;
  for (auto i = log.position_of(first); i < log.segments.size() && first <= last; ++i) {
    const auto& in = *log.segments[i];
    auto state = in.snapshot();
    if (!state) return state.error();
    auto entries = (*state)->open(table_log);
    if (!entries) return entries.error();
    auto there = (*entries)->seek(encode_log_key(first));
    for (; there && *there && first <= last; there = (*entries)->next()) {
      if ((*entries)->key().size() != log_key_bytes || decode_log_key((*entries)->key()) != first)
        return in.damaged(first, "is missing");
      if (!out.empty() && bytes + (*entries)->value_bytes() > bytes_max) return out;
      auto value = read_whole_value(**entries);
      if (!value) return value.error();
      bytes += value->size();
      out.push_back(std::move(*value));
      first = first + 1;
    }
    if (!there) return there.error();
  }
  return out;
}

result<std::optional<index_row>> find_time(const segment_list& log, queue_id queue, unix_ms time,
                                           entry_index last) {
  std::optional<index_row> best;
  for (auto at = log.segments.rbegin(); at != log.segments.rend(); ++at) {
    const auto& in = **at;
    auto index = open_index::of(in);
    if (!index) return index.error();
    queue_rows rows{*index->rows, queue};
    auto low = rows.at_or_after(offset{0});
    if (!low) return in.damaged(in.first(), low.error().detail);
    if (!*low || (*low)->row.entry > last) continue;
    auto high = rows.last();
    if (!high) return in.damaged(in.first(), high.error().detail);
    if (!*high || (*high)->row.time < time) break;
    auto row = bisect(rows, **low, **high, [&](const index_row& r) { return r.time >= time; });
    if (!row) return in.damaged(in.first(), row.error().detail);
    if (row->row.entry <= last) best = row->row;
    if (row->row.base != (*low)->row.base) break;
  }
  return best;
}

entry_index retention_limit(const segment_list& log, unix_ms keep_after, std::uint64_t bytes_max,
                            entry_index checkpoint) {
  std::uint64_t bytes = 0;
  for (const auto& s : log.segments) bytes += s->used_bytes();
  auto limit = log.first();
  for (std::size_t i = 0; i + 1 < log.segments.size(); ++i) {
    const auto& oldest = *log.segments[i];
    if (oldest.last() > checkpoint) break;
    if (bytes_max == 0 || bytes <= bytes_max) {
      // What cannot be read is not dropped by its age.
      auto time = last_time(oldest);
      if (!time || !*time || **time >= keep_after) break;
    }
    bytes -= oldest.used_bytes();
    limit = oldest.last() + 1;
  }
  return limit;
}

entry_index second_segment(const segment_list& log, entry_index checkpoint) {
  if (log.segments.size() < 2 || log.segments.front()->last() > checkpoint) return log.first();
  return log.segments[1]->first();
}

result<std::vector<std::pair<queue_id, offset>>> ends_before(const segment_list& log,
                                                             entry_index first) {
  std::map<queue_id, offset> ends;
  for (const auto& s : log.segments) {
    if (s->first() >= first) break;
    if (auto done = collect_ends(*s, first, ends); !done) return done.error();
  }
  return std::vector<std::pair<queue_id, offset>>{ends.begin(), ends.end()};
}

result<std::uint64_t> copy_to(const segment_list& log, const std::filesystem::path& to) {
  std::uint64_t bytes = 0;
  for (const auto& s : log.segments) {
    auto copied = s->copy_to(to);
    if (!copied) return copied.error();
    bytes += *copied;
  }
  if (auto done = write_log_note(to, log_note::start, log.first()); !done) return done.error();
  const auto newest = log.segments.back()->first();
  if (auto done = write_log_note(to, log_note::newest, newest); !done) return done.error();
  if (auto done = sync_folder(to); !done) return done.error();
  return bytes;
}

} // namespace carafe::storage
