#include "schema/batch.hpp"
#include "schema/byte_order.hpp"
#include "schema/effects.hpp"
#include "schema/records.hpp"
#include "test/schema/fields.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace carafe;
using namespace carafe::test;

namespace {

std::vector<effects::effect> all_effects() {
  auto list = std::vector<effects::effect>{};
  for (auto& [name, effect] : sample_effects()) list.push_back(effect);
  return list;
}

bool same_header(const entry_header& a, const entry_header& b) {
  return a.kind == b.kind && a.index == b.index && a.term == b.term && a.time == b.time;
}

/// The stored entry with its checksum made right again.
shared_bytes resealed(std::vector<std::byte> stored) {
  store_little(std::span{stored}, crc32c(std::span{stored}.subspan(4)));
  return shared_bytes::copy_of(stored);
}

std::vector<std::byte> bytes_of(const shared_bytes& from) {
  return {from.span().begin(), from.span().end()};
}

} // namespace

TEST_CASE("the samples fill every field of every effect") {
  auto effects = sample_effects();
  REQUIRE(effects.size() == std::variant_size_v<effects::effect>);
  for (std::size_t i = 0; i < effects.size(); ++i) {
    CAPTURE(effects[i].name);
    CHECK(effects[i].value.index() == i);
    CHECK(std::visit([](auto& effect) { return is_filled(effect); }, effects[i].value));
  }
  CHECK(is_filled(sample_topic()));
  CHECK(is_filled(sample_delivery_group()));
}

TEST_CASE("an entry gives back its effects") {
  auto effects = all_effects();
  auto header = sample_header();
  auto stored = store(encode_entry(header, effects));
  CHECK(stored.size() % 8 == 0);
  auto decoded = decode_entry(stored);
  REQUIRE(decoded);
  CHECK(same_header(decoded->header, header));
  CHECK(same(decoded->effects, effects));
  CHECK(decoded->configuration.empty());
  auto read = read_entry_header(stored.span());
  REQUIRE(read);
  CHECK(same_header(*read, header));
  CHECK(check_entry(stored.span()));
}

TEST_CASE("an entry's header lies where it is documented") {
  auto entry = encode_entry(sample_header(), all_effects());
  auto stored = store(entry);
  auto bytes = stored.span();
  CHECK(load_little<std::uint32_t>(bytes) == crc32c(bytes.subspan(4)));
  CHECK(load_little<std::uint8_t>(bytes.subspan(4)) == 1);
  CHECK(load_little<std::uint8_t>(bytes.subspan(5)) == 1);
  CHECK(load_little<std::uint16_t>(bytes.subspan(6)) == 0);
  CHECK(load_little<std::uint64_t>(bytes.subspan(8)) == 5);
  CHECK(load_little<std::uint64_t>(bytes.subspan(16)) == 3);
  CHECK(load_little<std::uint64_t>(bytes.subspan(24)) == 1'700'000'000'005);
  CHECK(load_little<std::uint32_t>(bytes.subspan(32)) == entry.effects.size());
  CHECK(load_little<std::uint32_t>(bytes.subspan(36)) ==
        bytes.size() - entry_header_bytes - entry.effects.size());
}

