/// A log entry as a damaged disk may hold it: as it is, and with a checksum that is right, so that
/// what is behind it is reached. Every entry that is accepted is encoded again.

#include "schema/batch.hpp"
#include "schema/byte_order.hpp"
#include "schema/records.hpp"
#include "test/fuzz/target.hpp"
#include "test/schema/samples.hpp"

#include <cstring>
#include <span>

namespace {

using namespace carafe;

void check(const shared_bytes& stored) {
  const auto header = read_entry_header(stored.span());
  const auto sound = check_entry(stored.span());
  auto entry = decode_entry(stored);
  if (!entry) return;
  CARAFE_ASSERT(header.ok() && sound.ok());
  if (entry->header.kind != entry_kind::command) return;
  const auto again = decode_entry(test::store(encode_entry(entry->header, entry->effects)));
  CARAFE_ASSERT(again.ok() && again->effects.size() == entry->effects.size());
  for (std::size_t i = 0; i < entry->effects.size(); ++i)
    CARAFE_ASSERT(again->effects[i].index() == entry->effects[i].index());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  check(shared_bytes::copy_of(bytes));
  if (bytes.size() <= sizeof(std::uint32_t)) return 0;
  std::vector<std::byte> sealed(bytes.begin(), bytes.end());
  store_little(std::span{sealed}, crc32c(std::span{sealed}.subspan(sizeof(std::uint32_t))));
  check(shared_bytes::copy_of(sealed));
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  std::vector<effects::effect> all;
  const auto add = [&](const encoded_entry& entry) {
    out.emplace_back(as_text(test::store(entry).span()));
  };
  for (const auto& [name, effect] : test::sample_effects()) {
    all.push_back(effect);
    add(encode_entry(test::sample_header(), {effect}));
  }
  add(encode_entry(test::sample_header(), all));
  auto header = test::sample_header();
  header.kind = entry_kind::change;
  add(encode_change(header, as_bytes("a configuration")));
  return out;
}
