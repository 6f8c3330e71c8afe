#include "actors/client/request_book.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace carafe;
using namespace carafe::client;
using namespace std::chrono_literals;

namespace {

time_point at(int ms) { return time_point{} + std::chrono::milliseconds{ms}; }

std::string must_open(request_book& book, time_point deadline, request_book::callback done = {}) {
  auto id = book.open(deadline, std::move(done));
  REQUIRE(id.ok());
  return *id;
}

} // namespace

TEST_CASE("an answer finds who asked, once") {
  auto book = request_book{0x2a, 10};
  auto heard = std::vector<int>{};
  const auto first = must_open(book, at(10), [&](auto&) { heard.push_back(1); });
  const auto second = must_open(book, at(10), [&](auto&) { heard.push_back(2); });
  CHECK(first == "000000000000002a-1");
  CHECK(second == "000000000000002a-2");
  auto done = book.answered(second);
  REQUIRE(done);
  (*done)(delivery{});
  CHECK(heard == std::vector{2});
  CHECK_FALSE(book.answered(second));
  CHECK(book.late() == 1);
  CHECK(book.in_flight() == 1);
  CHECK(book.close(first));
  CHECK_FALSE(book.close(first));
  CHECK(book.late() == 1);
}

TEST_CASE("answers that are nobody's here are not late") {
  auto book = request_book{0x2a, 10};
  must_open(book, at(10));
  for (auto id :
       {"", "1", "000000000000002a-", "000000000000002a-0", "000000000000002a-2",
        "000000000000002a-1x", "000000000000002b-1", "000000000000002a-18446744073709551616"})
    CHECK_FALSE(book.answered(id));
  CHECK(book.late() == 0);
  CHECK(book.in_flight() == 1);
}

TEST_CASE("what is not answered in time is told so, by what is known of it") {
  auto book = request_book{1, 10};
  const auto stored = must_open(book, at(20));
  must_open(book, at(10));
  must_open(book, at(30));
  book.stored(stored);
  CHECK(book.next_deadline() == at(10));
  CHECK(book.expire(at(9)).empty());
  auto over = book.expire(at(20));
  REQUIRE(over.size() == 2);
  CHECK(over[0].why.code == errc::outcome_unknown);
  CHECK(over[1].why.code == errc::timeout);
  CHECK(book.next_deadline() == at(30));
  CHECK_FALSE(book.answered(stored));
  CHECK(book.late() == 1);
  CHECK(book.fail_all({errc::disconnected, "x"}).at(0).why == failure{errc::disconnected, "x"});
  CHECK_FALSE(book.next_deadline());
}

TEST_CASE("no more than so many requests wait") {
  auto book = request_book{1, 2};
  const auto first = must_open(book, at(1));
  must_open(book, at(1));
  CHECK(book.open(at(1), {}).code() == errc::too_many_requests);
  CHECK(book.answered(first));
  CHECK(book.open(at(1), {}).ok());
}

TEST_CASE("every request is told exactly one end") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto random = std::mt19937{seed};
  auto book = request_book{seed, 50};
  auto ends = std::vector<int>{};
  auto ids = std::vector<std::string>{};
  auto now = 0;
  auto tell = [](std::vector<request_book::failed>&& all) {
    for (auto& each : all) each.done(each.why);
  };
  for (auto step = 0; step < 5'000; ++step) {
    switch (random() % 4) {
    case 0:
    case 1: {
      const auto number = ends.size();
      auto id = book.open(at(now + static_cast<int>(random() % 40)),
                          [&ends, number](auto&) { ++ends[number]; });
      if (!id) break;
      ids.push_back(*id);
      ends.push_back(0);
      break;
    }
    case 2:
      if (ids.empty()) break;
      if (auto done = book.answered(ids[random() % ids.size()])) (*done)(delivery{});
      break;
    default:
      now += static_cast<int>(random() % 5);
      tell(book.expire(at(now)));
      CHECK((!book.next_deadline() || *book.next_deadline() > at(now)));
    }
    auto open = std::size_t{0};
    for (auto n : ends) open += n == 0;
    REQUIRE(book.in_flight() == open);
  }
  tell(book.fail_all(errc::disconnected));
  for (auto n : ends) REQUIRE(n == 1);
}