TEST_CASE("batches of any size lie aligned in the stored entry and are not copied out of it") {
  auto seed = GENERATE(range(1u, 20u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto effects = std::vector<effects::effect>{};
  for (auto count = random() % 8; count > 0; --count) {
    auto batch = effects::batch{};
    batch.base = offset{random()};
    batch.bytes =
      shared_bytes::copy_of(carafe::as_bytes(std::string(random() % 50, static_cast<char>(count))));
    effects.push_back(batch);
    effects.push_back(effects::commit{group_id{random()}, queue_id{1}, offset{2}});
  }
  auto entry = encode_entry(sample_header(), effects);
  auto stored = store(entry);
  CHECK(stored.size() == entry.bytes());
  auto decoded = decode_entry(stored);
  REQUIRE(decoded);
  CHECK(same(decoded->effects, effects));
  for (auto& effect : decoded->effects) {
    auto batch = std::get_if<effects::batch>(&effect);
    if (!batch || batch->bytes.empty()) continue;
    CHECK(reinterpret_cast<std::uintptr_t>(batch->bytes.data()) % 8 == 0);
    CHECK(batch->bytes.data() >= stored.data());
    CHECK(batch->bytes.data() + batch->bytes.size() <= stored.data() + stored.size());
  }
}

TEST_CASE("an entry that is stored unaligned decodes") {
  auto effects = all_effects();
  auto stored = store(encode_entry(sample_header(), effects));
  auto shifted = shared_bytes::copy_of(carafe::as_bytes("xyz" + std::string{stored.text()}));
  auto decoded = decode_entry(shifted.slice(3, stored.size()));
  REQUIRE(decoded);
  CHECK(same(decoded->effects, effects));
}

TEST_CASE("an entry may have no effects, or thousands") {
  auto stored = store(encode_entry({entry_kind::barrier, entry_index{9}, term{1}, {}}, {}));
  CHECK(stored.size() == entry_header_bytes);
  auto decoded = decode_entry(stored);
  REQUIRE(decoded);
  CHECK(decoded->header.kind == entry_kind::barrier);
  CHECK(decoded->effects.empty());

  auto many = std::vector<effects::effect>{};
  for (unsigned i = 0; i < 20'000; ++i)
    many.push_back(effects::commit{group_id{i}, queue_id{i}, offset{i}});
  decoded = decode_entry(store(encode_entry(sample_header(), many)));
  REQUIRE(decoded);
  CHECK(same(decoded->effects, many));
}

TEST_CASE("a change gives back its configuration, padded") {
  auto configuration = std::string{"configuration"};
  auto entry = encode_change(sample_header(), carafe::as_bytes(configuration));
  auto stored = store(entry);
  auto decoded = decode_entry(stored);
  REQUIRE(decoded);
  CHECK(decoded->header.kind == entry_kind::change);
  CHECK(decoded->effects.empty());
  CHECK(decoded->configuration.text() == configuration + std::string(3, '\0'));
}

TEST_CASE("every single flipped bit of a stored entry is noticed") {
  auto stored = bytes_of(store(encode_entry(sample_header(), all_effects())));
  for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
    auto mask = static_cast<std::byte>(1u << bit % 8);
    stored[bit / 8] ^= mask;
    auto checked = check_entry(stored);
    auto noticed = checked.code() == errc::storage_corrupt || checked.code() == errc::format_newer;
    if (!noticed) FAIL("bit " << bit);
    stored[bit / 8] ^= mask;
  }
  CHECK(check_entry(stored));
}

TEST_CASE("every truncation of a stored entry is noticed") {
  auto stored = store(encode_entry(sample_header(), all_effects()));
  for (std::size_t size = 0; size < stored.size(); ++size) {
    auto cut = stored.slice(0, size);
    if (check_entry(cut.span()).code() != errc::storage_corrupt ||
        decode_entry(cut).code() != errc::storage_corrupt ||
        read_entry_header(cut.span()).code() != errc::storage_corrupt)
      FAIL("cut at " << size);
  }
  auto longer = bytes_of(stored);
  longer.resize(longer.size() + 8);
  CHECK(check_entry(longer).code() == errc::storage_corrupt);
}

TEST_CASE("an entry or effect of a newer version says so") {
  auto stored = bytes_of(store(encode_entry(sample_header(), all_effects())));
  stored[4] = std::byte{2};
  CHECK(read_entry_header(stored).code() == errc::format_newer);
  CHECK(decode_entry(shared_bytes::copy_of(stored)).code() == errc::format_newer);

  auto segment = encode_effects({effects::queue_closed{queue_id{1}}});
  auto other = encode_effects({effects::topic_deleted{topic_id{1}}});
  REQUIRE(segment.size() == other.size());
  std::size_t at = 0;
  while (segment[at] == other[at]) ++at;
  segment[at] = std::byte{99};
  CHECK(decode_effects(shared_bytes::copy_of(segment), {}).code() == errc::format_newer);
}

TEST_CASE("an entry's kind, format and spare bytes are checked") {
  auto good = bytes_of(store(encode_entry(sample_header(), {})));
  REQUIRE(decode_entry(resealed(good)));
  for (auto [at, value] : {std::pair{4, 0}, {5, 0}, {5, 4}, {6, 1}, {7, 1}}) {
    CAPTURE(at, value);
    auto bad = good;
    bad[static_cast<std::size_t>(at)] = static_cast<std::byte>(value);
    CHECK(decode_entry(resealed(bad)).code() == errc::storage_corrupt);
  }
}

TEST_CASE("a batch outside the attachments is corrupt") {
  auto batch = effects::batch{};
  batch.bytes = shared_bytes::copy_of(carafe::as_bytes("0123456789"));
  auto segment = shared_bytes::copy_of(encode_effects({batch}));
  auto attachments = shared_bytes::copy_of(carafe::as_bytes("0123456789"));
  CHECK(decode_effects(segment, attachments));
  CHECK(decode_effects(segment, attachments.slice(0, 9)).code() == errc::storage_corrupt);
  CHECK(decode_effects(segment, {}).code() == errc::storage_corrupt);
}

TEST_CASE("damaged effects behind a right checksum never crash the decoder") {
  auto seed = GENERATE(range(1u, 10u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto entry = encode_entry(sample_header(), all_effects());
  auto good = bytes_of(store(entry));
  for (int round = 0; round < 3000; ++round) {
    auto bad = good;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      auto at = 4 + random() % (36 + entry.effects.size());
      bad[at] ^= static_cast<std::byte>(1u << random() % 8);
    }
    auto decoded = decode_entry(resealed(bad));
    if (!decoded && decoded.code() != errc::storage_corrupt && decoded.code() != errc::format_newer)
      FAIL(decoded.error().message());
    if (decoded && encode_entry(decoded->header, decoded->effects).bytes() < entry_header_bytes)
      FAIL("no entry");
  }
}
