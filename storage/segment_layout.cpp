#include "storage/segment_layout.hpp"

#include "schema/batch.hpp"
#include "storage/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace carafe::storage {

namespace {

constexpr std::string_view name_prefix = "log-";
constexpr std::string_view name_suffix = ".mdb";
constexpr std::size_t name_digits = 20;
constexpr std::string_view identity_magic = "carafelg";

void put_big_endian(std::span<std::byte> to, std::uint64_t value) {
  for (std::size_t i = 0; i < sizeof(value); ++i)
    to[i] = static_cast<std::byte>(value >> (8 * (sizeof(value) - 1 - i)));
}

std::uint64_t get_big_endian(std::span<const std::byte> from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i)
    value = value << 8 | std::to_integer<std::uint64_t>(from[i]);
  return value;
}

} // namespace

result<void> check_format(std::uint32_t format, const std::string& what) {
  if (format > storage_format)
    return {errc::format_newer, what + " has format " + std::to_string(format) +
                                  ", this version reads up to " + std::to_string(storage_format)};
  if (format < storage_format_oldest)
    return {errc::format_foreign, what + " has format " + std::to_string(format) +
                                    ", this version reads from " +
                                    std::to_string(storage_format_oldest)};
  return {};
}

std::string segment_name(entry_index first, std::string_view suffix) {
  auto digits = std::to_string(first.value);
  std::string name{name_prefix};
  name.append(name_digits - digits.size(), '0');
  return name.append(digits).append(suffix);
}

std::optional<entry_index> parse_segment_name(std::string_view name) {
  if (name.size() != name_prefix.size() + name_digits + name_suffix.size() ||
      !name.starts_with(name_prefix) || !name.ends_with(name_suffix))
    return std::nullopt;
  auto digits = name.substr(name_prefix.size(), name_digits);
  entry_index first;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), first.value);
  if (error != std::errc{} || end != digits.data() + digits.size() || first.value == 0)
    return std::nullopt;
  return first;
}

log_key encode_log_key(entry_index index) noexcept {
  log_key key;
  put(std::span{key}, 0, index.value);
  return key;
}

entry_index decode_log_key(std::span<const std::byte> key) noexcept {
  return entry_index{get<std::uint64_t>(key, 0)};
}

index_key encode_index_key(queue_id queue, offset base) noexcept {
  index_key key;
  put_big_endian(std::span{key}.first(8), queue.value);
  put_big_endian(std::span{key}.last(8), base.value);
  return key;
}

index_value encode_index_value(const placed_row& row) noexcept {
  index_value value;
  put(std::span{value}, 0, row.row.entry.value);
  put(std::span{value}, 8, row.row.time.value);
  put(std::span{value}, 16, row.row.count);
  put(std::span{value}, 20, row.position);
  auto key = encode_index_key(row.row.queue, row.row.base);
  put(std::span{value}, 24, crc32c(std::span{value}.first(24), crc32c(key)));
  return value;
}

result<placed_row> decode_index_row(std::span<const std::byte> key,
                                    std::span<const std::byte> value) {
  if (key.size() != index_key_bytes || value.size() != index_value_bytes)
    return {errc::storage_corrupt, "an index row has a wrong size"};
  if (get<std::uint32_t>(value, 24) != crc32c(value.first(24), crc32c(key)))
    return {errc::storage_corrupt, "an index row's checksum is wrong"};
  placed_row row;
  row.row.queue.value = get_big_endian(key.first(8));
  row.row.base.value = get_big_endian(key.last(8));
  row.row.entry.value = get<std::uint64_t>(value, 0);
  row.row.time.value = get<std::int64_t>(value, 8);
  row.row.count = get<std::uint32_t>(value, 16);
  row.position = get<std::uint32_t>(value, 20);
  auto room = std::numeric_limits<std::uint64_t>::max() - row.row.base.value;
  if (row.row.count == 0 || row.row.count > room)
    return {errc::storage_corrupt, "an index row has an impossible count"};
  return row;
}

identity_value encode_identity(const segment_identity& identity) noexcept {
  identity_value value;
  std::ranges::copy(as_bytes(identity_magic), value.begin());
  put(std::span{value}, 8, storage_format);
  put(std::span{value}, 12, std::uint32_t{identity.shard.value});
  put(std::span{value}, 16, identity.first.value);
  put(std::span{value}, 24, identity.map_bytes);
  put(std::span{value}, 32, crc32c(std::span{value}.first(32)));
  return value;
}

result<segment_identity> decode_identity(std::span<const std::byte> value,
                                         const std::filesystem::path& path) {
  if (value.size() < 12 || as_text(value.first(8)) != identity_magic)
    return {errc::format_foreign, path.string() + " is not a segment of a commit log"};
  if (auto known = check_format(get<std::uint32_t>(value, 8), path.string()); !known)
    return known.error();
  if (value.size() != identity_bytes || get<std::uint32_t>(value, 32) != crc32c(value.first(32)) ||
      get<std::uint32_t>(value, 12) > std::numeric_limits<std::uint16_t>::max())
    return {errc::storage_corrupt, path.string() + ": its description of itself is damaged"};
  segment_identity identity;
  identity.shard.value = static_cast<std::uint16_t>(get<std::uint32_t>(value, 12));
  identity.first.value = get<std::uint64_t>(value, 16);
  identity.map_bytes = get<std::uint64_t>(value, 24);
  return identity;
}

} // namespace carafe::storage
