#include "test/power/told.hpp"

#include "actors/core/placement.hpp"
#include "storage/segment_layout.hpp"
#include "storage/state_layout.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace carafe::power {

namespace {

constexpr std::uint32_t frame_bytes_max = 64u << 20;

std::optional<durability> mode_of_folder(std::string_view name) {
  constexpr std::string_view prefix = "shard-";
  if (!name.starts_with(prefix)) return std::nullopt;
  std::uint16_t number = 0;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return core::durability_of(shard_id{number});
}

/// In the record of a synced state (storage/synced_meta.hpp).
constexpr std::size_t at_last_synced = 32;

/// The first entry of the segment whose `.meta` file has this name.
std::optional<entry_index> first_of_meta_file(std::string_view name) {
  constexpr std::string_view suffix = ".meta";
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  return storage::parse_segment_name(std::string{name} + ".mdb");
}

} // namespace

void told::apply(const io_event& event) {
  const auto& r = event.record;
  switch (r.what) {
  case io::process:
    ++lives_;
    streams_.clear();
    // The first thing a life saves is a vote, not a checkpoint.
    std::copy(std::begin(promised_), std::end(promised_), std::begin(at_last_save_));
    return;
  case io::accepted:
    streams_.insert_or_assign(r.file, frames::reader{frame_bytes_max});
    return;
  case io::sent: {
    auto& stream = streams_.at(r.file);
    stream.feed(as_bytes(event.payload));
    for (;;) {
      const auto frame = stream.next();
      if (!frame || !*frame) return;
      hear(**frame);
    }
  }
  case io::made_folder:
    if (const auto mode = mode_of_folder(event.payload)) folders_[r.other] = *mode;
    return;
  case io::made_file: {
    // Inodes are used again.
    meta_files_.erase(r.other);
    const auto in = folders_.find(r.file);
    if (in == folders_.end()) return;
    if (event.payload == storage::state_name) state_files_[r.other] = in->second;
    if (const auto first = first_of_meta_file(event.payload))
      meta_files_[r.other] = {in->second, *first, entry_index{0}, {}};
    return;
  }
  case io::sync_begins:
  case io::sync_ended:
    if (const auto meta = meta_files_.find(r.file); meta != meta_files_.end())
      hear_of_meta(meta->second, event);
    return;
  case io::written: {
    if (const auto meta = meta_files_.find(r.file); meta != meta_files_.end())
      hear_of_meta(meta->second, event);
    const auto state = state_files_.find(r.file);
    if (r.other == 0 || state == state_files_.end()) return;
    const auto mode = static_cast<std::size_t>(state->second);
    promised_[mode] = at_last_save_[mode];
    at_last_save_[mode] = order_[mode].size();
    return;
  }
  default:
    return;
  }
}

void told::hear_of_meta(synced_file& meta, const io_event& event) {
  const auto& r = event.record;
  if (r.what == io::written && event.payload.size() >= at_last_synced + sizeof(std::uint64_t)) {
    std::memcpy(&meta.written.value, event.payload.data() + at_last_synced, sizeof(std::uint64_t));
  } else if (r.what == io::sync_begins) {
    meta.syncs[r.other] = meta.written;
  } else if (r.what == io::sync_ended) {
    const auto last = meta.syncs.at(r.other);
    meta.syncs.erase(r.other);
    // A new segment's file tells nothing of those before it.
    auto& synced = synced_[static_cast<std::size_t>(meta.mode)];
    if (last >= meta.first) synced = std::max(synced, last);
  }
}

void told::hear(const frames::frame& frame) {
  if (const auto* topic = std::get_if<frames::topic_description>(&frame.body))
    topics_.insert(topic->name);
  if (const auto* receipt = std::get_if<frames::receipt>(&frame.body)) {
    const auto batch = recording_->batch_requests.at(frame.request);
    acknowledged_[batch] = {receipt->first, receipt->count};
    const auto mode = recording_->queues[recording_->batches[batch].queue].mode;
    order_[static_cast<std::size_t>(mode)].push_back(batch);
  }
  if (std::holds_alternative<frames::ok>(frame.body)) {
    const auto commit = recording_->commit_requests.find(frame.request);
    if (commit != recording_->commit_requests.end())
      commits_[commit->second.queue].push_back(commit->second.next);
  }
}

std::map<std::size_t, offset> told::committed() const {
  std::map<std::size_t, offset> all;
  for (const auto& [number, commits] : commits_) {
    const auto& queue = recording_->queues[number];
    const auto synced = synced_[static_cast<std::size_t>(queue.mode)];
    for (const auto next : commits) {
      if (queue.mode != durability::fsync &&
          recording_->commit_entries.at({queue.queue, next}) > synced)
        continue;
      all[number] = std::max(all[number], next);
    }
  }
  return all;
}

std::size_t told::promised(durability mode) const {
  const auto at = static_cast<std::size_t>(mode);
  if (mode == durability::fsync) return order_[at].size();
  const auto end = std::ranges::partition_point(order_[at], [&](std::size_t batch) {
    const auto queue = recording_->queues[recording_->batches[batch].queue].queue;
    return recording_->entries.at({queue, acknowledged_.at(batch).base}) <= synced_[at];
  });
  return std::max(promised_[at], static_cast<std::size_t>(end - order_[at].begin()));
}

} // namespace carafe::power
