#include "actors/client/lane.hpp"

#include "test/client/model_queue.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::client;
using std::chrono::milliseconds;

namespace {

const auto start = time_point{} + std::chrono::hours{1};

/// A lane and what came out of it. Batches carry their number as checksum.
struct lane_bench {
  milliseconds quota_wait{0};
  std::uint64_t fresh = 100;
  std::shared_ptr<identity> shared = std::make_shared<identity>(identity{producer_id{1}});
  lane l{queue_id{7}, shared, [this] { return producer_id{++fresh}; }, {}, quota_wait};
  std::vector<lane::settled> out = {};
  time_point now = start;
  std::uint32_t made = 0;

  void push(std::uint32_t count = 1, milliseconds patience = milliseconds{10'000}) {
    auto b = sealed_batch{};
    b.data.count = count;
    b.data.checksum = ++made;
    b.deadline = now + patience;
    l.push(std::move(b));
  }
  std::vector<lane::sending> send() {
    auto all = std::vector<lane::sending>{};
    while (auto next = l.next(now, out)) all.push_back(std::move(*next));
    return all;
  }
  void refuse(const lane::sending& s, errc code, std::uint32_t retry_after_ms = 0) {
    l.on_error(s.batch, {code, retry_after_ms}, now, out);
  }
  void receive(const lane::sending& s, std::uint64_t at = 0) {
    auto r = frames::receipt{};
    r.first = offset{at};
    r.count = s.frame.count;
    l.on_receipt(s.batch, r, out);
  }
  std::vector<errc> codes() {
    auto all = std::vector<errc>{};
    for (auto& each : out) all.push_back(each.outcome.code());
    return all;
  }
};

std::vector<std::uint64_t> previous_of(const std::vector<lane::sending>& sent) {
  auto all = std::vector<std::uint64_t>{};
  for (auto& each : sent) all.push_back(each.frame.previous.value);
  return all;
}

std::vector<std::uint64_t> first_of(const std::vector<lane::sending>& sent) {
  auto all = std::vector<std::uint64_t>{};
  for (auto& each : sent) all.push_back(each.frame.first.value);
  return all;
}

using numbers = std::vector<std::uint64_t>;
using errors = std::vector<errc>;

} // namespace

TEST_CASE("batches are chained by their sequences and sent up to the window") {
  auto b = lane_bench{};
  for (auto i = 0; i < 10; ++i) b.push(3);
  auto sent = b.send();
  CHECK(first_of(sent) == numbers{1, 4, 7, 10, 13, 16, 19, 22});
  CHECK(previous_of(sent) == numbers{0, 3, 6, 9, 12, 15, 18, 21});
  CHECK_FALSE(b.l.open());
  b.receive(sent[0]);
  auto more = b.send();
  CHECK(first_of(more) == numbers{25});
  CHECK(previous_of(more) == numbers{24});
}

TEST_CASE("lanes of one producer share its sequences, each with its own chain") {
  auto b = lane_bench{};
  auto other = lane{queue_id{8}, b.shared, [] { return producer_id{9}; }};
  b.push(2);
  CHECK(first_of(b.send()) == numbers{1});
  auto batch = sealed_batch{};
  batch.data.count = 1;
  batch.deadline = start + milliseconds{100};
  other.push(std::move(batch));
  auto sent = other.next(start, b.out);
  REQUIRE(sent);
  CHECK(sent->frame.first == sequence{3});
  CHECK(sent->frame.previous == sequence{0});
  b.push(1);
  auto third = b.send();
  CHECK(first_of(third) == numbers{4});
  CHECK(previous_of(third) == numbers{2});
}

TEST_CASE("after a lost connection everything unanswered is sent again, the same and in order") {
  auto b = lane_bench{};
  for (auto i = 0; i < 3; ++i) b.push();
  auto sent = b.send();
  b.receive(sent[0]);
  b.l.on_lost();
  auto again = b.send();
  CHECK(first_of(again) == numbers{2, 3});
  CHECK(previous_of(again) == numbers{1, 2});
  CHECK(again[0].frame.producer == producer_id{1});
}

TEST_CASE("a retriable error holds back what is behind, and all go again in order") {
  auto b = lane_bench{};
  for (auto i = 0; i < 3; ++i) b.push();
  auto sent = b.send();
  b.push();
  b.refuse(sent[0], errc::storage_full, 500);
  CHECK(b.send().empty()); // The other answers are awaited first.
  b.refuse(sent[1], errc::producer_unknown);
  b.refuse(sent[2], errc::producer_unknown);
  CHECK(b.send().empty());
  CHECK(b.l.wake_at(true) == start + milliseconds{500});
  b.now += milliseconds{500};
  auto again = b.send();
  CHECK(first_of(again) == numbers{1, 2, 3, 4});
  CHECK(previous_of(again) == numbers{0, 1, 2, 3});
  CHECK(b.out.empty());
}

TEST_CASE("a refusal for good fails one batch, and the next ones are chained without it") {
  auto b = lane_bench{};
  for (auto i = 0; i < 4; ++i) b.push();
  auto sent = b.send();
  b.receive(sent[0]);
  b.refuse(sent[1], errc::batch_malformed);
  b.refuse(sent[2], errc::sequence_gap);
  b.refuse(sent[3], errc::sequence_gap);
  auto again = b.send();
  CHECK(first_of(again) == numbers{3, 4});
  CHECK(previous_of(again) == numbers{1, 3});
  CHECK(again[0].frame.producer == producer_id{1});
  CHECK(b.codes() == errors{errc::none, errc::batch_malformed});
}

TEST_CASE("a batch that never left times out, one that left is of unknown outcome") {
  auto b = lane_bench{};
  for (auto i = 0; i < 9; ++i) b.push(1, milliseconds{100});
  auto sent = b.send();
  REQUIRE(sent.size() == 8);
  b.l.on_lost();
  b.now += milliseconds{100};
  b.l.expire(b.now, b.out);
  CHECK(b.l.empty());
  auto codes = b.codes();
  CHECK(codes.front() == errc::outcome_unknown);
  CHECK(codes.back() == errc::timeout);
}

TEST_CASE("a batch that the node refuses until its time is over fails for the node's reason") {
  auto b = lane_bench{};
  b.push(1, milliseconds{100});
  while (b.codes().empty()) {
    for (auto& s : b.send()) b.refuse(s, errc::storage_full);
    b.l.expire(b.now, b.out);
    if (auto at = b.l.wake_at(true)) b.now = std::max(b.now, *at);
  }
  CHECK(b.codes() == errors{errc::storage_full});
}

TEST_CASE("after an unknown outcome the lane goes on under a fresh producer id") {
  auto b = lane_bench{};
  b.push(1, milliseconds{100});
  b.send();
  b.now += milliseconds{100};
  b.l.expire(b.now, b.out);
  b.push();
  auto sent = b.send();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].frame.producer == producer_id{101});
  CHECK(sent[0].frame.first == sequence{1});
  CHECK(sent[0].frame.previous == sequence{0});
}

