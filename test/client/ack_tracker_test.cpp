#include "actors/client/ack_tracker.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using carafe::offset;
using carafe::client::ack_tracker;
using answer = carafe::client::ack_tracker::answer;

TEST_CASE("the position follows the first message that is not acknowledged") {
  auto acks = ack_tracker{offset{10}};
  acks.hand_out(offset{15});
  CHECK(acks.position() == offset{10});
  CHECK(acks.ack(offset{12}) == answer::marked);
  CHECK(acks.position() == offset{10});
  CHECK(acks.ack(offset{10}) == answer::marked);
  CHECK(acks.position() == offset{11});
  CHECK(acks.ack(offset{11}) == answer::marked);
  CHECK(acks.position() == offset{13});
  CHECK_FALSE(acks.settled());
  CHECK(acks.ack(offset{14}) == answer::marked);
  CHECK(acks.ack(offset{13}) == answer::marked);
  CHECK(acks.position() == offset{15});
  CHECK(acks.settled());
}

TEST_CASE("an acknowledgement counts once, and only for what was handed out") {
  auto acks = ack_tracker{offset{5}};
  acks.hand_out(offset{8});
  CHECK(acks.ack(offset{8}) == answer::foreign);
  CHECK(acks.ack(offset{4}) == answer::repeated);
  CHECK(acks.ack(offset{6}) == answer::marked);
  CHECK(acks.ack(offset{6}) == answer::repeated);
  CHECK(acks.position() == offset{5});
}

TEST_CASE("what is not for this consumer is done, and holds nothing up") {
  auto acks = ack_tracker{offset{10}};
  acks.pass(offset{10}, offset{20});
  CHECK(acks.position() == offset{20});
  CHECK(acks.settled());
  acks.hand_out(offset{22});
  acks.pass(offset{22}, offset{30});
  acks.hand_out(offset{31});
  acks.pass(offset{31}, offset{40});
  CHECK(acks.position() == offset{20});
  CHECK_FALSE(acks.settled());
  CHECK(acks.ack(offset{25}) == answer::repeated);
  CHECK(acks.ack(offset{30}) == answer::marked);
  CHECK(acks.ranges() == 1);
  CHECK(acks.ack(offset{20}) == answer::marked);
  CHECK(acks.ack(offset{21}) == answer::marked);
  CHECK(acks.position() == offset{40});
  CHECK(acks.settled());
  acks.pass(offset{40}, offset{40});
  CHECK(acks.ack(offset{40}) == answer::foreign);
}

TEST_CASE("what was passed may have been done in part before") {
  auto before = ack_tracker{};
  before.hand_out(offset{12});
  for (auto at : {2, 3, 6, 9}) before.ack(offset{static_cast<std::uint64_t>(at)});
  auto acks = ack_tracker{before, offset{1}};
  acks.hand_out(offset{3});
  acks.pass(offset{3}, offset{8});
  CHECK(acks.ranges() == 2);
  CHECK(acks.done(offset{7}));
  CHECK_FALSE(acks.done(offset{8}));
  CHECK(acks.ack(offset{1}) == answer::marked);
  CHECK(acks.position() == offset{8});
}

TEST_CASE("scattered acknowledgements are bounded") {
  auto acks = ack_tracker{};
  acks.hand_out(offset{4 * ack_tracker::ranges_max});
  for (std::uint64_t i = 0; i < ack_tracker::ranges_max; ++i)
    REQUIRE(acks.ack(offset{2 * i + 1}) == answer::marked);
  CHECK(acks.ranges() == ack_tracker::ranges_max);
  CHECK(acks.ack(offset{2 * ack_tracker::ranges_max + 1}) == answer::full);
  CHECK(acks.ack(offset{2}) == answer::marked); // It joins two stretches.
  CHECK(acks.ack(offset{0}) == answer::marked);
  CHECK(acks.position() == offset{4});
}

TEST_CASE("a queue that comes back keeps its acknowledgements and takes late ones") {
  auto before = ack_tracker{offset{0}};
  before.hand_out(offset{10});
  for (auto at : {0, 1, 4, 5, 9}) before.ack(offset{static_cast<std::uint64_t>(at)});

  auto after = ack_tracker{before, offset{1}}; // Only the first was committed.
  CHECK(after.position() == offset{2});
  CHECK(after.done(offset{4}));
  CHECK_FALSE(after.done(offset{6}));
  CHECK(after.settled()); // Nothing was handed out again yet.
  CHECK(after.ack(offset{3}) == answer::marked);
  CHECK(after.ack(offset{2}) == answer::marked);
  CHECK(after.position() == offset{6});
  CHECK(after.ack(offset{10}) == answer::foreign);

  auto ahead = ack_tracker{before, offset{7}}; // Somebody else went on meanwhile.
  CHECK(ahead.position() == offset{7});
  CHECK(ahead.done(offset{9}));
}

namespace {

/// The same as a plain set, to compare with.
struct reference {
  std::uint64_t begin = 0;
  std::uint64_t handed_out = 0;
  std::set<std::uint64_t> acked;

  [[nodiscard]] std::uint64_t position() const {
    auto at = begin;
    while (acked.contains(at)) ++at;
    return at;
  }
};

void compare(const ack_tracker& acks, const reference& expected) {
  auto position = expected.position();
  REQUIRE(acks.position() == offset{position});
  REQUIRE(acks.settled() == (position >= expected.handed_out));
  for (auto at = expected.begin; at < expected.handed_out + 5; ++at)
    REQUIRE(acks.done(offset{at}) == (expected.acked.contains(at) || at < position));
}

} // namespace

TEST_CASE("random acknowledgements agree with a plain set") {
  auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto random = std::mt19937{seed};
  auto upto = [&](std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>{0, n}(random);
  };
  for (auto round = 0; round < 200; ++round) {
    auto expected = reference{};
    expected.begin = expected.handed_out = upto(1'000);
    auto acks = ack_tracker{offset{expected.begin}};
    for (auto step = 0; step < 60; ++step) {
      if (upto(3) == 0) {
        expected.handed_out += upto(8);
        acks.hand_out(offset{expected.handed_out});
      } else if (upto(20) == 0) {
        // Back from a lost connection: some of what was done is committed, the rest carried over.
        auto begin = expected.begin + upto(expected.position() - expected.begin);
        acks = ack_tracker{acks, offset{begin}};
        expected.begin = begin;
        acks.hand_out(offset{expected.handed_out});
      } else {
        auto at = expected.begin + upto(expected.handed_out - expected.begin + 2);
        auto fresh =
          at < expected.handed_out && at >= expected.begin && !expected.acked.contains(at);
        auto given = acks.ack(offset{at});
        REQUIRE((given == answer::marked) == fresh);
        if (fresh) expected.acked.insert(at);
      }
      compare(acks, expected);
    }
  }
}
