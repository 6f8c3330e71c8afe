#include "schema/batch.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace carafe {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
  // ISA-L counts in `int`.
  constexpr std::size_t step_max = std::size_t{1} << 30;
  auto crc = ~seed;
  while (!bytes.empty()) {
    auto step = std::min(bytes.size(), step_max);
    // ISA-L's signature lacks a const; it only reads.
    auto data = const_cast<std::byte*>(bytes.data());
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(data), static_cast<int>(step), crc);
    bytes = bytes.subspan(step);
  }
  return ~crc;
}

queue_number queue_of_key(std::string_view key, std::uint32_t queues) noexcept {
  CARAFE_ASSERT(queues > 0);
  // CRCs of similar keys differ in few bits, which a division by a power of two would not see.
  auto h = crc32c(as_bytes(key));
  h = (h ^ (h >> 16)) * 0x85eb'ca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2'ae35u;
  return queue_number{(h ^ (h >> 16)) % queues};
}

} // namespace carafe
