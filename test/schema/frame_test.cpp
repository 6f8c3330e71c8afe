#include "schema/frame.hpp"
#include "test/schema/fields.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>

using namespace carafe;
using namespace carafe::test;

namespace {

constexpr std::uint32_t frame_bytes_max = 1u << 20;

result<std::optional<frames::frame>> decode(std::span<const std::byte> bytes) {
  auto reader = frames::reader{frame_bytes_max};
  reader.feed(bytes);
  return reader.next();
}

result<std::optional<frames::frame>> decode(const std::vector<char>& bytes) {
  return decode(as_bytes(bytes));
}

/// The frame's first 16-bit number that differs between two encodings, set to `value`.
std::vector<char> with_number(const frames::body& one, const frames::body& other,
                              std::uint16_t value) {
  auto bytes = wire_bytes({1, one});
  auto differing = wire_bytes({1, other});
  REQUIRE(bytes.size() == differing.size());
  std::size_t at = 0;
  while (bytes[at] == differing[at]) ++at;
  bytes[at] = static_cast<char>(value & 0xff);
  bytes[at + 1] = static_cast<char>(value >> 8);
  return bytes;
}

} // namespace

TEST_CASE("the samples fill every field of every frame") {
  auto frames = sample_frames();
  REQUIRE(frames.size() == std::variant_size_v<frames::body>);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CAPTURE(frames[i].name);
    CHECK(frames[i].value.body.index() == i);
    CHECK(std::visit([](auto& body) { return is_filled(body); }, frames[i].value.body));
  }
  for (auto& [name, frame] : frames) {
    if (auto status = std::get_if<frames::node_status_report>(&frame.body)) {
      CHECK(is_filled(status->shards[0]));
      CHECK(is_filled(status->shards[0].commits));
      CHECK(is_filled(status->shards[0].syncs));
    }
    if (auto group = std::get_if<frames::group_description>(&frame.body)) {
      CHECK(is_filled(group->members[0]));
      CHECK(is_filled(group->queues[0]));
      CHECK(is_filled(group->consumers[0]));
      CHECK(is_filled(group->consumers[0].places[0]));
    }
    if (auto topic = std::get_if<frames::topic_description>(&frame.body)) {
      CHECK(is_filled(topic->settings));
      CHECK(is_filled(topic->queues[0]));
    }
  }
}

TEST_CASE("every frame comes back as it was") {
  for (auto& [name, frame] : sample_frames()) {
    CAPTURE(name);
    auto decoded = decode(wire_bytes(frame));
    REQUIRE(decoded);
    REQUIRE(decoded->has_value());
    CHECK((*decoded)->request == frame.request);
    CHECK(same((*decoded)->body, frame.body));
  }
}

TEST_CASE("a batch that is delivered whole, and word of one that is not, come back as they were") {
  for (auto& [name, frame] : sample_frames()) {
    const auto* sparse = std::get_if<frames::deliver>(&frame.body);
    if (sparse == nullptr) continue;
    auto whole = *sparse;
    whole.sparse = false;
    whole.ranges.clear();
    whole.expired.clear();
    auto marked = whole;
    marked.expired = sparse->expired;
    auto passed = frames::deliver{};
    passed.base = offset{200};
    passed.count = 4'000'000'000;
    passed.sparse = true;
    for (const auto& each : {whole, marked, passed}) {
      auto decoded = decode(wire_bytes({7, each}));
      REQUIRE(decoded);
      REQUIRE(decoded->has_value());
      CHECK(same((*decoded)->body, frames::body{each}));
    }
  }
}

TEST_CASE("a frame with nothing filled comes back as it was") {
  for (auto& [name, frame] : sample_frames()) {
    if (name == "error" || name == "subscriptionEnded") continue; // An error must have a code.
    CAPTURE(name);
    auto blank = frames::frame{};
    std::visit([&](auto& body) { blank.body = std::remove_cvref_t<decltype(body)>{}; }, frame.body);
    auto decoded = decode(wire_bytes(blank));
    REQUIRE(decoded);
    CHECK(same((*decoded)->body, blank.body));
  }
}

TEST_CASE("every start position comes back as it was") {
  using kind = start_position::kind;
  for (auto start : {start_position{}, start_position{.at = kind::latest},
                     start_position{.at = kind::at_offset, .from = offset{~0ull}},
                     start_position{.at = kind::at_time, .time = unix_ms{-5}}}) {
    auto subscribe = frames::subscribe{};
    subscribe.start = start;
    auto decoded = decode(wire_bytes({1, subscribe}));
    REQUIRE(decoded);
    CHECK(std::get<frames::subscribe>((*decoded)->body).start == start);
  }
}

TEST_CASE("what may be absent stays absent, and zero stays zero") {
  auto alter = frames::topic_alter{"t", 0, 0};
  auto decoded = decode(wire_bytes({1, alter}));
  CHECK(std::get<frames::topic_alter>((*decoded)->body).retention_ms == 0);
  auto reset = frames::group_reset{};
  for (auto number : {std::optional<queue_number>{}, std::optional{queue_number{0}},
                      std::optional{queue_number{0x7fffffff}}}) {
    reset.number = number;
    decoded = decode(wire_bytes({1, reset}));
    CHECK(std::get<frames::group_reset>((*decoded)->body).number == number);
  }
  reset.number = queue_number{~0u};
  decoded = decode(wire_bytes({1, reset}));
  CHECK(std::get<frames::group_reset>((*decoded)->body).number == queue_number{0x7fffffff});
}

