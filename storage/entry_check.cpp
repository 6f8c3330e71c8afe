#include "storage/entry_check.hpp"

#include "schema/records.hpp"

#include <algorithm>
#include <vector>

namespace carafe::storage {

result<entry_check> check_entries(const sealed_segment& in, entry_index from) {
  auto state = in.snapshot();
  if (!state) return state.error();
  auto entries = (*state)->open(table_log);
  if (!entries) return entries.error();
  auto index = std::max(from, in.first());
  auto there = (*entries)->seek(encode_log_key(index));
  std::vector<std::byte> value;
  for (; there && *there; there = (*entries)->next(), index = index + 1) {
    if ((*entries)->key().size() != log_key_bytes || decode_log_key((*entries)->key()) != index)
      return entry_check{index, "it is missing"};
    value.resize((*entries)->value_bytes());
    auto sound = (*entries)->read_value(value);
    if (sound) sound = check_entry(value);
    if (sound && read_entry_header(value)->index != index)
      sound = {errc::storage_corrupt, "it says it is another entry"};
    if (sound.ok()) continue;
    if (sound.code() != errc::storage_corrupt) return sound.error();
    return entry_check{index, sound.error().detail};
  }
  if (!there && there.code() == errc::storage_corrupt)
    return entry_check{index, there.error().detail};
  if (!there) return there.error();
  if (index <= in.last()) return entry_check{index, "it is missing"};
  return entry_check{};
}

} // namespace carafe::storage