TEST_CASE("a batch that may be stored keeps its id, whatever became of the one before") {
  auto b = lane_bench{};
  b.push(1, milliseconds{100});
  b.push(1, milliseconds{10'000});
  b.send();
  b.l.on_lost();
  b.now += milliseconds{100};
  b.l.expire(b.now, b.out);
  REQUIRE(b.codes() == errors{errc::outcome_unknown});

  SECTION("the node has the one before") {
    auto sent = b.send();
    REQUIRE(previous_of(sent) == numbers{1});
    CHECK(sent[0].frame.producer == producer_id{1});
    b.receive(sent[0]);
    CHECK(b.codes().back() == errc::none);
    b.push();
    CHECK(previous_of(b.send()) == numbers{2});
  }
  SECTION("the node does not have it") {
    auto sent = b.send();
    b.refuse(sent[0], errc::producer_unknown);
    auto again = b.send();
    CHECK(first_of(again) == numbers{2});
    CHECK(previous_of(again) == numbers{0});
    CHECK(again[0].frame.producer == producer_id{1});
    b.receive(again[0]);
    CHECK(b.codes().back() == errc::none);
  }
}

TEST_CASE("a producer that the node forgot gets a fresh id") {
  auto b = lane_bench{};
  b.push();
  b.receive(b.send().at(0));
  b.push(2);
  b.push(1);
  auto sent = b.send();
  b.refuse(sent[0], errc::producer_unknown);
  b.refuse(sent[1], errc::producer_unknown);
  CHECK(b.send().empty()); // A moment of back-off.
  b.now = *b.l.wake_at(true);
  auto again = b.send();
  CHECK(first_of(again) == numbers{1, 3});
  CHECK(previous_of(again) == numbers{0, 2});
  CHECK(again[0].frame.producer == producer_id{101});
}

TEST_CASE("a forgotten producer's batch that may be stored is of unknown outcome") {
  auto b = lane_bench{};
  b.push();
  b.receive(b.send().at(0));
  b.push();
  b.send();
  b.l.on_lost();
  auto again = b.send();
  b.refuse(again[0], errc::producer_unknown);
  CHECK(b.send().empty());
  CHECK(b.codes() == errors{errc::none, errc::outcome_unknown});
}

TEST_CASE("an answer of unknown outcome is followed by the same batch") {
  auto b = lane_bench{};
  b.push();
  auto sent = b.send();
  b.refuse(sent[0], errc::outcome_unknown);
  b.now = *b.l.wake_at(true);
  auto again = b.send();
  CHECK(first_of(again) == numbers{1});
  b.refuse(again[0], errc::topic_unknown); // Deleted since; the first copy may have been stored.
  CHECK(b.codes() == errors{errc::outcome_unknown});
}

TEST_CASE("what an error says about the bytes holds for every copy") {
  auto b = lane_bench{};
  b.push();
  b.send();
  b.l.on_lost();
  auto again = b.send();
  b.refuse(again[0], errc::message_too_large);
  CHECK(b.codes() == errors{errc::message_too_large});
  b.push();
  auto next = b.send();
  CHECK(previous_of(next) == numbers{0});
  CHECK(next[0].frame.producer == producer_id{1});
}

TEST_CASE("a node that says gap to everything is asked ever more slowly") {
  auto b = lane_bench{};
  b.push();
  auto asked = 0;
  while (b.codes().empty() && asked < 1'000) {
    for (auto& s : b.send()) {
      ++asked;
      b.refuse(s, errc::sequence_gap);
    }
    b.l.expire(b.now, b.out);
    if (auto at = b.l.wake_at(true)) b.now = std::max(b.now, *at);
  }
  CHECK(asked < 30);
  CHECK(b.codes() == errors{errc::timeout}); // Every copy was refused: surely not stored.
}

TEST_CASE("batches on their way that are refused together are one refusal, and rounds count") {
  auto b = lane_bench{};
  for (auto i = 0; i < 8; ++i) b.push();
  std::vector<std::int64_t> waits;
  for (auto round = 0; round < 3; ++round) {
    const auto sent = b.send();
    REQUIRE(sent.size() == 8);
    for (auto& s : sent) b.refuse(s, errc::too_many_requests, 1);
    REQUIRE(b.l.wake_at(true));
    waits.push_back(std::chrono::duration_cast<milliseconds>(*b.l.wake_at(true) - b.now).count());
    b.now = *b.l.wake_at(true);
  }
  CHECK(waits == std::vector<std::int64_t>{10, 20, 40});
}

TEST_CASE("answers for batches given up, or unknown, change nothing") {
  auto b = lane_bench{};
  b.push(1, milliseconds{100});
  auto sent = b.send();
  b.now += milliseconds{100};
  b.l.expire(b.now, b.out);
  b.receive(sent[0]);
  b.refuse(sent[0], errc::sequence_gap);
  CHECK(b.out.size() == 1);
  CHECK(b.l.in_flight() == 0);
}

TEST_CASE(
  "a node that asks to wait is waited for, in order, and quota_wait counts for no deadline") {
  auto b = lane_bench{milliseconds{7'000}};
  for (auto i = 0; i < 3; ++i) b.push(1, milliseconds{1'000});
  auto sent = b.send();
  b.receive(sent[0]);
  b.refuse(sent[1], errc::too_many_requests, 5'000);
  b.refuse(sent[2], errc::too_many_requests, 4'000);
  CHECK(b.l.wake_at(true) == start + milliseconds{5'000});
  b.now += milliseconds{4'999};
  b.push(1, milliseconds{100});
  b.l.expire(b.now, b.out);
  CHECK(b.send().empty());
  b.now += milliseconds{1};
  auto again = b.send();
  CHECK(first_of(again) == numbers{2, 3, 4});
  CHECK(previous_of(again) == numbers{1, 2, 3});
  CHECK(again[0].frame.producer == producer_id{1});
  // Over the quota once more.
  b.receive(again[0]);
  b.refuse(again[1], errc::too_many_requests, 2'000);
  b.refuse(again[2], errc::sequence_gap);
  b.now += milliseconds{2'000};
  b.l.expire(b.now, b.out);
  again = b.send();
  CHECK(first_of(again) == numbers{3, 4});
  b.receive(again[0]);
  b.receive(again[1]);
  CHECK(b.codes() == errors(4, errc::none));
}

TEST_CASE("a batch over a quota fails at its deadline, and tells why and for how long") {
  auto b = lane_bench{};
  b.push(1, milliseconds{3'000});
  b.push(1, milliseconds{3'000});
  auto sent = b.send();
  b.push(1, milliseconds{3'000}); // Never sent.
  b.l.on_error(sent[0].batch, {{errc::too_many_requests, "the produce quota of t"}, 60'000}, b.now,
               b.out);
  b.refuse(sent[1], errc::sequence_gap);
  CHECK(b.l.wake_at(true) == start + milliseconds{3'000});
  b.now += milliseconds{3'000};
  b.l.expire(b.now, b.out);
  CHECK(b.codes() == errors(3, errc::too_many_requests));
  for (const auto& each : b.out)
    CHECK(each.outcome.error().detail ==
          "the produce quota of t; it would take another 57 s at least");
}

TEST_CASE("of the time over a quota only quota_wait does not count") {
  auto b = lane_bench{milliseconds{2'000}};
  b.push(1, milliseconds{1'000});
  auto sent = b.send();
  b.refuse(sent[0], errc::too_many_requests, 1'500);
  CHECK(b.l.wake_at(true) == start + milliseconds{1'500});
  b.now += milliseconds{1'500};
  sent = b.send();
  REQUIRE(sent.size() == 1);
  b.refuse(sent[0], errc::too_many_requests, 60'000);
  CHECK(b.l.wake_at(true) == start + milliseconds{3'000});
  b.now += milliseconds{1'500};
  b.l.expire(b.now, b.out);
  CHECK(b.codes() == errors{errc::too_many_requests});
}

TEST_CASE("while a node only refuses, without asking to wait, deadlines come as ever") {
  auto b = lane_bench{};
  b.push(1, milliseconds{1'000});
  auto sent = b.send();
  b.refuse(sent[0], errc::storage_full, 5'000);
  b.now += milliseconds{1'000};
  b.l.expire(b.now, b.out);
  CHECK(b.codes() == errors{errc::storage_full});
}
