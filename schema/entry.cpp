#include "schema/records.hpp"

#include "schema/batch.hpp"
#include "schema/byte_order.hpp"
#include "schema/effects.hpp"

#include <cstring>
#include <limits>

namespace carafe {
namespace {

constexpr std::uint8_t entry_format = 1;
constexpr std::size_t entry_align = 8;
constexpr std::size_t u32_max = std::numeric_limits<std::uint32_t>::max();

constexpr std::size_t padded_to_entry(std::size_t bytes) noexcept {
  return (bytes + entry_align - 1) / entry_align * entry_align;
}

std::size_t attachment_bytes(const encoded_entry& entry) noexcept {
  std::size_t sum = 0;
  for (auto& attachment : entry.attachments) sum += padded_to_entry(attachment.size());
  return sum;
}

/// Copies `part` to the beginning of `out`, padded with zeros, and moves `out` behind it.
void put_padded(std::span<const std::byte> part, std::span<std::byte>& out) {
  auto size = padded_to_entry(part.size());
  if (!part.empty()) std::memcpy(out.data(), part.data(), part.size());
  std::memset(out.data() + part.size(), 0, size - part.size());
  out = out.subspan(size);
}

/// What follows the header.
struct entry_parts {
  shared_bytes effects;
  shared_bytes attachments;
};

failure corrupt(std::string_view what) { return {errc::storage_corrupt, std::string{what}}; }

entry_parts parts_of(const shared_bytes& stored) {
  auto effects = load_little<std::uint32_t>(stored.span().subspan(32));
  auto attachments = load_little<std::uint32_t>(stored.span().subspan(36));
  return {stored.slice(entry_header_bytes, effects),
          stored.slice(entry_header_bytes + effects, attachments)};
}

} // namespace

std::size_t encoded_entry::bytes() const noexcept {
  return entry_header_bytes + effects.size() + attachment_bytes(*this);
}

encoded_entry encode_change(entry_header header, std::span<const std::byte> configuration) {
  auto entry = encoded_entry{};
  entry.header = header;
  entry.header.kind = entry_kind::change;
  entry.effects.assign(configuration.begin(), configuration.end());
  entry.effects.resize(padded_to_entry(configuration.size()));
  return entry;
}

void write_entry(const encoded_entry& entry, std::span<std::byte> out) {
  auto attachments = attachment_bytes(entry);
  CARAFE_ASSERT(out.size() == entry_header_bytes + entry.effects.size() + attachments);
  CARAFE_ASSERT(entry.effects.size() <= u32_max && attachments <= u32_max);
  store_little(out.subspan(4), entry_format);
  store_little(out.subspan(5), static_cast<std::uint8_t>(entry.header.kind));
  store_little(out.subspan(6), std::uint16_t{0});
  store_little(out.subspan(8), entry.header.index.value);
  store_little(out.subspan(16), entry.header.term.value);
  store_little(out.subspan(24), static_cast<std::uint64_t>(entry.header.time.value));
  store_little(out.subspan(32), static_cast<std::uint32_t>(entry.effects.size()));
  store_little(out.subspan(36), static_cast<std::uint32_t>(attachments));
  auto rest = out.subspan(entry_header_bytes);
  put_padded(entry.effects, rest);
  for (auto& attachment : entry.attachments) put_padded(attachment.span(), rest);
  store_little(out, crc32c(out.subspan(4)));
}

result<entry_header> read_entry_header(std::span<const std::byte> stored) {
  if (stored.size() < entry_header_bytes) return corrupt("entry: shorter than its header");
  auto format = load_little<std::uint8_t>(stored.subspan(4));
  if (format == 0) return corrupt("entry: no format");
  if (format > entry_format) return {errc::format_newer, "entry format " + std::to_string(format)};
  auto kind = load_little<std::uint8_t>(stored.subspan(5));
  if (kind < static_cast<std::uint8_t>(entry_kind::command) ||
      kind > static_cast<std::uint8_t>(entry_kind::change))
    return corrupt("entry: kind");
  if (load_little<std::uint16_t>(stored.subspan(6)) != 0) return corrupt("entry: header");
  auto effects = load_little<std::uint32_t>(stored.subspan(32));
  auto attachments = load_little<std::uint32_t>(stored.subspan(36));
  auto bytes = entry_header_bytes + std::uint64_t{effects} + attachments;
  if (effects % entry_align != 0 || attachments % entry_align != 0 || bytes != stored.size())
    return corrupt("entry: lengths do not add up");
  auto header = entry_header{};
  header.kind = static_cast<entry_kind>(kind);
  header.index = entry_index{load_little<std::uint64_t>(stored.subspan(8))};
  header.term = term{load_little<std::uint64_t>(stored.subspan(16))};
  header.time = unix_ms{static_cast<std::int64_t>(load_little<std::uint64_t>(stored.subspan(24)))};
  return header;
}

result<void> check_entry(std::span<const std::byte> stored) {
  auto header = read_entry_header(stored);
  if (!header) return header.error();
  if (load_little<std::uint32_t>(stored) != crc32c(stored.subspan(4)))
    return corrupt("entry: checksum");
  return {};
}

encoded_entry encode_entry(entry_header header, const std::vector<effects::effect>& effects) {
  auto entry = encoded_entry{};
  entry.header = header;
  if (effects.empty()) return entry;
  std::size_t at = 0;
  for (auto& effect : effects) {
    const auto attach = [&](const shared_bytes& bytes) {
      entry.attachments.push_back(bytes);
      at += padded_to_entry(bytes.size());
    };
    if (auto batch = std::get_if<effects::batch>(&effect))
      attach(batch->bytes);
    else if (auto prepared = std::get_if<effects::tx_prepared>(&effect))
      for (auto& half : prepared->halves) attach(half.bytes);
  }
  CARAFE_ASSERT(at <= u32_max);
  entry.effects = encode_effects(effects);
  return entry;
}

result<decoded_entry> decode_entry(const shared_bytes& stored) {
  if (auto intact = check_entry(stored.span()); !intact) return intact.error();
  auto entry = decoded_entry{};
  entry.header = *read_entry_header(stored.span());
  auto parts = parts_of(stored);
  if (entry.header.kind == entry_kind::change) {
    if (!parts.attachments.empty()) return corrupt("entry: a change with attachments");
    entry.configuration = std::move(parts.effects);
    return entry;
  }
  auto decoded = decode_effects(std::move(parts.effects), parts.attachments);
  if (!decoded) return decoded.error();
  entry.effects = std::move(*decoded);
  return entry;
}

} // namespace carafe
