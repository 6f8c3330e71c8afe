#include "test/e2e/history.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace carafe::test {
namespace {

constexpr queue_number q0{0};
constexpr queue_number q1{1};
constexpr reader alone{reader::kind::alone, 1};
constexpr reader group{reader::kind::group, 2};

event sent(std::uint32_t producer, std::uint64_t number, std::optional<queue_number> to = {}) {
  return events::sent{{producer, number}, to};
}
event acked(std::uint32_t producer, std::uint64_t number, queue_number queue, std::uint64_t at) {
  return events::acknowledged{{producer, number}, queue, offset{at}};
}
event refused(std::uint32_t producer, std::uint64_t number) {
  return events::refused{{producer, number}};
}
event got(reader who, std::uint32_t producer, std::uint64_t number, queue_number queue,
          std::uint64_t at) {
  return events::delivered{{producer, number}, queue, offset{at}, who};
}

std::string rule_broken_by(const std::vector<event>& history) {
  const auto v = find_violation(history);
  return v ? v->rule : "";
}

} // namespace

TEST_CASE("a history without a fault has no violation") {
  CHECK(rule_broken_by({}).empty());
  CHECK(rule_broken_by({sent(1, 1, q0), sent(2, 1), sent(1, 2, q1), acked(1, 1, q0, 0),
                        got(alone, 1, 1, q0, 0), acked(2, 1, q0, 1), got(alone, 2, 1, q0, 1),
                        got(alone, 1, 2, q1, 0)})
          .empty());
}

TEST_CASE("a message that was never acknowledged may be stored or not") {
  CHECK(rule_broken_by({sent(1, 1)}).empty());
  CHECK(rule_broken_by({sent(1, 1), got(alone, 1, 1, q0, 0)}).empty());
}

TEST_CASE("an acknowledged message that nobody gets is lost") {
  CHECK(rule_broken_by({sent(1, 1), acked(1, 1, q0, 0)}) ==
        "1:1 was acknowledged at queue 0, offset 0 and is lost");
}

TEST_CASE("a message that is stored twice is a duplicate") {
  CHECK(rule_broken_by({sent(1, 1), got(alone, 1, 1, q0, 0), got(alone, 1, 1, q0, 1)}) ==
        "1:1 is at queue 0, offset 0 and at queue 0, offset 1");
  CHECK(rule_broken_by({sent(1, 1), acked(1, 1, q0, 0), got(alone, 1, 1, q1, 0)}) ==
        "1:1 is at queue 0, offset 0 and at queue 1, offset 0");
}

TEST_CASE("an offset has one message") {
  CHECK(rule_broken_by({sent(1, 1), sent(2, 1), acked(1, 1, q0, 0), got(alone, 2, 1, q0, 0)}) ==
        "queue 0, offset 0 holds both 1:1 and 2:1");
}

TEST_CASE("offsets are dense from 0") {
  CHECK(rule_broken_by({sent(1, 1), acked(1, 1, q0, 1)}) ==
        "nothing is at queue 0, offset 0, but something at queue 0, offset 1");
  CHECK(rule_broken_by({sent(1, 1), sent(1, 2), got(group, 1, 1, q0, 0), acked(1, 2, q0, 2)}) ==
        "nothing is at queue 0, offset 1, but something at queue 0, offset 2");
}

TEST_CASE("messages of one producer keep their order in a queue") {
  CHECK(rule_broken_by({sent(1, 1), sent(1, 2), got(alone, 1, 2, q0, 0),
                        got(alone, 1, 1, q0, 1)}) == "1:1 is at queue 0, offset 1, after 1:2");
  CHECK(rule_broken_by({sent(1, 1), sent(1, 2), got(alone, 1, 2, q0, 0), got(alone, 1, 1, q1, 0)})
          .empty());
}

TEST_CASE("who reads alone gets every offset once and in turn") {
  const std::vector<event> two{sent(1, 1), sent(1, 2), got(alone, 1, 1, q0, 0),
                               got(alone, 1, 2, q0, 1)};
  auto again = two;
  again.push_back(got(alone, 1, 1, q0, 0));
  CHECK(rule_broken_by(again) == "reader 1 got offset 0 of queue 0 where 2 was its turn");
  auto other = two;
  other.push_back(got({reader::kind::alone, 9}, 1, 1, q0, 0));
  CHECK(rule_broken_by(other).empty());
  other.push_back(got({reader::kind::alone, 8}, 1, 2, q0, 1));
  CHECK(rule_broken_by(other) == "reader 8 got offset 1 of queue 0 where 0 was its turn");
}

TEST_CASE("a group may repeat but never skip") {
  std::vector<event> history{sent(1, 1),
                             sent(1, 2),
                             sent(1, 3),
                             got(group, 1, 1, q0, 0),
                             got(group, 1, 2, q0, 1),
                             got(group, 1, 1, q0, 0),
                             got(group, 1, 2, q0, 1),
                             got(group, 1, 3, q0, 2)};
  CHECK(rule_broken_by(history).empty());
  history.erase(history.begin() + 4);
  history.erase(history.begin() + 5);
  CHECK(rule_broken_by(history) == "group 2 got offset 2 of queue 0 where 1 was its turn");
}

TEST_CASE("what was never sent, or refused, must not come") {
  CHECK(rule_broken_by({got(alone, 1, 1, q0, 0)}) == "1:1 was delivered and never sent");
  CHECK(rule_broken_by({acked(1, 1, q0, 0)}) == "1:1 was acknowledged and never sent");
  CHECK(rule_broken_by({sent(1, 1), refused(1, 1), got(alone, 1, 1, q0, 0)}) ==
        "1:1 was refused and then delivered");
  CHECK(rule_broken_by({sent(1, 1), acked(1, 1, q0, 0), refused(1, 1)}) ==
        "1:1 was stored and then refused");
  CHECK(rule_broken_by({sent(1, 1), acked(1, 1, q0, 0), acked(1, 1, q0, 0)}) ==
        "1:1 was acknowledged twice");
}

TEST_CASE("a message goes to the queue it was sent to") {
  CHECK(rule_broken_by({sent(1, 1, q0), acked(1, 1, q1, 0)}) ==
        "1:1 was sent to queue 0 and is at queue 1, offset 0");
}

TEST_CASE("a violation is shown among the events of its queue") {
  const std::vector<event> history{sent(1, 1), sent(2, 1, q1), got(alone, 1, 1, q0, 0),
                                   got(alone, 1, 1, q0, 1), got(alone, 2, 1, q1, 0)};
  const auto v = find_violation(history);
  REQUIRE(v);
  CHECK(describe(*v, history) == "1:1 is at queue 0, offset 0 and at queue 0, offset 1\n"
                                 "5 events, of these:\n"
                                 "  #2 delivered 1:1 from queue 0, offset 0, to reader 1\n"
                                 "> #3 delivered 1:1 from queue 0, offset 1, to reader 1\n");
}

} // namespace carafe::test
