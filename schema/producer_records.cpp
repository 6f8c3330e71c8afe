#include "schema/byte_order.hpp"
#include "schema/log_codec.hpp"

namespace carafe {
namespace {

constexpr std::size_t digest_bytes = 16;

void append_little(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(number >> shift);
}

std::uint64_t little_at(std::span<const std::byte> bytes, std::size_t at) {
  return load_little<std::uint64_t>(bytes.subspan(at, sizeof(std::uint64_t)));
}

} // namespace

std::string bytes_of(const id_digests& ids) {
  std::string out;
  out.reserve(ids.size() * digest_bytes);
  for (const auto& id : ids) {
    append_little(out, id.high);
    append_little(out, id.low);
  }
  return out;
}

std::optional<id_digests> digests_from(std::span<const std::byte> bytes) {
  if (bytes.size() % digest_bytes != 0) return std::nullopt;
  auto out = id_digests{};
  out.reserve(bytes.size() / digest_bytes);
  for (std::size_t at = 0; at < bytes.size(); at += digest_bytes)
    out.push_back({little_at(bytes, at), little_at(bytes, at + digest_bytes / 2)});
  return out;
}

void put(wire::NamedProducerRecord::Builder to, const named_producer_record& from) {
  to.setId(from.id.value);
  to.setName(capnp::Text::Reader{from.name.c_str(), from.name.size()});
  to.setEpoch(from.epoch);
  to.setCreatedMs(from.created.value);
  to.setOpenedMs(from.opened.value);
}

errc get(wire::NamedProducerRecord::Reader from, named_producer_record& to) {
  to.id = producer_name_id{from.getId()};
  const auto name = from.getName();
  to.name.assign(name.begin(), name.size());
  to.epoch = from.getEpoch();
  to.created = unix_ms{from.getCreatedMs()};
  to.opened = unix_ms{from.getOpenedMs()};
  return errc::none;
}

void put(wire::NamedProgressRecord::Builder to, const named_progress_record& from) {
  to.setLast(from.last.value);
  to.setSpread(from.spread);
}

errc get(wire::NamedProgressRecord::Reader from, named_progress_record& to) {
  to = {sequence{from.getLast()}, from.getSpread()};
  return errc::none;
}

void put(wire::StoredIdsRecord::Builder to, const stored_ids_record& from) {
  to.setUntilMs(from.until.value);
  const auto ids = bytes_of(from.ids);
  to.setIds(kj::ArrayPtr<const char>{ids.data(), ids.size()}.asBytes());
}

errc get(wire::StoredIdsRecord::Reader from, stored_ids_record& to) {
  to.until = unix_ms{from.getUntilMs()};
  const auto ids = from.getIds();
  auto digests = digests_from(std::as_bytes(std::span{ids.begin(), ids.size()}));
  if (!digests) return errc::storage_corrupt;
  to.ids = std::move(*digests);
  return errc::none;
}

} // namespace carafe
