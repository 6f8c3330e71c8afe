#include "actors/core/delivery_core.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr queue_id the_queue{5};
constexpr member_id one{1};
constexpr std::uint64_t much = 1u << 20;
const std::vector<std::byte> nothing(16'384);

instant at_ms(std::uint64_t ms) {
  return {mono_ms{ms}, unix_ms{static_cast<std::int64_t>(1'000'000 + ms)}};
}

delivery_core make(std::uint32_t in_flight, delivery_settings how = {}) {
  delivery_core core{{group_id{9}, false, how}, [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, delivery_progress{}, offset{0}, at_ms(0));
  core.join(one, in_flight, at_ms(0));
  core.demand(one, much, at_ms(0));
  return core;
}

std::shared_ptr<delivery_batch> batch(std::uint64_t base, std::uint32_t count) {
  auto out = std::make_shared<delivery_batch>();
  out->what.base = offset{base};
  out->what.count = count;
  out->what.bytes = shared_bytes{nullptr, std::span{nothing}.first(count * 10)};
  return out;
}

/// Offsets that are lent, in this order.
std::vector<std::uint64_t> lent(const delivery_core::effects_list& effects) {
  std::vector<std::uint64_t> out;
  for (const auto& effect : effects)
    if (const auto* e = std::get_if<delivery_core::lend>(&effect))
      for (const auto& range : e->ranges)
        for (auto at = range.first; at < range.end(); at = at + 1) out.push_back(at.value);
  return out;
}

/// Settles each message as it comes, and gives the order.
std::vector<std::uint64_t> work(delivery_core& core, delivery_core::effects_list effects) {
  std::vector<std::uint64_t> out;
  for (auto got = lent(effects); !got.empty(); got = lent(effects)) {
    REQUIRE(got.size() == 1);
    out.push_back(got[0]);
    effects = *core.settle(one, the_queue, {{offset{got[0]}, 1}}, at_ms(out.size()));
  }
  return out;
}

using offsets = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("what has a higher priority goes first, and in the order of the queue") {
  auto core = make(1);
  auto ranked = batch(0, 6);
  ranked->priorities = {4, 9, 4, 0, 9, 4};
  CHECK(work(core, core.arrived(the_queue, ranked, at_ms(0))) == offsets{1, 4, 0, 2, 5, 3});
  CHECK(core.queues().at(the_queue).window_bytes == 0);
  CHECK(core.queues().at(the_queue).priority_of.empty());
}

TEST_CASE("waiting messages keep their priority over a restart") {
  auto core = make(3, {.backoff_ms = {0}});
  auto ranked = batch(0, 3);
  ranked->priorities = {4, 9, 4};
  core.arrived(the_queue, ranked, at_ms(0));
  delivery_progress log;
  for (std::uint64_t at = 0; at < 3; ++at) {
    const auto out = core.nack(one, the_queue, offset{at}, 60'000, "no", at_ms(1));
    for (const auto& effect : *out)
      if (const auto* e = std::get_if<delivery_core::write>(&effect))
        log.put(std::get<effects::waiting>(e->what).row);
  }
  delivery_core after{{group_id{9}, false, {}}, [](std::uint64_t) { return 0; }};
  after.add_queue(the_queue, log, offset{3}, at_ms(2));
  after.join(one, 1, at_ms(2));
  after.demand(one, much, at_ms(2));
  const auto due = after.tick(at_ms(70'000));
  REQUIRE(due.size() == 1);
  CHECK(std::get<delivery_core::look>(due[0]).at == offset{1});
}

TEST_CASE("a later batch's higher priority goes before what was read earlier") {
  auto core = make(1);
  CHECK(lent(core.arrived(the_queue, batch(0, 3), at_ms(0))) == offsets{0});
  auto urgent = batch(3, 2);
  urgent->priorities = {7, 8};
  core.arrived(the_queue, urgent, at_ms(0));
  CHECK(work(core, *core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(1))) ==
        offsets{4, 3, 1, 2});
}

TEST_CASE("a message that comes back keeps its priority") {
  delivery_settings how;
  how.backoff_ms = {0};
  auto core = make(1, how);
  auto ranked = batch(0, 3);
  ranked->priorities = {4, 4, 6};
  CHECK(lent(core.arrived(the_queue, ranked, at_ms(0))) == offsets{2});
  const auto again = core.nack(one, the_queue, offset{2}, 0, "no", at_ms(1));
  CHECK(lent(*again) == offsets{2});
}

TEST_CASE("the oldest message is passed over a bounded number of times") {
  auto core = make(1);
  auto all = batch(0, 800);
  all->priorities.assign(800, 9);
  all->priorities[0] = 0;
  all->priorities[1] = 1;
  const auto order = work(core, core.arrived(the_queue, all, at_ms(0)));
  REQUIRE(order.size() == 800);
  const auto place = [&order](std::uint64_t at) {
    return static_cast<std::uint64_t>(std::ranges::find(order, at) - order.begin());
  };
  CHECK(place(0) == delivery_core::passed_over_max);
  CHECK(place(1) == 2 * delivery_core::passed_over_max + 1);
}

TEST_CASE(
  "what has to be looked up has its turn before what is there, however little room there is") {
  delivery_settings how;
  how.backoff_ms = {10};
  auto core = make(1, how);
  REQUIRE(lent(core.arrived(the_queue, batch(0, 1), at_ms(0))) == offsets{0});
  core.arrived(the_queue, batch(1, 5), at_ms(0));
  REQUIRE(lent(*core.nack(one, the_queue, offset{0}, std::nullopt, "no", at_ms(1))) == offsets{1});
  CHECK(lent(core.tick(at_ms(20))).empty());
  // There is room: it is looked up, and meanwhile the next one takes the room.
  const auto next = core.settle(one, the_queue, {{offset{1}, 1}}, at_ms(21));
  CHECK(lent(*next) == offsets{2});
  CHECK(std::ranges::any_of(
    *next, [](const auto& effect) { return std::holds_alternative<delivery_core::look>(effect); }));
  CHECK(lent(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(22))).empty());
  CHECK(core.queues().at(the_queue).found != nullptr);
  CHECK(lent(*core.settle(one, the_queue, {{offset{2}, 1}}, at_ms(23))) == offsets{0});
  CHECK(core.queues().at(the_queue).found == nullptr);
  CHECK(work(core, *core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(24))) == offsets{3, 4, 5});
}

TEST_CASE("what has expired is dropped when it would be delivered") {
  auto core = make(2);
  auto old = batch(0, 4);
  old->expires = {delivery_batch::never, at_ms(5).wall, at_ms(50).wall, at_ms(5).wall};
  old->expires_first = at_ms(5).wall;
  const auto first = core.arrived(the_queue, old, at_ms(5));
  CHECK(lent(first) == offsets{0, 2});
  CHECK(core.queues().at(the_queue).progress.finished(offset{1}));
  const auto next = core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(6));
  CHECK(lent(*next).empty());
  CHECK(core.queues().at(the_queue).progress.finished(offset{3}));
}

TEST_CASE("what has expired is a dead letter where the group wants it, also after it failed") {
  delivery_settings how;
  how.expired_to_dead_letters = true;
  how.backoff_ms = {20};
  auto core = make(1, how);
  auto old = batch(0, 2);
  old->expires = {at_ms(10).wall, at_ms(10).wall};
  old->expires_first = at_ms(10).wall;
  CHECK(lent(core.arrived(the_queue, old, at_ms(0))) == offsets{0});
  const auto failed = core.nack(one, the_queue, offset{0}, std::nullopt, "no", at_ms(11));
  std::vector<waiting_record> dead;
  const auto collect = [&dead](const delivery_core::effects_list& effects) {
    for (const auto& effect : effects)
      if (const auto* e = std::get_if<delivery_core::bury>(&effect)) dead.push_back(e->row);
  };
  collect(*failed);
  collect(core.tick(at_ms(40)));
  collect(core.looked(the_queue, offset{0}, old, at_ms(40)));
  REQUIRE(dead.size() == 2);
  CHECK(dead[0].at == offset{1});
  CHECK(dead[0].attempts == 0);
  CHECK(dead[1].at == offset{0});
  CHECK(dead[1].attempts == 1);
  CHECK(dead[1].error == "expired");
}

namespace {

/// A restart ago the older one was brought back, when nobody had come back with the other.
delivery_core of_one_key_lent_twice() {
  delivery_progress progress;
  waiting_record row;
  row.at = offset{0};
  row.key = 5;
  row.letter_queue = queue_id{99};
  progress.put(row);
  progress.lend({{offset{0}, 2}});
  delivery_core core{{group_id{9}, true, {}}, [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, progress, offset{2}, at_ms(0));
  core.join(one, 10, at_ms(0));
  return core;
}

} // namespace

TEST_CASE("of one key that was lent twice before a restart one is lent after it, the older first") {
  auto core = of_one_key_lent_twice();
  core.demand(one, much, at_ms(0));
  auto both = batch(0, 2);
  both->keys = {5, 5};
  CHECK(lent(core.arrived(the_queue, both, at_ms(1))).empty());
  CHECK(lent(core.tick(at_ms(60'000))).empty());
  CHECK(lent(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(60'001))) == offsets{0});
  CHECK(lent(core.tick(at_ms(60'002))).empty());
  auto next = *core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(60'003));
  if (lent(next).empty()) next = core.looked(the_queue, offset{1}, both, at_ms(60'004));
  CHECK(lent(next) == offsets{1});
}

TEST_CASE("of one key that was lent twice before a restart one is lent, whatever becomes of both") {
  const bool lost = GENERATE(true, false);
  auto core = of_one_key_lent_twice();
  // Both holders have come back.
  REQUIRE(core.reclaim(one, the_queue, {{offset{0}, 2}}, at_ms(0)).empty());
  auto both = batch(0, 2);
  both->keys = {5, 5};
  core.arrived(the_queue, both, at_ms(1));
  constexpr member_id two{2};
  core.join(two, 10, at_ms(2));
  core.demand(two, much, at_ms(2));
  if (lost) {
    CHECK(lent(core.leave(one, true, at_ms(3))).empty());
    CHECK(lent(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(4))) == offsets{0});
  } else {
    CHECK(lent(*core.nack(one, the_queue, offset{1}, 0, "no", at_ms(3))).empty());
    CHECK(lent(core.looked(the_queue, offset{1}, both, at_ms(4))).empty());
    CHECK(core.queues().at(the_queue).ready.empty());
  }
}

TEST_CASE("what was under way before the group was keyed is lent once") {
  // The second of a key was lent, or had failed, when the group was a shared one.
  const bool failed = GENERATE(true, false);
  delivery_progress progress;
  waiting_record row;
  row.at = offset{1};
  row.key = 5;
  row.due = at_ms(100).wall;
  if (failed)
    progress.put(row);
  else
    progress.lend({{offset{1}, 1}});
  delivery_core core{{group_id{9}, true, {}}, [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, progress, offset{2}, at_ms(0));
  core.join(one, 10, at_ms(0));
  auto both = batch(0, 2);
  both->keys = {5, 5};
  core.arrived(the_queue, both, at_ms(1)); // Nobody asks for anything yet.
  core.tick(at_ms(60'000));
  const auto first = core.demand(one, much, at_ms(60'001));
  auto got = lent(first);
  if (got.empty()) got = lent(core.looked(the_queue, offset{0}, both, at_ms(60'002)));
  CHECK(got == offsets{0});
  CHECK(work(core, *core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(60'003))) == offsets{1});
  CHECK(core.in_flight() == 0);
  CHECK(core.idle());
}

TEST_CASE("a copy of what nobody had read is looked up, whatever is at hand: the filter wants it") {
  delivery_progress progress;
  waiting_record row;
  row.at = offset{2};
  progress.put(row);
  delivery_core core{{group_id{9}, false, {}}, [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, progress, offset{3}, at_ms(0));
  core.join(one, 10, at_ms(0));
  core.demand(one, much, at_ms(0));
  core.tick(at_ms(1));
  REQUIRE(lent(core.looked(the_queue, offset{2}, batch(0, 3), at_ms(1))) == offsets{2});
  waiting_record copy;
  copy.at = offset{1};
  copy.letter_queue = kept_messages;
  copy.stored = unix_ms{1};
  core.kept(the_queue, copy);
  const auto next = core.tick(at_ms(2));
  CHECK(lent(next).empty());
  CHECK(std::ranges::any_of(next, [](const auto& effect) {
    const auto* look = std::get_if<delivery_core::look>(&effect);
    return look != nullptr && look->at == offset{1};
  }));
}
