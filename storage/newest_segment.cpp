#include "storage/log_recovery.hpp"

#include <algorithm>

namespace carafe::storage {

namespace {

/// What the `.meta` file says, if it can be used.
result<std::optional<synced_record>> usable_record(const std::filesystem::path& segment,
                                                   const active_settings& settings,
                                                   std::vector<std::string>& notes) {
  if (!settings.keep_meta_file) return std::optional<synced_record>{};
  auto record = load_synced_meta(synced_meta_path(segment));
  if (record.code() != errc::storage_corrupt && record.code() != errc::format_foreign)
    return record;
  notes.push_back(segment.filename().string() +
                  ": what was synced is not known, so nothing will be "
                  "cut back: " +
                  record.error().detail);
  return std::optional<synced_record>{};
}

result<std::shared_ptr<sealed_segment>> open_checked(const std::filesystem::path& path,
                                                     shard_id shard, entry_index first,
                                                     const meta_page_bytes* metas) {
  auto opened = sealed_segment::open(path, shard, first, metas);
  if (!opened) return opened.error();
  check_position position;
  if (auto sound = check_pages((*opened)->pages(), segment_rules, &position); !sound) {
    auto next = position.integer_key ? *position.integer_key + 1 : first.value;
    return failure{sound.code(),
                   sound.error().detail + " (at or after entry " + std::to_string(next) + ")"};
  }
  return opened;
}

} // namespace

result<std::vector<entry_index>> list_segments(const std::filesystem::path& folder) {
  auto names = list_folder(folder);
  if (!names) return names.error();
  std::vector<entry_index> firsts;
  for (const auto& name : *names)
    if (auto first = parse_segment_name(name)) firsts.push_back(*first);
  std::ranges::sort(firsts);
  return firsts;
}

failure lost_segments(const std::filesystem::path& folder, entry_index start, entry_index first) {
  return {errc::storage_corrupt, "entries " + std::to_string(start.value) + " to " +
                                   std::to_string(first.value - 1) + " are missing: put " +
                                   (folder / segment_name(start)).string() + " back"};
}

failure lost_segment(const std::filesystem::path& folder, entry_index first, std::string_view why) {
  return {errc::storage_corrupt, (folder / segment_name(first)).string() +
                                   " is missing: " + std::string{why} + "; put it back"};
}

failure lost_end(const std::filesystem::path& folder, entry_index last, entry_index checkpoint) {
  return lost_segment(folder, last + 1,
                      "the log ends with entry " + std::to_string(last.value) +
                        ", and the checkpoint holds entry " + std::to_string(checkpoint.value));
}

failure lost_newest(const std::filesystem::path& folder, entry_index first) {
  return lost_segment(folder, first, "it was the newest segment of the log");
}

result<newest_segment> read_newest(const std::filesystem::path& folder, shard_id shard,
                                   entry_index first, const active_settings& settings) {
  newest_segment out;
  auto path = folder / segment_name(first);
  auto record = usable_record(path, settings, out.notes);
  if (!record) return record.error();
  auto power_lost =
    *record && !(*record)->mark.clean && (*record)->mark.boot_id != settings.boot_id;
  auto own = power_lost ? result<std::shared_ptr<sealed_segment>>{errc::storage_corrupt}
                        : open_checked(path, shard, first, nullptr);
  if (own) {
    out.pages = std::move(*own);
    out.synced = out.pages->last();
    if (*record && !(*record)->mark.clean) out.synced = std::min(out.synced, (*record)->mark.last);
    return out;
  }
  auto may_restore = *record && !(*record)->mark.clean &&
                     (own.code() == errc::storage_corrupt || own.code() == errc::format_foreign);
  if (!may_restore) return own.error();
  auto synced = open_checked(path, shard, first, &(*record)->metas);
  if (!synced) return synced.error();
  out.pages = std::move(*synced);
  out.synced = out.pages->last();
  out.restored = (*record)->metas;
  if (!power_lost) out.damage = own.error();
  out.notes.push_back(path.filename().string() + ": put back to its last synced state, entry " +
                      std::to_string(out.synced.value) + ", after " +
                      (power_lost ? std::string{"the machine was started again"}
                                  : "damage above it: " + own.error().detail));
  return out;
}

} // namespace carafe::storage
