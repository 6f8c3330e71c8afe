#include "actors/client/lease_book.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::client;
using answer = lease_book::answer;

namespace {

constexpr auto q = queue_id{7};
constexpr auto me = member_id{3};
using ranges = std::vector<offset_range>;

offset_range from(std::uint64_t first, std::uint64_t count) { return {offset{first}, count}; }

frames::settle_failed failed(std::uint64_t at, bool dead = false) {
  return {q, offset{at}, dead, {}, "why"};
}

lease_book holding(std::uint64_t count) {
  auto book = lease_book{};
  CHECK(book.take(q, {from(0, count)}) == ranges{from(0, count)});
  return book;
}

} // namespace

TEST_CASE("acknowledgements in any order become ranges") {
  auto book = holding(10);
  for (auto at : {1u, 0u, 5u, 2u}) CHECK(book.ack(q, offset{at}) == answer::marked);
  CHECK(book.held() == 6);
  CHECK(book.gathered() == 4);
  auto settle = book.next_settle(me, false);
  REQUIRE(settle);
  CHECK(settle->member == me);
  CHECK(settle->done == std::vector<frames::queue_ranges>{{q, {from(0, 3), from(5, 1)}}});
  CHECK(settle->failed.empty());
  CHECK(book.gathered() == 0);
  CHECK(book.durable() == 0);
  book.settled();
  CHECK(book.durable() == 4);
  CHECK_FALSE(book.next_settle(me, false));
}

TEST_CASE("only what was ever lent is acknowledged; a late acknowledgement counts") {
  auto book = holding(4);
  CHECK(book.ack(q, offset{4}) == answer::foreign);
  CHECK(book.ack(queue_id{9}, offset{0}) == answer::foreign);
  CHECK(book.ack(q, offset{3}) == answer::marked);
  CHECK(book.ack(q, offset{3}) == answer::repeated);
  static_cast<void>(book.present());
  CHECK(book.lose({{q, {from(0, 1), from(3, 1)}}}).size() == 1);
  CHECK_FALSE(book.fail(failed(0)));
  CHECK(book.ack(q, offset{0}) == answer::marked);
  // What is done is told, whoever has it.
  CHECK(book.next_settle(me, false)->done.at(0).ranges == ranges{from(0, 1), from(3, 1)});
  CHECK(book.ack(q, offset{3}) == answer::repeated);
}

TEST_CASE("a message that failed may still be acknowledged, one that is done cannot fail") {
  auto book = holding(2);
  CHECK(book.fail(failed(0)));
  CHECK_FALSE(book.fail(failed(0)));
  CHECK(book.ack(q, offset{0}) == answer::marked);
  CHECK_FALSE(book.fail(failed(0)));
  auto settle = book.next_settle(me, false);
  CHECK(settle->failed.empty());
  CHECK(settle->done.at(0).ranges == ranges{from(0, 1)});
}

TEST_CASE("what is not answered is gathered again, with what came since") {
  auto book = holding(10);
  book.ack(q, offset{0});
  book.fail(failed(1));
  REQUIRE(book.next_settle(me, false));
  book.ack(q, offset{2});
  book.gather_again();
  auto settle = book.next_settle(me, false);
  CHECK(settle->done.at(0).ranges == ranges{from(0, 1), from(2, 1)});
  CHECK(settle->failed == std::vector{failed(1)});
  book.settled();
  CHECK(book.durable() == book.marked());
}

TEST_CASE("what is lent anew is handed out again only if it was dealt with") {
  auto book = holding(10);
  book.ack(q, offset{0});
  book.fail(failed(1));
  REQUIRE(book.next_settle(me, false));
  book.ack(q, offset{2});
  book.fail(failed(3, true));
  book.fail(failed(4));
  // 0 and 2 are done, 3 is about to be rejected, 5 is held: no news. 1 and 4 failed before.
  CHECK(book.take(q, {from(0, 6)}) == ranges{from(1, 1), from(4, 1)});
  book.gather_again();
  auto settle = book.next_settle(me, false);
  CHECK(settle->failed == std::vector{failed(3, true)});
  book.settled();
  CHECK(book.held() == 7);
  CHECK(book.durable() == book.marked());
}

TEST_CASE("what is presented is all that is not settled, and what comes meanwhile is not lost") {
  auto book = holding(8);
  book.ack(q, offset{0});
  book.fail(failed(1));
  REQUIRE(book.next_settle(me, false));
  book.settled();
  book.ack(q, offset{2});
  book.fail(failed(3, true));
  CHECK(book.present() == std::vector<frames::queue_ranges>{{q, {from(2, 6)}}});
  CHECK(book.take(q, {from(4, 1), from(8, 1)}) == ranges{from(8, 1)});
  auto gone = book.lose({{q, {from(2, 4), from(8, 1)}}});
  CHECK(gone == std::vector<frames::queue_ranges>{{q, {from(2, 2), from(5, 1)}}});
  CHECK(book.held() == 4); // 4, 6, 7, 8
  auto settle = book.next_settle(me, false);
  CHECK(settle->failed.empty());
  CHECK(settle->done.at(0).ranges == ranges{from(2, 1)});
}

TEST_CASE("a settle has limits; what does not fit goes with the next") {
  auto book = holding(100'000);
  for (auto at = 0u; at < 100'000; at += 2) book.ack(q, offset{at});
  for (auto at = 1u; at < 2'000; at += 2) book.fail(failed(at));
  auto settles = 0;
  auto done = std::size_t{0};
  auto fails = std::size_t{0};
  while (auto settle = book.next_settle(me, false)) {
    ++settles;
    auto here = settle->done.empty() ? 0 : settle->done.at(0).ranges.size();
    CHECK(here <= lease_book::ranges_max);
    CHECK(settle->failed.size() <= lease_book::failed_max);
    done += here;
    fails += settle->failed.size();
    CHECK(book.durable() == 0); // Until the last is answered.
    book.settled();
  }
  CHECK(done == 50'000);
  CHECK(fails == 1'000);
  CHECK(settles == 4);
  CHECK(book.durable() == book.marked());
}

TEST_CASE("what the node objects to is found queue by queue") {
  auto book = lease_book{};
  for (auto id : {1u, 2u, 3u}) {
    book.take(queue_id{id}, {from(0, 5)});
    book.ack(queue_id{id}, offset{id});
  }
  auto settle = book.next_settle(me, true);
  REQUIRE(settle->done.size() == 1);
  CHECK(settle->done[0].queue == queue_id{1});
  book.drop_under_way();
  CHECK(book.next_settle(me, false)->done.size() == 2);
}

TEST_CASE("giving back takes everything that is held") {
  auto book = holding(10);
  book.ack(q, offset{4});
  book.give_back();
  CHECK(book.held() == 0);
  auto settle = book.next_settle(me, false);
  CHECK(settle->done.at(0).ranges == ranges{from(4, 1)});
  CHECK(settle->returned == std::vector<frames::queue_ranges>{{q, {from(0, 4), from(5, 5)}}});
  CHECK(book.durable() < book.marked());
  book.settled();
  CHECK(book.durable() == book.marked());
}
