#include "schema/batch.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

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

TEST_CASE("a key's queue is its mixed crc32c modulo the number of queues") {
  CHECK(queue_of_key("123456789", 1) == queue_number{0});
  CHECK(queue_of_key("42", 4) == queue_number{3});
  CHECK(queue_of_key("42", 16) == queue_number{3});
  CHECK(queue_of_key("user:alice", 16) == queue_number{1});
  CHECK(queue_of_key("", 7) == queue_number{0});
}

TEST_CASE("keys that differ in a digit are spread over all queues") {
  for (const std::string prefix : {"", "k", "user-", "order:"}) {
    for (const std::uint32_t queues : {2u, 4u, 8u, 16u}) {
      std::vector<unsigned> counts(queues);
      for (unsigned i = 0; i < 100 * queues; ++i)
        ++counts[queue_of_key(prefix + std::to_string(i), queues).value];
      const auto [fewest, most] = std::minmax_element(counts.begin(), counts.end());
      CAPTURE(prefix, queues);
      CHECK(*fewest > 60);
      CHECK(*most < 140);
    }
  }
}
