#include "storage/data_dir.hpp"
#include "storage/log_recovery.hpp"

namespace carafe::storage {

result<void> dump(data_dir& dir, shard_id shard, entry_index first,
                  const std::function<bool(const decoded_entry&, std::string_view file)>& entry) {
  auto folder = dir.path() / data_dir::shard_folder(shard);
  auto firsts = list_segments(folder);
  if (!firsts) return firsts.error();
  if (firsts->empty())
    return {errc::storage_corrupt, folder.string() + " holds no segment of the log"};
  for (std::size_t i = 0; i < firsts->size(); ++i) {
    if (i + 1 < firsts->size() && (*firsts)[i + 1] <= first) continue;
    auto in = sealed_segment::open(folder / segment_name((*firsts)[i]), shard, (*firsts)[i]);
    if (!in) return in.error();
    auto state = (*in)->snapshot();
    if (!state) return state.error();
    auto entries = (*state)->open(table_log);
    if (!entries) return entries.error();
    auto file = (*in)->path().filename().string();
    auto there = (*entries)->seek(encode_log_key(first));
    for (; there && *there; there = (*entries)->next()) {
      if ((*entries)->key().size() != log_key_bytes)
        return (*in)->damaged((*in)->first(), "a key has a wrong size");
      auto index = decode_log_key((*entries)->key());
      auto stored = read_whole_value(**entries);
      if (!stored) return stored.error();
      auto decoded = decode_entry(std::move(*stored));
      if (!decoded) return {decoded.code(), (*in)->damaged(index, decoded.error().detail).detail};
      if (!entry(*decoded, file)) return {};
    }
    if (!there) return there.error();
  }
  return {};
}

} // namespace carafe::storage