TEST_CASE("batches of every size and alignment come back as they were") {
  for (std::size_t size = 0; size < 100; ++size) {
    auto batch = shared_bytes::copy_of(carafe::as_bytes(std::string(size, 'x')));
    auto produce = frames::produce{};
    produce.batch = batch;
    auto bytes = wire_bytes({1, produce});
    CHECK(bytes.size() % 8 == 0);
    auto decoded = decode(bytes);
    REQUIRE(decoded);
    CHECK(same((*decoded)->body, frames::body{produce}));
    auto deliver = frames::deliver{};
    deliver.batch = batch;
    decoded = decode(wire_bytes({1, deliver}));
    REQUIRE(decoded);
    CHECK(same((*decoded)->body, frames::body{deliver}));
  }
}

TEST_CASE("a frame is encoded behind what the buffer holds already") {
  auto out = std::vector<char>{'a', 'b', 'c'};
  auto frame = frames::frame{7, frames::credit{subscription_id{1}, 2}};
  frames::encode(frame, out);
  auto alone = wire_bytes(frame);
  CHECK(std::string(out.begin(), out.end()) == "abc" + std::string(alone.begin(), alone.end()));
}

TEST_CASE("a frame larger than the encoder's first segment comes back as it was") {
  auto names = frames::topic_names{};
  for (unsigned i = 0; i < 5000; ++i)
    names.topics.push_back({"topic-" + std::to_string(i), topic_id{i}, i, i});
  auto decoded = decode(wire_bytes({1, names}));
  REQUIRE(decoded);
  CHECK(same((*decoded)->body, frames::body{names}));
}

TEST_CASE("a union tag of a newer version is unsupported and the stream goes on") {
  auto bytes = with_number(frames::ping{}, frames::pong{}, 999);
  frames::encode({8, frames::ok{}}, bytes);
  auto reader = frames::reader{frame_bytes_max};
  reader.feed(as_bytes(bytes));
  CHECK(reader.next().code() == errc::unsupported);
  CHECK(reader.last_request() == 1);
  auto after = reader.next();
  REQUIRE(after);
  CHECK((*after)->request == 8);
  CHECK(reader.last_request() == 8);

  auto latest = frames::subscribe{};
  latest.start.at = start_position::kind::latest;
  CHECK(decode(with_number(frames::subscribe{}, latest, 17)).code() == errc::unsupported);
}

TEST_CASE("an enumerator that is unknown makes the frame malformed") {
  auto with_codec = [](codec compression) {
    auto produce = frames::produce{};
    produce.compression = compression;
    return produce;
  };
  CHECK(decode(with_number(with_codec(codec::lz4), with_codec(codec::zstd), 2)));
  CHECK(decode(with_number(with_codec(codec::lz4), with_codec(codec::zstd), 3)).code() ==
        errc::frame_malformed);
  auto receipt = frames::receipt{};
  receipt.reached = durability::memory;
  CHECK(decode(with_number(frames::receipt{}, receipt, 3)).code() == errc::frame_malformed);
  auto subscribe = frames::subscribe{};
  subscribe.out_of_range = range_policy::latest;
  CHECK(decode(with_number(frames::subscribe{}, subscribe, 3)).code() == errc::frame_malformed);
}

TEST_CASE("an error without a code is malformed, one of a newer version is internal") {
  CHECK(decode(wire_bytes({1, frames::error{}})).code() == errc::none);
  auto none = frames::error{{errc::none, "x"}, 0};
  CHECK(decode(wire_bytes({1, none})).code() == errc::frame_malformed);
  auto newer = frames::error{{static_cast<errc>(999), "x"}, 0};
  auto decoded = decode(wire_bytes({1, newer}));
  REQUIRE(decoded);
  CHECK(std::get<frames::error>((*decoded)->body).why == failure{errc::internal, "x"});
}

TEST_CASE("a text that is not UTF-8 is sent mended, and refused when received") {
  auto hello = frames::hello{};
  hello.client = "caf\xe9";
  auto bytes = wire_bytes({1, hello});
  auto decoded = decode(bytes);
  REQUIRE(decoded);
  CHECK(std::get<frames::hello>((*decoded)->body).client == "caf?");
  auto at = std::string_view{bytes.data(), bytes.size()}.find("caf?");
  bytes[at + 3] = '\xe9';
  CHECK(decode(bytes).code() == errc::frame_malformed);
  bytes[at + 3] = '\0';
  CHECK(decode(bytes).code() == errc::frame_malformed);
}

TEST_CASE("every truncation of a frame waits for more bytes") {
  for (auto& [name, frame] : sample_frames()) {
    auto bytes = wire_bytes(frame);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      auto decoded = decode(as_bytes(bytes).first(size));
      if (!decoded || decoded->has_value()) FAIL(name << " cut at " << size);
    }
  }
}

TEST_CASE("flipped bits of a frame are an error, another frame, or wait for more bytes") {
  auto seed = GENERATE(range(1u, 5u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  for (auto& [name, frame] : sample_frames()) {
    CAPTURE(name);
    auto bytes = wire_bytes(frame);
    for (int round = 0; round < 500; ++round) {
      auto damaged = bytes;
      for (auto flips = 1 + random() % 3; flips > 0; --flips) {
        auto& byte = damaged[random() % damaged.size()];
        byte = static_cast<char>(byte ^ (1 << random() % 8));
      }
      auto decoded = decode(damaged);
      if (!decoded) {
        auto code = decoded.code();
        if (code != errc::frame_malformed && code != errc::frame_too_large &&
            code != errc::unsupported)
          FAIL(name << ": " << decoded.error().message());
      } else if (decoded->has_value()) {
        if (wire_bytes(**decoded).empty()) FAIL("no frame");
      }
    }
  }
}
