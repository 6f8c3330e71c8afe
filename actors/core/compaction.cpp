#include "actors/core/compaction.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace carafe::core {

namespace {

storage::stored_batch nothing_in(queue_id queue, offset from, offset until, unix_ms time) {
  storage::stored_batch out;
  out.queue = queue;
  out.base = from;
  out.count = static_cast<std::uint32_t>(until.value - from.value);
  out.time = time;
  out.only.emplace();
  out.batch.queue = queue;
  out.batch.base = from;
  return out;
}

storage::stored_batch batch_of(const latest_record& row, offset from) {
  auto out = nothing_in(row.queue, from, row.at + 1, row.time);
  out.only->push_back({row.at, 1});
  out.batch.base = row.at;
  out.batch.count = 1;
  out.batch.producer = row.producer;
  out.batch.first = row.sequence;
  out.batch.bytes =
    shared_bytes::copy_of(std::as_bytes(std::span{row.batch.data(), row.batch.size()}));
  out.batch.checksum = crc32c(out.batch.bytes.span());
  out.batch.ranked = true; // It may be; a look says so.
  return out;
}

} // namespace

result<std::vector<latest_change>> latest_changes(const storage::stored_batch& batch, offset from,
                                                  offset until, const batch_limits& limits) {
  auto reader = batch_reader::open(batch.batch.bytes, batch.batch.compression, limits);
  if (!reader) return reader.error();
  std::vector<latest_change> out;
  batch_builder builder{limits};
  for (std::uint32_t i = 0; i < reader->count(); ++i) {
    const auto at = batch.base + i;
    if (at < from || at >= until) continue;
    const auto message = reader->message(i);
    if (message.key.empty()) continue;
    latest_change change;
    auto& row = change.row;
    row.queue = batch.queue;
    row.at = at;
    row.time = batch.time;
    row.producer = batch.batch.producer;
    if (row.producer != no_producer) row.sequence = batch.batch.first + i;
    row.key = digest_of(message.key);
    change.ends = message.body.empty();
    if (!change.ends) {
      if (auto ok = builder.add(message); !ok) return ok.error();
      auto alone = builder.finish(codec::none);
      if (!alone) return alone.error();
      const auto bytes = alone->bytes.span();
      row.batch.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    out.push_back(std::move(change));
  }
  return out;
}

std::vector<storage::stored_batch> kept_batches(queue_id queue, offset from,
                                                const latest_rows& found) {
  constexpr std::uint64_t count_max = std::numeric_limits<std::uint32_t>::max();
  std::vector<storage::stored_batch> out;
  auto at = from;
  const auto go_to = [&](offset until, unix_ms time) {
    while (until.value - at.value > count_max) {
      out.push_back(nothing_in(queue, at, at + count_max, time));
      at = at + count_max;
    }
  };
  for (const auto& row : found.rows) {
    go_to(row.at + 1, row.time);
    out.push_back(batch_of(row, at));
    at = row.at + 1;
  }
  if (!found.whole || at >= found.horizon) return out;
  const auto time = found.rows.empty() ? unix_ms{} : found.rows.back().time;
  go_to(found.horizon, time);
  out.push_back(nothing_in(queue, at, found.horizon, time));
  return out;
}

} // namespace carafe::core
