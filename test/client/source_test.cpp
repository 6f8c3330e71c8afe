#include "actors/client/source.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::client;

namespace {

frames::deliver batch(std::uint64_t base, std::uint32_t count, std::size_t bytes = 10) {
  auto builder = batch_builder{};
  for (std::uint32_t i = 0; i < count; ++i) {
    auto body = std::to_string(base + i);
    body.resize(std::max(bytes, body.size()), '.');
    auto m = message_view{};
    m.body = body;
    REQUIRE(builder.add(m).ok());
  }
  auto encoded = builder.finish(codec::none);
  REQUIRE(encoded.ok());
  auto d = frames::deliver{};
  d.base = offset{base};
  d.count = count;
  d.producer = producer_id{9};
  d.first = sequence{100 + base};
  d.checksum = encoded->checksum;
  d.batch = encoded->bytes;
  return d;
}

std::vector<std::uint64_t> offsets(const std::vector<delivery>& messages) {
  auto all = std::vector<std::uint64_t>{};
  for (auto& d : messages) {
    CHECK(std::stoull(d.body) == d.offset.value);
    CHECK(d.id == message_id{producer_id{9}, sequence{100 + d.offset.value}});
    all.push_back(d.offset.value);
  }
  return all;
}

using numbers = std::vector<std::uint64_t>;
const auto name = queue_name{"t", queue_number{3}, queue_id{5}};

} // namespace

