#include "actors/core/send_budget.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr subscription_id first{1};
constexpr subscription_id second{2};
constexpr send_limits small{
  .standing_max = 800, .standing_each = 400, .lent_max = 1'000, .unsent_max = 100};

std::uint64_t granted(const send_budget::grants& grants, subscription_id to) {
  std::uint64_t sum = 0;
  for (const auto& [id, bytes] : grants)
    if (id == to) sum += bytes;
  return sum;
}

/// Queues that always have a batch to send, and a client that takes it.
class simulated_connection {
public:
  explicit simulated_connection(dice& d) : dice_(&d) {
    const auto count = d.between(1, 40);
    for (std::uint64_t i = 1; i <= count; ++i) {
      const subscription_id id{i};
      budget_.add(id, 0);
      readers_[id].next = next_size();
      take(budget_.reading(id));
      give(id, d.between(1, 2'000));
    }
  }

  void step() {
    auto& [id, reader] = dice_->pick(readers_);
    if (dice_->percent(5)) budget_.limit(dice_->below(1'000));
    const auto roll = dice_->below(10);
    if (roll < 7) return send(id, reader);
    if (roll < 8) return give(id, dice_->between(1, 3'000));
    if (roll < 9) {
      const auto others = budget_.stopped(id);
      reader = {.credit = reader.credit, .delivered = reader.delivered, .next = next_size()};
      take(others);
      return take(budget_.reading(id));
    }
    unsent_ = dice_->percent(50) ? 0 : dice_->below(200);
    take(budget_.unsent(unsent_));
  }

  /// Everybody with credit is sent something once all is taken, without anybody asking again.
  void check_progress() {
    take(budget_.unsent(0));
    std::map<subscription_id, std::uint64_t> before;
    for (const auto& [id, reader] : readers_)
      if (reader.credit > 0) before[id] = reader.delivered;
    // Large ones go one after another.
    for (std::size_t round = 0; round < 3 * readers_.size(); ++round)
      for (auto& [id, reader] : readers_)
        if (before.contains(id) && reader.delivered == before[id]) send(id, reader);
    for (const auto& [id, delivered] : before) REQUIRE(readers_.at(id).delivered > delivered);
  }

private:
  struct reader_model {
    std::int64_t credit = 0;
    std::uint64_t demand = 0;
    std::uint64_t delivered = 0;
    std::uint64_t next = 0;
    /// It has said what it wants; nothing makes it say so again.
    bool asked = false;
  };

  void give(subscription_id id, std::uint64_t bytes) {
    readers_.at(id).credit += static_cast<std::int64_t>(bytes);
    take(budget_.credit(id, bytes));
  }

  std::uint64_t next_size() { return dice_->percent(5) ? 1'500 : dice_->between(1, 600); }

  void take(const send_budget::grants& grants) {
    for (const auto& [id, bytes] : grants) {
      REQUIRE(bytes > 0);
      readers_.at(id).demand += bytes;
      readers_.at(id).asked = false;
    }
    std::uint64_t sum = 0;
    std::size_t large = 0;
    for (const auto& [id, reader] : readers_) {
      sum += reader.demand;
      large += reader.demand >= 1'500 ? 1 : 0;
    }
    REQUIRE(sum == budget_.under_way());
    REQUIRE(large <= 1);
    REQUIRE(sum <= small.standing_max + std::max<std::uint64_t>(small.lent_max, 1'500));
  }

  void send(subscription_id id, reader_model& reader) {
    if (reader.demand < reader.next) {
      if (std::exchange(reader.asked, true)) return;
      const auto returned = std::exchange(reader.demand, 0);
      return take(budget_.wants(id, reader.next, returned));
    }
    reader.demand -= reader.next;
    reader.delivered += reader.next;
    // Of some batches nothing, or only a part, is for the client.
    const auto sent = dice_->percent(30) ? dice_->below(reader.next + 1) : reader.next;
    reader.credit -= static_cast<std::int64_t>(sent);
    const auto bytes = std::exchange(reader.next, next_size());
    take(budget_.delivered(id, bytes, sent));
  }

  dice* dice_;
  send_budget budget_{small};
  std::map<subscription_id, reader_model> readers_;
  std::uint64_t unsent_ = 0;
};

} // namespace

TEST_CASE("Credit is passed on at once, up to a subscription's part") {
  send_budget budget{small};
  budget.add(first, 150);
  CHECK(granted(budget.reading(first), first) == 150);
  CHECK(granted(budget.credit(first, 10'000), first) == 250);
  CHECK(budget.under_way() == 400);
}

TEST_CASE("What the client was not sent costs it no credit") {
  send_budget budget{small};
  budget.add(first, 400);
  CHECK(granted(budget.reading(first), first) == 400);
  for (int i = 0; i < 100; ++i) CHECK(granted(budget.delivered(first, 400, 0), first) == 400);
  CHECK(granted(budget.delivered(first, 400, 150), first) == 250);
  CHECK(budget.under_way() == 250);
}

TEST_CASE("What is granted ahead of need is shared among the subscriptions") {
  send_budget budget{small};
  for (std::uint64_t i = 1; i <= 100; ++i) {
    budget.add(subscription_id{i}, 10'000);
    static_cast<void>(budget.reading(subscription_id{i}));
  }
  CHECK(budget.under_way() <= small.standing_max);
}

TEST_CASE("A lower limit takes nothing back, and grants no more until what is under way is below") {
  send_budget budget{small};
  budget.add(first, 10'000);
  budget.add(second, 10'000);
  CHECK(granted(budget.reading(first), first) == 400);
  budget.limit(300);
  CHECK(budget.reading(second).empty());
  CHECK(budget.delivered(first, 100).empty());
  CHECK(budget.under_way() == 300);
  // One batch at a time goes out whatever the limit.
  CHECK(granted(budget.wants(second, 500, 0), second) == 500);
  CHECK(budget.wants(first, 500, 300).empty());
  CHECK(granted(budget.delivered(second, 500), first) == 500);
  budget.limit(1'000'000);
  CHECK(granted(budget.delivered(first, 500), first) == 400);
}

TEST_CASE("What was withheld is granted when all is taken, also if the limit rose meanwhile") {
  send_budget budget{small};
  budget.add(first, 10'000);
  CHECK(granted(budget.reading(first), first) == 400);
  budget.limit(80);
  CHECK(budget.unsent(50).empty());
  CHECK(budget.wants(first, 300, 400).empty());
  // Other connections have left; this one's next event is that its client takes.
  budget.limit(1'000'000);
  CHECK(granted(budget.unsent(0), first) == 300);
}

TEST_CASE("A batch larger than what was granted is lent for, one after another") {
  send_budget budget{small};
  for (const auto id : {first, second}) {
    budget.add(id, 100'000);
    CHECK(granted(budget.reading(id), id) == 400);
  }
  CHECK(granted(budget.wants(first, 700, 400), first) == 700);
  CHECK(budget.wants(second, 700, 400).empty());
  const auto grants = budget.delivered(first, 700);
  CHECK(granted(grants, first) == 400);
  CHECK(granted(grants, second) == 700);
}

TEST_CASE("What was lent and comes back by an end goes to who waits") {
  send_budget budget{small};
  for (const auto id : {first, second}) {
    budget.add(id, 100'000);
    static_cast<void>(budget.reading(id));
  }
  CHECK(granted(budget.wants(first, 700, 400), first) == 700);
  CHECK(budget.wants(second, 700, 400).empty());
  SECTION("unsubscribed") { CHECK(granted(budget.remove(first), second) == 700); }
  SECTION("moved") { CHECK(granted(budget.stopped(first), second) == 700); }
}

TEST_CASE("A batch larger than everything is sent alone") {
  send_budget budget{small};
  budget.add(first, 1);
  CHECK(granted(budget.reading(first), first) == 1);
  CHECK(granted(budget.wants(first, 5'000, 1), first) == 5'000);
}

TEST_CASE("While a grant is under way, a question is not answered with another such grant") {
  send_budget budget{small};
  budget.add(first, 10);
  CHECK(granted(budget.reading(first), first) == 10);
  CHECK(granted(budget.credit(first, 10), first) == 10);
  // The queue has got the first of the two.
  CHECK(budget.wants(first, 300, 10).empty());
  CHECK(granted(budget.wants(first, 300, 10), first) == 300);
}

TEST_CASE("Without credit nothing is lent until there is some") {
  send_budget budget{small};
  budget.add(first, 100);
  CHECK(granted(budget.reading(first), first) == 100);
  CHECK(budget.delivered(first, 100).empty());
  CHECK(budget.wants(first, 50, 0).empty());
  CHECK(granted(budget.credit(first, 1), first) == 50);
}

TEST_CASE("While the client takes nothing, nothing is granted") {
  send_budget budget{small};
  budget.add(first, 10'000);
  CHECK(budget.unsent(101).empty());
  CHECK(budget.reading(first).empty());
  CHECK(budget.wants(first, 500, 0).empty());
  CHECK(granted(budget.unsent(100), first) == 500);
}

TEST_CASE("What a removed subscription held is free for others, and it leaves no place behind") {
  send_budget budget{small};
  budget.add(first, 10'000);
  static_cast<void>(budget.reading(first));
  CHECK(budget.remove(first).empty());
  CHECK(budget.under_way() == 0);
  CHECK(budget.credit(first, 5).empty());
  CHECK(budget.delivered(first, 5).empty());
  CHECK(budget.wants(first, 5, 5).empty());
}

TEST_CASE("Everybody is served, and never is more under way than the limits say") {
  with_seeds(300, [](dice& d) {
    simulated_connection connection{d};
    for (int i = 0; i < 400; ++i) connection.step();
    connection.check_progress();
  });
}
