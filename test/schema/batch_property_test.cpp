#include "schema/batch.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace carafe;
using namespace carafe::test;

namespace {

class random_source {
public:
  explicit random_source(unsigned seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(engine_() % end); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }

  std::string bytes(std::uint32_t size_max) {
    auto text = std::string(below(size_max + 1), '\0');
    for (auto& c : text) c = static_cast<char>(engine_());
    return text;
  }

  std::vector<owned_message> messages() {
    auto list = std::vector<owned_message>(1 + below(chance(10) ? 2000 : 30));
    auto keyed = below(101);
    auto tagged = chance(50) ? below(101) : 0;
    auto with_properties = chance(50) ? below(101) : 0;
    auto spread = chance(50) ? 1 + below(1'000'000) : 1;
    for (auto& message : list) {
      message.body = bytes(chance(5) ? 5000 : 50);
      if (chance(keyed)) message.key = bytes(20);
      if (chance(tagged)) message.tag = "tag" + std::to_string(below(10));
      if (chance(with_properties)) {
        for (auto i = below(4); i > 0; --i)
          message.properties.emplace_back("name" + std::to_string(below(100)), bytes(10));
      }
      message.born = 1'700'000'000'000 + below(spread);
    }
    return list;
  }

private:
  std::mt19937 engine_;
};

codec any_codec(random_source& random) { return static_cast<codec>(random.below(3)); }

/// Opens the bytes and touches everything in them.
/// @returns Whether they are a valid batch.
bool survives(std::span<const std::byte> bytes, codec compression) {
  auto checksum = crc32c(bytes);
  auto opened = batch_reader::open(shared_bytes::copy_of(bytes), compression, {});
  if (!opened) {
    auto code = opened.code();
    auto expected = code == errc::batch_malformed || code == errc::batch_too_large ||
                    code == errc::message_too_large;
    if (!expected || validate_batch(bytes, compression, 1, checksum, {}).ok())
      FAIL("open says " << opened.error().message());
    return false;
  }
  if (!validate_batch(bytes, compression, opened->count(), checksum, {}).ok())
    FAIL("open takes it, validate does not");
  std::size_t sum = 0;
  for (std::uint32_t i = 0; i < opened->count(); ++i) {
    auto message = opened->message(i);
    for (auto c : message.body) sum += static_cast<unsigned char>(c);
    for (auto c : message.key) sum += static_cast<unsigned char>(c);
    for (auto c : message.tag) sum += static_cast<unsigned char>(c);
    for (auto& [name, value] : message.properties) sum += name.size() + value.size();
  }
  return sum < static_cast<std::size_t>(-1);
}

} // namespace

TEST_CASE("random messages come back as they were") {
  auto seed = GENERATE(range(1u, 200u));
  CAPTURE(seed);
  auto random = random_source{seed};
  auto messages = random.messages();
  auto batch = encode_messages(messages, any_codec(random));
  auto opened = batch_reader::open(batch.bytes, batch.compression, {});
  REQUIRE(opened);
  REQUIRE(holds(*opened, messages));
  auto valid =
    validate_batch(batch.bytes.span(), batch.compression, batch.count, batch.checksum, {});
  REQUIRE(valid);
  CHECK(valid->payload_bytes == opened->payload_bytes());
}

TEST_CASE("every truncation of a batch is an error") {
  auto compression = GENERATE(codec::none, codec::lz4, codec::zstd);
  auto batch = encode_messages(sample_messages(), compression);
  REQUIRE(batch.compression == compression);
  REQUIRE(survives(batch.bytes.span(), compression));
  for (std::size_t size = 0; size < batch.bytes.size(); ++size) {
    if (survives(batch.bytes.span().first(size), compression)) FAIL("cut at " << size);
  }
}

TEST_CASE("flipped bits of a batch are an error or another valid batch") {
  auto compression = GENERATE(codec::none, codec::lz4, codec::zstd);
  auto seed = GENERATE(range(1u, 6u));
  CAPTURE(seed, static_cast<int>(compression));
  auto random = random_source{seed};
  auto batch = encode_messages(sample_messages(), compression);
  auto valid = 0;
  for (int round = 0; round < 4000; ++round) {
    auto bytes = std::vector<std::byte>(batch.bytes.span().begin(), batch.bytes.span().end());
    for (auto flips = 1 + random.below(4); flips > 0; --flips) {
      auto& byte = bytes[random.below(static_cast<std::uint32_t>(bytes.size()))];
      byte ^= static_cast<std::byte>(1u << random.below(8));
    }
    valid += survives(bytes, compression);
  }
  CHECK(valid < 4000);
}

TEST_CASE("flipped bits in a batch's pointers and columns are an error or another valid batch") {
  auto seed = GENERATE(range(1u, 6u));
  CAPTURE(seed);
  auto random = random_source{seed};
  // Short bodies, so that nearly every bit says where something is.
  auto messages = std::vector<owned_message>{};
  for (int i = 0; i < 3; ++i) messages.push_back({"k", "b", "t", {{"n", "v"}}, i});
  auto batch = encode_messages(messages);
  for (int round = 0; round < 10'000; ++round) {
    auto bytes = std::vector<std::byte>(batch.bytes.span().begin(), batch.bytes.span().end());
    for (auto flips = 1 + random.below(3); flips > 0; --flips) {
      auto& byte = bytes[random.below(static_cast<std::uint32_t>(bytes.size()))];
      byte ^= static_cast<std::byte>(1u << random.below(8));
    }
    survives(bytes, codec::none);
  }
}

TEST_CASE("random bytes are not a batch") {
  auto seed = GENERATE(range(1u, 20u));
  CAPTURE(seed);
  auto random = random_source{seed};
  for (int round = 0; round < 300; ++round) {
    auto noise = random.bytes(600);
    for (auto compression : {codec::none, codec::lz4, codec::zstd})
      survives(as_bytes(noise), compression);
  }
}
