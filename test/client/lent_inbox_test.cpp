#include "actors/client/lent_inbox.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace carafe;
using namespace carafe::client;

namespace {

constexpr auto q = queue_id{5};
using ranges = std::vector<offset_range>;
using numbers = std::vector<std::uint64_t>;

offset_range from(std::uint64_t first, std::uint64_t count) { return {offset{first}, count}; }

frames::leased batch(const ranges& which, std::size_t bytes = 10) {
  auto builder = batch_builder{};
  for (auto& range : which) {
    for (auto at = range.first; at < range.end(); at = at + 1) {
      auto body = std::to_string(at.value);
      body.resize(std::max(bytes, body.size()), '.');
      auto m = message_view{};
      m.body = body;
      REQUIRE(builder.add(m).ok());
    }
  }
  auto encoded = builder.finish(codec::none);
  REQUIRE(encoded.ok());
  auto frame = frames::leased{};
  frame.topic = "t";
  frame.number = queue_number{3};
  frame.queue = q;
  frame.ranges = which;
  frame.attempt = 2;
  frame.producer = producer_id{9};
  frame.first = sequence{100};
  frame.base = offset{10};
  frame.checksum = encoded->checksum;
  frame.batch = encoded->bytes;
  return frame;
}

numbers offsets(const std::vector<delivery>& messages) {
  auto all = numbers{};
  for (auto& d : messages) {
    CHECK(std::stoull(d.body) == d.offset.value);
    CHECK(d.id == message_id{producer_id{9}, sequence{90 + d.offset.value}});
    all.push_back(d.offset.value);
  }
  return all;
}

} // namespace

TEST_CASE("lent messages come out in as many pieces as asked for, with their offsets") {
  auto inbox = lent_inbox{1'000};
  inbox.take_in(batch({from(11, 2), from(20, 3)}), {from(11, 2), from(20, 3)});
  auto out = std::vector<delivery>{};
  CHECK_FALSE(*inbox.hand_out(3, out));
  CHECK(*inbox.hand_out(3, out));
  CHECK(offsets(out) == numbers{11, 12, 20, 21, 22});
  CHECK(out[0].topic == "t");
  CHECK(out[0].number == queue_number{3});
  CHECK(out[0].queue == q);
  CHECK(out[0].attempt == 2);
  CHECK_FALSE(inbox.has_more());
}

TEST_CASE("of a batch that has others, too, the lent ones come out") {
  auto inbox = lent_inbox{1'000};
  auto whole = batch({from(10, 8)});
  whole.batch_count = 8;
  whole.ranges = {from(11, 2), from(15, 2)};
  inbox.take_in(std::move(whole), {from(11, 2), from(15, 2)});
  inbox.drop(q, {from(15, 1)});
  auto out = std::vector<delivery>{};
  CHECK_FALSE(*inbox.hand_out(1, out));
  CHECK(*inbox.hand_out(9, out));
  CHECK(offsets(out) == numbers{11, 12, 16});
  whole = batch({from(10, 8)});
  whole.batch_count = 7; // Not what it has.
  whole.ranges = {from(11, 2)};
  inbox.take_in(std::move(whole), {from(11, 2)});
  CHECK(inbox.hand_out(9, out).code() == errc::batch_malformed);
  CHECK(inbox.drop_first().ranges == ranges{from(11, 2)});
}

TEST_CASE("what is no news, and what is dropped later, does not come out") {
  auto inbox = lent_inbox{1'000};
  inbox.take_in(batch({from(10, 6)}), {from(11, 1), from(13, 3)});
  inbox.take_in(batch({from(30, 4)}), {from(30, 4)});
  auto out = std::vector<delivery>{};
  CHECK_FALSE(*inbox.hand_out(1, out));
  inbox.drop(q, {from(14, 1), from(30, 3)});
  inbox.drop(queue_id{6}, {from(13, 1)});
  CHECK(*inbox.hand_out(9, out));
  CHECK(*inbox.hand_out(9, out));
  CHECK(offsets(out) == numbers{11, 13, 15, 33});
}

TEST_CASE("credit is given back in portions, and what is here takes part of the next") {
  auto one = batch({from(10, 1)}, 2'000);
  auto bytes = static_cast<std::uint32_t>(one.batch.size());
  auto inbox = lent_inbox{4 * bytes};
  CHECK(inbox.begin_credit() == 4 * bytes);
  for (auto at : {10u, 11u, 12u}) inbox.take_in(batch({from(at, 1)}, 2'000), {from(at, 1)});
  auto out = std::vector<delivery>{};
  CHECK(*inbox.hand_out(9, out));
  CHECK(inbox.take_credit() == 0);
  inbox.take_in(batch({from(10, 1)}, 2'000), {}); // Not wanted.
  CHECK(inbox.take_credit() == 2 * bytes);
  CHECK(*inbox.hand_out(9, out));
  CHECK(inbox.begin_credit() == 3 * bytes);
  CHECK(*inbox.hand_out(9, out)); // Only this one counts on the new connection.
  CHECK(inbox.take_credit() == 0);
  for (auto at : {20u, 21u, 22u, 23u, 24u})
    inbox.take_in(batch({from(at, 1)}, 2'000), {from(at, 1)});
  CHECK(inbox.begin_credit() == 1);
  inbox.clear();
  CHECK_FALSE(inbox.has_more());
}

TEST_CASE("a damaged batch can be dropped") {
  auto inbox = lent_inbox{1'000};
  auto broken = batch({from(10, 2)});
  broken.checksum ^= 1;
  inbox.take_in(std::move(broken), {from(10, 2)});
  auto short_one = batch({from(12, 2)});
  short_one.ranges = {from(12, 3)};
  inbox.take_in(std::move(short_one), {from(12, 3)});
  auto out = std::vector<delivery>{};
  CHECK(inbox.hand_out(9, out).code() == errc::checksum_mismatch);
  CHECK(inbox.drop_first().ranges == ranges{from(10, 2)});
  CHECK(inbox.hand_out(9, out).code() == errc::batch_malformed);
  CHECK(inbox.drop_first().ranges == ranges{from(12, 3)});
  CHECK_FALSE(inbox.has_more());
  CHECK(out.empty());
}
