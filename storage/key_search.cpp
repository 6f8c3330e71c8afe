#include "storage/key_search.hpp"

#include "storage/queue_rows.hpp"

#include <algorithm>

namespace carafe::storage {

namespace {

/// What it costs to ask a segment for the queue's bounds, and for a key, in bytes that are read.
constexpr std::uint64_t bounds_bytes = 8u << 10;
constexpr std::uint64_t look_up_bytes = 80u << 10;
/// Entries that are asked for at a time.
constexpr std::size_t candidates_max = 256;

/// One step through the segments.
class key_search {
public:
  key_search(const segment_list& log, const key_query& query, key_files& files, key_findings& out)
    : log_(log), query_(query), files_(files), out_(out), matching_(query, out) {}

  result<void> run(read_hint& hint);

private:
  result<bool> ask(const std::shared_ptr<const segment>& in);
  result<bool> look_up(const segment& in, const key_file& keys, queue_rows& rows,
                       const placed_row& low, const placed_row& high, table_cursor& entries);
  result<bool> look_at_entry(const segment& in, entry_index at, table_cursor& entries);
  result<void> pass_over(const segment& in, queue_rows& rows, const placed_row& low,
                         const placed_row& high, entry_index at);
  result<void> look_through(const segment& in, offset end);

  const segment_list& log_;
  const key_query& query_;
  key_files& files_;
  key_findings& out_;
  key_matching matching_;
  /// Nothing of the queue comes behind this segment.
  bool at_end_ = false;
};

result<void> key_search::run(read_hint& hint) {
  std::size_t position = 0;
  if (hint.epoch == log_.epoch && hint.segment >= log_.first())
    position = log_.position_of(hint.segment);
  if (matching_.enough()) return {};
  for (; position < log_.segments.size() && !at_end_; ++position) {
    hint = {log_.segments[position]->first(), log_.epoch};
    if (log_.segments[position]->first() > query_.last) break;
    auto finished = ask(log_.segments[position]);
    if (!finished) return finished.error();
    if (!matching_.enough()) continue;
    // Also a step that only passed over a segment must get on.
    if (*finished && position + 1 < log_.segments.size())
      hint.segment = log_.segments[position + 1]->first();
    if (!*finished || position + 1 < log_.segments.size()) return {};
  }
  out_.next = std::max(out_.next, query_.until);
  return {};
}

/// @returns Whether it has nothing more.
result<bool> key_search::ask(const std::shared_ptr<const segment>& in) {
  out_.bytes += bounds_bytes;
  auto index = open_index::of(*in);
  if (!index) return index.error();
  queue_rows rows{*index->rows, query_.queue};
  auto low = rows.at_or_after(offset{0});
  if (!low) return in->damaged(in->first(), low.error().detail);
  if (!*low) return true;
  if ((*low)->row.entry > query_.last || (*low)->row.base >= query_.until) {
    at_end_ = true;
    return true;
  }
  auto high = rows.last();
  if (!high) return in->damaged(in->first(), high.error().detail);
  if (!*high) return in->damaged(in->first(), "an index row cannot be found again");
  const auto end = std::min((*high)->row.base + (*high)->row.count, query_.until);
  if (end <= out_.next) return true;
  out_.next = std::max(out_.next, (*low)->row.base);
  if (const auto keys = files_.of(in)) {
    out_.bytes += look_up_bytes;
    auto entries = index->state->open(table_log);
    if (!entries) return entries.error();
    auto finished = look_up(*in, *keys, rows, **low, **high, **entries);
    if (finished && *finished) out_.next = std::max(out_.next, end);
    if (finished || finished.code() != errc::not_found) return finished;
    files_.is_damaged(in, finished.error());
  }
  if (auto done = look_through(*in, end); !done) return done.error();
  return out_.next >= end;
}

/// @returns Whether it has nothing more.
/// @errors not_found  The file of keys is of no use.
result<bool> key_search::look_up(const segment& in, const key_file& keys, queue_rows& rows,
                                 const placed_row& low, const placed_row& high,
                                 table_cursor& entries) {
  // The rows that hold the first offset and the last one.
  const auto row_that_ends_behind = [&](offset at) -> result<placed_row> {
    if (at >= high.row.base) return high;
    auto found = bisect(rows, low, high, [&](const index_row& r) { return r.base + r.count > at; });
    return found ? found : in.damaged(in.first(), found.error().detail);
  };
  auto begin = row_that_ends_behind(out_.next);
  if (!begin) return begin.error();
  auto end = row_that_ends_behind(offset{query_.until.value - 1});
  if (!end) return end.error();
  const auto hash = hash_of_key(query_.queue, query_.key);
  auto from = begin->row.entry;
  const auto last = std::min(end->row.entry, query_.last);
  while (from <= last) {
    auto found = keys.candidates(hash, from, last, candidates_max);
    if (!found) return {errc::not_found, found.error().detail};
    for (auto at : *found) {
      auto mine = look_at_entry(in, at, entries);
      if (!mine) return mine.error();
      if (!matching_.enough()) continue;
      // Keys of another queue may have the same hash: the search must get on all the same.
      if (*mine) return false;
      if (auto done = pass_over(in, rows, low, high, at); !done) return done.error();
      return false;
    }
    if (found->size() < candidates_max) return true;
    from = found->back() + 1;
  }
  return true;
}

/// @returns Whether it has messages of the queue.
result<bool> key_search::look_at_entry(const segment& in, entry_index at, table_cursor& entries) {
  auto there = entries.seek(encode_log_key(at));
  if (!there) return there.error();
  if (!*there || entries.key().size() != log_key_bytes || decode_log_key(entries.key()) != at)
    return in.damaged(at, "is missing");
  auto stored = read_whole_value(entries);
  if (!stored) return stored.error();
  out_.bytes += stored->size();
  auto entry = decode_entry(*stored);
  if (!entry) return in.damaged(at, entry.error().detail);
  auto mine = false;
  for (const auto& effect : entry->effects) {
    const auto* batch = std::get_if<effects::batch>(&effect);
    if (batch == nullptr || batch->timed || batch->queue != query_.queue) continue;
    mine = true;
    matching_.look_at(*batch);
    if (out_.found.size() >= query_.found_max) break;
  }
  return mine;
}

/// Goes on behind entry `at`, which has nothing of the queue.
result<void> key_search::pass_over(const segment& in, queue_rows& rows, const placed_row& low,
                                   const placed_row& high, entry_index at) {
  if (high.row.entry <= at) {
    out_.next = std::max(out_.next, high.row.base + high.row.count);
    return {};
  }
  auto behind = bisect(rows, low, high, [&](const index_row& r) { return r.entry > at; });
  if (!behind) return in.damaged(in.first(), behind.error().detail);
  out_.next = std::max(out_.next, behind->row.base);
  return {};
}

/// Reads the queue's batches in this segment, at least one.
result<void> key_search::look_through(const segment& in, offset end) {
  read_hint hint{in.first(), log_.epoch};
  do {
    const auto left = query_.bytes_max > out_.bytes ? query_.bytes_max - out_.bytes : 1;
    auto batches =
      read_queue(log_, query_.queue, out_.next, std::min(query_.last, in.last()), left, hint);
    if (!batches) return batches.error();
    if (batches->empty()) out_.next = end; // The rest comes after the query's last entry.
    for (const auto& batch : *batches) {
      out_.bytes += batch.batch.bytes.size();
      matching_.look_at(batch.batch);
      if (out_.found.size() >= query_.found_max) return {};
    }
  } while (out_.next < end && !matching_.enough());
  return {};
}

} // namespace

void key_matching::look_at(const effects::batch& batch) {
  auto end = batch.base + batch.count;
  if (end <= out_.next || batch.base >= query_.until) return;
  const auto begin = std::max(batch.base, out_.next);
  visit_keys(batch, [&](std::uint32_t number, std::string_view key) {
    const auto at = batch.base + number;
    if (key != query_.key || at < begin || at >= query_.until) return;
    if (out_.found.size() < query_.found_max) out_.found.push_back(at);
  });
  // What of the batch was not taken comes with the next step.
  if (out_.found.size() >= query_.found_max) end = out_.found.back() + 1;
  out_.next = std::min(end, query_.until);
  out_.messages += out_.next.value - begin.value;
}

result<key_findings> find_key(const segment_list& log, const key_query& query, key_files& files,
                              read_hint& hint) {
  key_findings out;
  out.next = query.from;
  if (auto done = key_search{log, query, files, out}.run(hint); !done) return done.error();
  return out;
}

/// Without an index: the queue is looked through.
result<key_findings> commit_log::find_key(const key_query& query, read_hint& hint) const {
  key_findings out;
  out.next = query.from;
  key_matching matching{query, out};
  while (!matching.enough()) {
    auto batches = read_queue(query.queue, out.next, query.last, query.bytes_max - out.bytes, hint);
    if (!batches) return batches.error();
    if (batches->empty()) {
      out.next = std::max(out.next, query.until);
      break;
    }
    for (const auto& batch : *batches) {
      out.bytes += batch.batch.bytes.size();
      matching.look_at(batch.batch);
      if (out.found.size() >= query.found_max) break;
    }
  }
  return out;
}

} // namespace carafe::storage
