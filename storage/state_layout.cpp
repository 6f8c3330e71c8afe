#include "storage/state_layout.hpp"

#include "schema/batch.hpp"
#include "storage/bytes.hpp"
#include "storage/segment_layout.hpp"

#include <carafe/shared_bytes.hpp>

namespace carafe::storage {

namespace {

constexpr std::string_view state_magic = "carafest";
constexpr std::size_t checksum_bytes = sizeof(std::uint32_t);
constexpr std::size_t mark_header_bytes = 32;

template <class Int>
void add(std::string& to, Int value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::uint32_t checksum(std::string_view key, std::string_view value) {
  return crc32c(as_bytes(value), crc32c(as_bytes(key)));
}

} // namespace

std::string sealed_value(std::string_view key, std::string_view value) {
  std::string stored{value};
  add(stored, checksum(key, value));
  return stored;
}

result<std::string_view> open_value(std::string_view key, std::string_view stored) {
  if (stored.size() >= checksum_bytes) {
    auto value = stored.substr(0, stored.size() - checksum_bytes);
    if (get<std::uint32_t>(as_bytes(stored), value.size()) == checksum(key, value)) return value;
  }
  return {errc::storage_corrupt, "the checksum of a value is wrong"};
}

std::string encode_state_identity(shard_id shard) {
  std::string value{state_magic};
  add(value, storage_format);
  add(value, std::uint32_t{shard.value});
  return value;
}

result<void> check_state_identity(std::string_view value, shard_id shard,
                                  const std::filesystem::path& path) {
  auto bytes = as_bytes(value);
  if (!value.starts_with(state_magic) || bytes.size() < 16)
    return {errc::format_foreign, path.string() + " does not hold a shard's state"};
  if (auto known = check_format(get<std::uint32_t>(bytes, 8), path.string()); !known) return known;
  if (auto found = get<std::uint32_t>(bytes, 12); found != shard.value)
    return {errc::storage_corrupt, path.string() + " belongs to shard " + std::to_string(found)};
  return {};
}

std::string encode_vote(vote v) {
  std::string value;
  add(value, v.term.value);
  add(value, v.voted_for);
  return value;
}

result<vote> decode_vote(std::string_view value) {
  auto bytes = as_bytes(value);
  if (bytes.size() != 16) return {errc::storage_corrupt, "the vote has a wrong size"};
  return vote{term{get<std::uint64_t>(bytes, 0)}, get<std::uint64_t>(bytes, 8)};
}

std::string encode_mark(const checkpoint_mark& mark) {
  std::string value;
  add(value, mark.index.value);
  add(value, mark.term.value);
  add(value, mark.time.value);
  add(value, mark.configuration_index.value);
  return value + mark.configuration;
}

result<checkpoint_mark> decode_mark(std::string_view value) {
  auto bytes = as_bytes(value);
  if (bytes.size() < mark_header_bytes)
    return {errc::storage_corrupt, "the checkpoint's mark has a wrong size"};
  checkpoint_mark mark;
  mark.index.value = get<std::uint64_t>(bytes, 0);
  mark.term.value = get<std::uint64_t>(bytes, 8);
  mark.time.value = get<std::int64_t>(bytes, 16);
  mark.configuration_index.value = get<std::uint64_t>(bytes, 24);
  mark.configuration = value.substr(mark_header_bytes);
  return mark;
}

} // namespace carafe::storage