TEST_CASE("a message that waited for its time has the id that its receipt had") {
  const auto of = [](producer_id producer, const std::string& told) {
    auto builder = batch_builder{};
    const std::pair<std::string_view, std::string_view> properties[] = {
      {"carafe-timer-id", "00000000000000aa-1"}, {"carafe-timer-id", told}};
    auto m = message_view{};
    m.properties = properties;
    REQUIRE(builder.add(m).ok());
    auto encoded = builder.finish(codec::none);
    REQUIRE(encoded.ok());
    auto d = frames::deliver{};
    d.base = offset{0};
    d.count = 1;
    d.producer = producer;
    d.first = sequence{7};
    d.checksum = encoded->checksum;
    d.batch = encoded->bytes;
    auto s = source{name, 1'000};
    REQUIRE(s.take_in(std::move(d)).ok());
    auto out = std::vector<delivery>{};
    CHECK(s.hand_out(1, nullptr, out).ok());
    REQUIRE(out.size() == 1);
    return out[0].id;
  };
  CHECK(of(producer_id{0}, "00000000000000bb-12") == message_id{producer_id{0xbb}, sequence{12}});
  CHECK(of(producer_id{0}, "nonsense") == message_id{producer_id{0}, sequence{7}});
  // Whoever sends such a property himself is not believed.
  CHECK(of(producer_id{9}, "00000000000000bb-12") == message_id{producer_id{9}, sequence{7}});
}

TEST_CASE("a batch comes out in as many pieces as asked for") {
  auto s = source{name, 1'000};
  REQUIRE(s.take_in(batch(0, 5)).ok());
  auto out = std::vector<delivery>{};
  CHECK_FALSE(*s.hand_out(2, nullptr, out));
  CHECK(s.next() == offset{2});
  CHECK_FALSE(*s.hand_out(2, nullptr, out));
  CHECK(*s.hand_out(2, nullptr, out));
  CHECK(offsets(out) == numbers{0, 1, 2, 3, 4});
  CHECK(out[0].topic == "t");
  CHECK(out[0].number == queue_number{3});
  CHECK(out[0].queue == queue_id{5});
  CHECK_FALSE(s.has_more());
}

TEST_CASE("messages before the position are skipped, repeats too, gaps are an error") {
  auto s = source{name, 1'000};
  s.begin_at(offset{3});
  REQUIRE(s.take_in(batch(0, 2)).ok());
  CHECK_FALSE(s.has_more());
  REQUIRE(s.take_in(batch(2, 4)).ok());
  REQUIRE(s.take_in(batch(2, 4)).ok());
  auto out = std::vector<delivery>{};
  CHECK(*s.hand_out(100, nullptr, out));
  CHECK(offsets(out) == numbers{3, 4, 5});
  CHECK_FALSE(s.has_more());
  CHECK(s.take_in(batch(7, 1)).code() == errc::internal);
}

namespace {

/// The messages of `ranges`; the others of `count` from `base` on were left out.
frames::deliver sparse(std::uint64_t base, std::uint32_t count,
                       const std::vector<offset_range>& ranges) {
  auto builder = batch_builder{};
  for (const auto& range : ranges)
    for (auto at = range.first; at < range.end(); at = at + 1) {
      const auto body = std::to_string(at.value);
      auto m = message_view{};
      m.body = body;
      REQUIRE(builder.add(m).ok());
    }
  auto d = frames::deliver{};
  d.base = offset{base};
  d.count = count;
  d.producer = producer_id{9};
  d.first = sequence{100 + base};
  d.sparse = true;
  d.ranges = ranges;
  if (ranges.empty()) return d;
  auto encoded = builder.finish(codec::none);
  REQUIRE(encoded.ok());
  d.checksum = encoded->checksum;
  d.batch = encoded->bytes;
  return d;
}

} // namespace

TEST_CASE("of a sparse batch its messages come out, and the others are passed") {
  auto s = source{name, 1'000};
  auto acks = ack_tracker{};
  REQUIRE(s.take_in(sparse(0, 20, {{offset{2}, 2}, {offset{7}, 1}, {offset{12}, 3}}), &acks).ok());
  auto out = std::vector<delivery>{};
  CHECK_FALSE(*s.hand_out(1, &acks, out));
  CHECK(s.next() == offset{3});
  CHECK(acks.position() == offset{2});
  CHECK_FALSE(*s.hand_out(2, &acks, out));
  CHECK_FALSE(*s.hand_out(2, &acks, out));
  CHECK(*s.hand_out(1, &acks, out)); // With its last message.
  CHECK(offsets(out) == numbers{2, 3, 7, 12, 13, 14});
  CHECK(s.next() == offset{20});
  for (auto at : {2, 3, 7, 12, 13}) acks.ack(offset{static_cast<std::uint64_t>(at)});
  CHECK(acks.position() == offset{14});
  acks.ack(offset{14});
  CHECK(acks.position() == offset{20});
  CHECK(acks.settled());
}

TEST_CASE("a sparse batch may begin before the position") {
  auto s = source{name, 1'000};
  s.begin_at(offset{4});
  REQUIRE(s.take_in(sparse(0, 8, {{offset{1}, 2}, {offset{3}, 3}})).ok());
  auto out = std::vector<delivery>{};
  CHECK(*s.hand_out(10, nullptr, out));
  CHECK(offsets(out) == numbers{4, 5});
  CHECK(s.next() == offset{8});
}

TEST_CASE("a batch of nothing moves the position, after what is before it was handed out") {
  auto s = source{name, 1'000};
  auto acks = ack_tracker{};
  REQUIRE(s.take_in(sparse(0, 5, {}), &acks).ok());
  CHECK_FALSE(s.has_more());
  CHECK(s.next() == offset{5});
  CHECK(acks.position() == offset{5});
  REQUIRE(s.take_in(batch(5, 2), &acks).ok());
  REQUIRE(s.take_in(sparse(7, 1'000, {}), &acks).ok());
  REQUIRE(s.take_in(sparse(1'007, 4'294'967'295, {}), &acks).ok());
  REQUIRE(s.take_in(batch(4'294'968'302, 1), &acks).ok());
  CHECK(s.next() == offset{5});
  auto out = std::vector<delivery>{};
  while (s.has_more()) REQUIRE(s.hand_out(10, &acks, out).ok());
  CHECK(offsets(out) == numbers{5, 6, 4'294'968'302});
  acks.ack(offset{5});
  acks.ack(offset{6});
  CHECK(acks.position() == offset{4'294'968'302});
  CHECK(s.take_in(sparse(4'294'968'304, 1, {}), &acks).code() == errc::internal); // A gap.
}

TEST_CASE("a source keeps one entry however often it is told that nothing passed") {
  auto s = source{name, 1'000};
  REQUIRE(s.take_in(batch(0, 1)).ok());
  for (std::uint64_t at = 1; at < 1'000; ++at) REQUIRE(s.take_in(sparse(at, 1, {})).ok());
  auto out = std::vector<delivery>{};
  CHECK(*s.hand_out(1, nullptr, out));
  CHECK(*s.hand_out(1, nullptr, out));
  CHECK_FALSE(s.has_more());
  CHECK(s.next() == offset{1'000});
}

TEST_CASE("ranges that make no sense are an error") {
  const auto bad = GENERATE(std::vector<offset_range>{{offset{4}, 2}, {offset{5}, 1}},
                            std::vector<offset_range>{{offset{4}, 1}, {offset{1}, 1}},
                            std::vector<offset_range>{{offset{9}, 2}});
  auto s = source{name, 1'000};
  auto batch = sparse(0, 10, {});
  batch.ranges = bad;
  CHECK(s.take_in(std::move(batch)).code() == errc::internal);
}

TEST_CASE("messages that were too old are marked") {
  auto s = source{name, 1'000};
  auto marked = batch(0, 4);
  marked.expired = {{offset{1}, 2}};
  REQUIRE(s.take_in(std::move(marked)).ok());
  auto out = std::vector<delivery>{};
  CHECK(*s.hand_out(10, nullptr, out));
  CHECK_FALSE(out[0].expired);
  CHECK(out[1].expired);
  CHECK(out[2].expired);
  CHECK_FALSE(out[3].expired);
}

TEST_CASE("what is acknowledged already is not handed out again") {
  auto before = ack_tracker{};
  before.hand_out(offset{6});
  for (auto at : {0, 1, 3, 5}) before.ack(offset{static_cast<std::uint64_t>(at)});
  auto acks = ack_tracker{before, offset{1}};
  auto s = source{name, 1'000};
  s.begin_at(offset{1});
  REQUIRE(s.take_in(batch(0, 8)).ok());
  auto out = std::vector<delivery>{};
  CHECK(*s.hand_out(100, &acks, out));
  CHECK(offsets(out) == numbers{2, 4, 6, 7});
  CHECK_FALSE(acks.settled());
  CHECK(acks.position() == offset{2});
}

TEST_CASE("credit is returned in portions of at least half") {
  auto first = batch(0, 4, 100);
  auto bytes = static_cast<std::uint32_t>(first.batch.size());
  auto s = source{name, 3 * bytes};
  auto out = std::vector<delivery>{};
  for (std::uint64_t i = 0; i < 4; ++i) REQUIRE(s.take_in(batch(4 * i, 4, 100)).ok());
  REQUIRE(s.hand_out(100, nullptr, out).ok());
  CHECK(s.take_credit() == 0);
  CHECK_FALSE(*s.hand_out(3, nullptr, out));
  CHECK(s.take_credit() == 0);
  CHECK(*s.hand_out(3, nullptr, out));
  CHECK(s.take_credit() == 2 * bytes);
  CHECK(s.take_credit() == 0);
  s.drop(); // What is dropped was sent, too.
  CHECK(s.take_credit() == 2 * bytes);
}

TEST_CASE("a damaged batch is an error") {
  auto s = source{name, 1'000};
  auto out = std::vector<delivery>{};
  SECTION("checksum") {
    auto bad = batch(0, 3);
    ++bad.checksum;
    REQUIRE(s.take_in(std::move(bad)).ok());
    CHECK(s.hand_out(1, nullptr, out).code() == errc::checksum_mismatch);
  }
  SECTION("count") {
    auto bad = batch(0, 3);
    bad.count = 4;
    REQUIRE(s.take_in(std::move(bad)).ok());
    CHECK(s.hand_out(1, nullptr, out).code() == errc::batch_malformed);
  }
  CHECK(out.empty());
}
