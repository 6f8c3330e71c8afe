#include "schema/batch.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace carafe;

namespace {

/// Bit by bit, as RFC 3720 defines it.
std::uint32_t slow_crc32c(std::span<const std::byte> bytes) {
  auto crc = ~std::uint32_t{0};
  for (auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

} // namespace

TEST_CASE("crc32c gives the check values of RFC 3720") {
  CHECK(crc32c(as_bytes("123456789")) == 0xe3069283);
  CHECK(crc32c(as_bytes(std::string(32, '\0'))) == 0x8a9136aa);
  CHECK(crc32c(as_bytes(std::string(32, '\xff'))) == 0x62a8ab43);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("crc32c of any length and alignment is the bitwise one, and goes on from a part") {
  auto seed = GENERATE(range(1u, 6u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto text = std::string{};
  for (int i = 0; i < 600; ++i) text += static_cast<char>(random());
  for (std::size_t size = 0; size < 520; ++size) {
    auto bytes = as_bytes(text).subspan(random() % 64, size);
    auto wanted = slow_crc32c(bytes);
    auto cut = size == 0 ? 0 : random() % size;
    auto whole = crc32c(bytes);
    auto in_parts = crc32c(bytes.subspan(cut), crc32c(bytes.first(cut)));
    if (whole != wanted || in_parts != wanted) FAIL("size " << size << ", cut " << cut);
  }
}

TEST_CASE("a key's queue is its crc32c modulo the number of queues") {
  CHECK(queue_of_key("123456789", 1) == queue_number{0});
  CHECK(queue_of_key("123456789", 1000) == queue_number{0xe3069283 % 1000});
  CHECK(queue_of_key("", 7) == queue_number{0});
}
