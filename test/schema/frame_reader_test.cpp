#include "schema/frame.hpp"
#include "schema/wire.capnp.h"
#include "test/schema/fields.hpp"
#include "test/schema/samples.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <catch2/catch.hpp>

#include <random>

using namespace carafe;
using namespace carafe::test;

namespace {

constexpr std::uint32_t frame_bytes_max = 1u << 20;

std::vector<char> little_endian(std::initializer_list<std::uint32_t> numbers) {
  auto bytes = std::vector<char>{};
  for (auto number : numbers) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  }
  return bytes;
}

frames::frame produce_of(std::size_t size, char fill) {
  auto produce = frames::produce{};
  produce.batch = shared_bytes::copy_of(carafe::as_bytes(std::string(size, fill)));
  return {static_cast<std::uint64_t>(fill), produce};
}

/// All whole frames that the reader holds.
std::vector<frames::frame> drain(frames::reader& reader) {
  auto list = std::vector<frames::frame>{};
  for (;;) {
    auto next = reader.next();
    REQUIRE(next);
    if (!next->has_value()) return list;
    list.push_back(std::move(**next));
  }
}

} // namespace

TEST_CASE("frames fed byte by byte come out one after another") {
  auto reader = frames::reader{frame_bytes_max};
  for (auto& [name, frame] : sample_frames()) {
    CAPTURE(name);
    auto bytes = wire_bytes(frame);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto early = reader.next();
      if (!early || early->has_value()) FAIL("a frame after " << i << " bytes");
      if (reader.buffered() != i) FAIL("buffered " << reader.buffered() << " of " << i);
      reader.feed(as_bytes(bytes).subspan(i, 1));
    }
    auto whole = reader.next();
    REQUIRE(whole);
    REQUIRE(whole->has_value());
    CHECK(same((*whole)->body, frame.body));
    CHECK(reader.buffered() == 0);
  }
}

