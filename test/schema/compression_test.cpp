#include "schema/batch.hpp"
#include "schema/byte_order.hpp"
#include "schema/compression.hpp"

#include <catch2/catch.hpp>
#include <lz4frame.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <string>

using namespace carafe;

namespace {

constexpr std::size_t mebibyte = 1u << 20;

std::vector<std::byte> compressed(codec compression, std::span<const std::byte> plain) {
  auto out = std::vector<std::byte>{};
  auto view = compress(compression, plain, out);
  REQUIRE(view);
  return {view->begin(), view->end()};
}

/// A frame that does not announce how large its content is.
std::vector<std::byte> silent(codec compression, std::span<const std::byte> plain) {
  auto out = std::vector<std::byte>(plain.size() + mebibyte);
  if (compression == codec::lz4) {
    out.resize(LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), nullptr));
  } else {
    auto context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    out.resize(ZSTD_compress2(context, out.data(), out.size(), plain.data(), plain.size()));
    ZSTD_freeCCtx(context);
  }
  return out;
}

} // namespace

TEST_CASE("content comes back, whether its size was announced or not") {
  auto compression = GENERATE(codec::lz4, codec::zstd);
  auto seed = GENERATE(range(1u, 8u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto size = 1 + random() % (seed * seed * 50'000);
  auto plain = std::string{};
  while (plain.size() < size) plain += std::to_string(random() % 100'000);
  for (auto& frame :
       {compressed(compression, as_bytes(plain)), silent(compression, as_bytes(plain))}) {
    auto back = decompress(compression, frame, plain.size());
    CAPTURE(size, static_cast<int>(compression), frame.size());
    if (!back) FAIL(back.error().message());
    CHECK(back->text() == plain);
    CHECK(decompress(compression, frame, plain.size() - 1).code() == errc::batch_too_large);
  }
}

TEST_CASE("a bomb is refused by the size that it announces") {
  auto compression = GENERATE(codec::lz4, codec::zstd);
  auto bomb = compressed(compression, std::vector<std::byte>(64 * mebibyte));
  REQUIRE(bomb.size() < mebibyte);
  CHECK(decompress(compression, bomb, 8 * mebibyte).code() == errc::batch_too_large);
  CHECK(validate_batch(bomb, compression, 1, crc32c(bomb), {}).code() == errc::batch_too_large);
}

TEST_CASE("a bomb that announces nothing is refused once it has grown too large") {
  auto compression = GENERATE(codec::lz4, codec::zstd);
  auto bomb = silent(compression, std::vector<std::byte>(64 * mebibyte));
  REQUIRE(bomb.size() < mebibyte);
  CHECK(decompress(compression, bomb, 8 * mebibyte).code() == errc::batch_too_large);
}

TEST_CASE("a frame that lies about its size is refused") {
  // A Zstandard frame of so much content has its size in four bytes behind magic and descriptor.
  auto plain = std::vector<std::byte>(100'000);
  auto honest = compressed(codec::zstd, plain);
  auto size = std::span{honest}.subspan(5);
  REQUIRE(load_little<std::uint32_t>(size) == plain.size());
  for (auto lie : {0u, 70'000u, 99'999u, 100'001u, 200'000u}) {
    CAPTURE(lie);
    auto frame = honest;
    store_little(std::span{frame}.subspan(5), lie);
    CHECK(decompress(codec::zstd, frame, mebibyte).code() == errc::batch_malformed);
  }
  auto frame = honest;
  store_little(std::span{frame}.subspan(5), ~0u);
  CHECK(decompress(codec::zstd, frame, mebibyte).code() == errc::batch_too_large);
}

TEST_CASE("exactly one frame is taken") {
  auto compression = GENERATE(codec::lz4, codec::zstd);
  auto plain = std::vector<std::byte>(1000, std::byte{'x'});
  for (auto& frame : {compressed(compression, plain), silent(compression, plain)}) {
    auto longer = frame;
    longer.push_back(std::byte{0});
    CHECK(decompress(compression, longer, mebibyte).code() == errc::batch_malformed);
    auto twice = frame;
    twice.insert(twice.end(), frame.begin(), frame.end());
    CHECK(decompress(compression, twice, mebibyte).code() == errc::batch_malformed);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      CAPTURE(size);
      auto cut = decompress(compression, std::span{frame}.first(size), mebibyte);
      CHECK(cut.code() == errc::batch_malformed);
    }
  }
}

TEST_CASE("a skippable frame holds nothing") {
  std::byte skippable[] = {std::byte{0x50}, std::byte{0x2a}, std::byte{0x4d}, std::byte{0x18},
                           std::byte{4},    std::byte{0},    std::byte{0},    std::byte{0},
                           std::byte{1},    std::byte{2},    std::byte{3},    std::byte{4}};
  for (auto compression : {codec::lz4, codec::zstd})
    CHECK(validate_batch(skippable, compression, 1, crc32c(skippable), {}).code() ==
          errc::batch_malformed);
}

TEST_CASE("a damaged or refused frame does not disturb the next one") {
  auto compression = GENERATE(codec::lz4, codec::zstd);
  auto plain = std::string(200'000, 'x');
  auto frames =
    std::vector{compressed(compression, as_bytes(plain)), silent(compression, as_bytes(plain))};
  for (auto& first : frames) {
    for (auto& next : frames) {
      auto cut = std::span{first}.first(first.size() / 2);
      CHECK(decompress(compression, cut, mebibyte).code() == errc::batch_malformed);
      CHECK(decompress(compression, next, mebibyte)->text() == plain);
      CHECK(decompress(compression, first, 1000).code() == errc::batch_too_large);
      CHECK(decompress(compression, next, mebibyte)->text() == plain);
    }
  }
}
