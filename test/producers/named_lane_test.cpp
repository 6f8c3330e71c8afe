#include "actors/client/lane.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::client;
using std::chrono::milliseconds;

namespace {

const auto start = time_point{} + std::chrono::hours{1};

/// A named producer's lane. Batches carry their number as checksum.
struct named_bench {
  std::uint64_t fresh = 100;
  lane l{queue_id{7}, std::make_shared<identity>(identity{producer_id{1}}),
         [this] { return producer_id{++fresh}; }, named_part{producer_name_id{9}, 3, {}, {}, 4}};
  std::vector<lane::settled> out;
  time_point now = start;
  std::uint32_t made = 0;

  void push(milliseconds patience = milliseconds{10'000}) {
    auto b = sealed_batch{};
    b.data.count = 2;
    b.data.checksum = ++made;
    b.named_first = sequence{std::uint64_t{made} * 10};
    b.named_last = sequence{std::uint64_t{made} * 10 + 5};
    b.deadline = now + patience;
    l.push(std::move(b));
  }
  std::vector<lane::sending> send() {
    auto all = std::vector<lane::sending>{};
    while (auto next = l.next(now, out)) all.push_back(std::move(*next));
    return all;
  }
  std::vector<errc> codes() {
    auto all = std::vector<errc>{};
    for (auto& each : out) all.push_back(each.outcome.code());
    return all;
  }
};

/// A batch of messages with these bodies, each of whom somebody waits for.
sealed_batch batch_of(const std::vector<std::string>& bodies, std::vector<std::string>& told) {
  auto builder = batch_builder{};
  auto b = sealed_batch{};
  for (const auto& body : bodies) {
    auto view = message_view{};
    view.body = body;
    view.dedup_id = body;
    REQUIRE(builder.add(view));
    b.completions.push_back([body, &told](const result<receipt>& r) {
      told.push_back(body + (r ? (r->duplicate ? " duplicate" : " stored") : " failed"));
    });
  }
  b.data = *builder.finish(codec::lz4);
  b.deadline = start + milliseconds{10'000};
  b.bytes = 100;
  return b;
}

} // namespace

TEST_CASE("Frames of a named producer say whose they are and which numbers they have") {
  named_bench bench;
  bench.push();
  const auto sent = bench.send();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].frame.named == named_part{producer_name_id{9}, 3, sequence{10}, sequence{15}, 4});
}

TEST_CASE("Behind a batch of a named producer that failed everything fails") {
  named_bench bench;
  for (int i = 0; i < 4; ++i) bench.push();
  const auto sent = bench.send();
  REQUIRE(sent.size() == 4);
  bench.l.on_error(sent[1].batch, {errc::batch_too_large, 0}, bench.now, bench.out);
  // What was on its way may be stored: nobody knows yet.
  CHECK(bench.codes() ==
        std::vector{errc::batch_too_large, errc::outcome_unknown, errc::outcome_unknown});
  bench.push();
  CHECK(bench.send().empty());
  CHECK(bench.codes().back() == errc::disconnected);
  auto receipt = frames::receipt{};
  receipt.count = 2;
  bench.l.on_receipt(sent[0].batch, receipt, bench.out);
  CHECK(bench.codes().back() == errc::none);
  CHECK(bench.l.empty());
}

TEST_CASE("A named producer's batch whose time is over takes those behind it along") {
  named_bench bench;
  bench.push(milliseconds{100});
  const auto sent = bench.send();
  REQUIRE(sent.size() == 1);
  bench.l.on_lost();
  bench.push();
  bench.now += milliseconds{200};
  CHECK(bench.l.wake_at(false) <= bench.now);
  bench.l.expire(bench.now, bench.out);
  CHECK(bench.codes() == std::vector{errc::outcome_unknown, errc::disconnected});
  CHECK(bench.l.empty());
}

TEST_CASE("A named producer that was fenced sends nothing more") {
  named_bench bench;
  bench.push();
  auto sent = bench.send();
  bench.l.on_error(sent[0].batch, {errc::producer_fenced, 0}, bench.now, bench.out);
  CHECK(bench.codes() == std::vector{errc::producer_fenced});
  bench.push();
  CHECK(bench.l.wake_at(true) == time_point{});
  CHECK(bench.send().empty());
  CHECK(bench.codes().back() == errc::disconnected);
}

TEST_CASE("A batch goes again without the messages that were stored before") {
  std::vector<std::string> told;
  lane l{queue_id{7}, std::make_shared<identity>(identity{producer_id{1}}),
         [] { return producer_id{2}; }};
  std::vector<lane::settled> out;
  l.push(batch_of({"a", "b", "c", "d"}, told));
  auto sent = l.next(start, out);
  REQUIRE(sent);
  l.on_duplicates(sent->batch, {{{1, offset{70}, false}, {3, offset{3}, true}}}, out);
  REQUIRE(out.size() == 2);
  CHECK(out[0].outcome->first == offset{70});
  CHECK(out[0].outcome->duplicate);
  CHECK(out[1].outcome->timed);
  const auto again = l.next(start, out);
  REQUIRE(again);
  CHECK(again->frame.first == sent->frame.first);
  CHECK(again->frame.count == 2);
  CHECK(again->frame.checksum == crc32c(again->frame.batch.span()));
  auto rest = batch_reader::open(again->frame.batch, again->frame.compression, {});
  REQUIRE(rest);
  CHECK(rest->message(0).body == "a");
  CHECK(rest->message(1).body == "c");
  CHECK(rest->message(1).dedup_id == "c");
  auto receipt = frames::receipt{};
  receipt.count = 2;
  l.on_receipt(again->batch, receipt, out);
  REQUIRE(out.size() == 3);
  CHECK(out[2].batch.completions.size() == 2);
  CHECK(out[2].batch.bytes == 100);
  CHECK(l.empty());
}

TEST_CASE("Of a batch that was stored before nothing goes again") {
  std::vector<std::string> told;
  lane l{queue_id{7}, std::make_shared<identity>(identity{producer_id{1}}),
         [] { return producer_id{2}; }};
  std::vector<lane::settled> out;
  l.push(batch_of({"a", "b"}, told));
  l.push(batch_of({"c"}, told));
  auto first = l.next(start, out);
  auto second = l.next(start, out);
  REQUIRE(first);
  REQUIRE(second);
  l.on_duplicates(first->batch, {{{0, offset{5}, false}, {1, offset{6}, false}}}, out);
  CHECK(out.size() == 2);
  CHECK(out[0].batch.bytes + out[1].batch.bytes == 100);
  // The one behind was linked to it, and is refused and linked anew.
  l.on_error(second->batch, {errc::sequence_gap, 0}, start, out);
  const auto again = l.next(start, out);
  REQUIRE(again);
  CHECK(again->frame.previous == sequence{0});
  CHECK(again->frame.first == second->frame.first);
}

TEST_CASE("An answer that names messages which there are not fails the batch") {
  std::vector<std::string> told;
  lane l{queue_id{7}, std::make_shared<identity>(identity{producer_id{1}}),
         [] { return producer_id{2}; }};
  std::vector<lane::settled> out;
  l.push(batch_of({"a"}, told));
  auto sent = l.next(start, out);
  REQUIRE(sent);
  l.on_duplicates(sent->batch, {{{7, offset{5}, false}}}, out);
  REQUIRE(out.size() == 1);
  CHECK(out[0].outcome.code() == errc::internal);
}