TEST_CASE("frames fed in random parts come out whole while older ones are still held") {
  auto seed = GENERATE(range(1u, 40u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto sent = std::vector<frames::frame>{};
  auto stream = std::vector<char>{};
  auto samples = sample_frames();
  for (int i = 0; i < 300; ++i) {
    auto& sample = samples[random() % samples.size()].value;
    auto size = random() % (random() % 20 == 0 ? 100'000 : 300);
    sent.push_back(random() % 2 == 0 ? produce_of(size, static_cast<char>('a' + i % 26)) : sample);
    frames::encode(sent.back(), stream);
  }
  auto reader = frames::reader{frame_bytes_max};
  auto held = std::vector<frames::frame>{};
  auto hold_max = random() % 300;
  auto rest = as_bytes(stream);
  std::size_t checked = 0;
  auto check_front = [&] {
    if (!same(held.front().body, sent[checked].body)) FAIL("frame " << checked);
    ++checked;
    held.erase(held.begin());
  };
  while (!rest.empty()) {
    auto part = rest.first(std::min<std::size_t>(rest.size(), 1 + random() % 70'000));
    rest = rest.subspan(part.size());
    reader.feed(part);
    for (auto& frame : drain(reader)) held.push_back(std::move(frame));
    while (held.size() > hold_max) check_front();
  }
  while (!held.empty()) check_front();
  CHECK(checked == sent.size());
}

TEST_CASE("a batch outlives its reader and shares the bytes that were fed") {
  auto batch = shared_bytes{};
  {
    auto reader = frames::reader{frame_bytes_max};
    reader.feed(as_bytes(wire_bytes(produce_of(1000, 'x'))));
    auto next = reader.next();
    batch = std::get<frames::produce>((*next)->body).batch;
    CHECK(reinterpret_cast<std::uintptr_t>(batch.data()) % 8 == 0);
    for (int i = 0; i < 100; ++i) reader.feed(as_bytes(wire_bytes(produce_of(1000, 'y'))));
    drain(reader);
  }
  CHECK(batch.text() == std::string(1000, 'x'));
}

TEST_CASE("a frame that announces too much is refused before it is buffered") {
  auto limit = 1000u;
  auto reader = frames::reader{limit};
  reader.feed(as_bytes(little_endian({0, limit / 8})));
  auto refused = reader.next();
  CHECK(refused.code() == errc::frame_too_large);
  CHECK(reader.next().code() == errc::frame_too_large);

  auto exact = frames::reader{limit};
  exact.feed(as_bytes(little_endian({0, limit / 8 - 1})));
  auto waiting = exact.next();
  CHECK(waiting.ok());

  auto sum = frames::reader{limit};
  sum.feed(as_bytes(little_endian({1, ~0u, ~0u, 0})));
  CHECK(sum.next().code() == errc::frame_too_large);
}

TEST_CASE("a segment table that no frame has is malformed at once") {
  auto reader = frames::reader{frame_bytes_max};
  reader.feed(as_bytes(little_endian({512, 1})));
  CHECK(reader.next().code() == errc::frame_malformed);
  auto overflowing = frames::reader{frame_bytes_max};
  overflowing.feed(as_bytes(little_endian({~0u, 1})));
  CHECK(overflowing.next().code() == errc::frame_malformed);
  auto empty = frames::reader{frame_bytes_max};
  empty.feed(as_bytes(little_endian({0, 0})));
  CHECK(empty.next().code() == errc::frame_malformed);
  CHECK(empty.last_request() == 0);
}

TEST_CASE("another protocol's bytes are refused") {
  using namespace std::string_view_literals;
  for (auto text : {"GET / HTTP/1.1\r\nHost: carafe\r\n\r\n"sv, "SSH-2.0-OpenSSH_9.2\r\n"sv,
                    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv}) {
    auto reader = frames::reader{frame_bytes_max};
    reader.feed(carafe::as_bytes(text));
    CHECK_FALSE(reader.next());
  }
}

TEST_CASE("a frame of several segments, as other writers make them, is read") {
  auto builder = capnp::MallocMessageBuilder{4, capnp::AllocationStrategy::FIXED_SIZE};
  auto root = builder.initRoot<wire::Frame>();
  root.setRequest(5);
  auto produce = root.initProduce();
  produce.setQueue(7);
  auto batch = produce.initBatch(100);
  for (auto& byte : batch) byte = 'x';
  REQUIRE(builder.getSegmentsForOutput().size() > 1);
  auto words = capnp::messageToFlatArray(builder);
  auto reader = frames::reader{frame_bytes_max};
  auto chars = words.asChars();
  reader.feed(carafe::as_bytes({chars.begin(), chars.size()}));
  auto next = reader.next();
  REQUIRE(next);
  CHECK((*next)->request == 5);
  CHECK(std::get<frames::produce>((*next)->body).batch.text() == std::string(100, 'x'));
}

TEST_CASE("a list that claims more elements than the frame has bytes is refused") {
  auto bytes = wire_bytes({1, frames::group_names{}});
  // The last word is the list's tag: how many elements of which size. Claim half a billion of none.
  auto tag = little_endian({0x1fffffffu << 2, 0});
  std::copy(tag.begin(), tag.end(), bytes.end() - 8);
  auto reader = frames::reader{frame_bytes_max};
  reader.feed(as_bytes(bytes));
  CHECK(reader.next().code() == errc::frame_malformed);
}

TEST_CASE("an empty feed and an empty reader do no harm") {
  auto reader = frames::reader{frame_bytes_max};
  reader.feed({});
  auto next = reader.next();
  REQUIRE(next);
  CHECK_FALSE(next->has_value());
  CHECK(reader.buffered() == 0);
}

TEST_CASE("large frames come in small parts") {
  auto reader = frames::reader{64u << 20};
  auto bytes = wire_bytes(produce_of(5'000'000, 'x'));
  for (int round = 0; round < 3; ++round) {
    auto rest = as_bytes(bytes);
    while (!rest.empty()) {
      CHECK_FALSE(reader.next()->has_value());
      auto part = rest.first(std::min<std::size_t>(rest.size(), 65'536));
      reader.feed(part);
      rest = rest.subspan(part.size());
    }
    auto next = reader.next();
    REQUIRE(next);
    REQUIRE(next->has_value());
    CHECK(std::get<frames::produce>((*next)->body).batch.size() == 5'000'000);
  }
}
