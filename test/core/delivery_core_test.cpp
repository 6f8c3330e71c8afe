#include "actors/core/delivery_core.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr queue_id the_queue{5};
constexpr member_id one{1}, two{2};
constexpr std::uint64_t much = 1u << 20;
const std::vector<std::byte> nothing(1'024);

instant at_ms(std::uint64_t ms) {
  return {mono_ms{ms}, unix_ms{static_cast<std::int64_t>(1'000'000 + ms)}};
}

delivery_core make(bool keyed = false, delivery_settings how = {}) {
  delivery_core core{{group_id{9}, keyed, how}, [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, delivery_progress{}, offset{0}, at_ms(0));
  return core;
}

delivery_batch_ptr batch(std::uint64_t base, std::uint32_t count,
                         std::vector<std::uint64_t> keys = {}) {
  auto out = std::make_shared<delivery_batch>();
  out->what.base = offset{base};
  out->what.count = count;
  out->what.bytes = shared_bytes{nullptr, std::span{nothing}.first(count * 10)};
  out->keys = std::move(keys);
  return out;
}

/// "1:0+3" is: member 1 gets offsets 0, 1, 2; with "#2" behind it, for the second time.
std::string lent(const delivery_core::effects_list& effects) {
  std::string out;
  for (const auto& effect : effects) {
    const auto* e = std::get_if<delivery_core::lend>(&effect);
    if (e == nullptr) continue;
    for (const auto& range : e->ranges) {
      if (!out.empty()) out += ' ';
      out += std::to_string(e->member.value) + ":" + std::to_string(range.first.value) + "+" +
             std::to_string(range.count);
      if (e->attempt > 1) out += "#" + std::to_string(e->attempt);
    }
  }
  return out;
}

template <class Effect>
std::vector<Effect> all(const delivery_core::effects_list& effects) {
  std::vector<Effect> out;
  for (const auto& effect : effects)
    if (const auto* e = std::get_if<Effect>(&effect)) out.push_back(*e);
  return out;
}

void welcome(delivery_core& core, member_id id, std::uint32_t in_flight = 100) {
  core.join(id, in_flight, at_ms(0));
  core.demand(id, much, at_ms(0));
}

} // namespace

TEST_CASE("messages go to whoever has room, each to one") {
  auto core = make();
  welcome(core, one, 2);
  welcome(core, two, 2);
  CHECK(lent(core.arrived(the_queue, batch(0, 5), at_ms(0))) == "1:0+2 2:2+2");
  CHECK(core.in_flight() == 4);
  const auto next = core.settle(one, the_queue, {{offset{0}, 2}}, at_ms(1));
  CHECK(lent(*next) == "1:4+1");
  CHECK(core.queues().at(the_queue).progress.next() == offset{2});
}

TEST_CASE("one slow message holds nobody back") {
  auto core = make();
  welcome(core, one, 1);
  welcome(core, two, 1);
  core.arrived(the_queue, batch(0, 100), at_ms(0));
  for (std::uint64_t at = 1; at < 100; ++at) {
    const auto done = core.settle(two, the_queue, {{offset{at}, 1}}, at_ms(at));
    CHECK(lent(*done) == (at < 99 ? "2:" + std::to_string(at + 1) + "+1" : ""));
  }
  const auto& progress = core.queues().at(the_queue).progress;
  CHECK(progress.next() == offset{0});
  CHECK(progress.done().ranges() == 1);
}

TEST_CASE("a failed message comes back after the group's pause, and then is dead") {
  delivery_settings how;
  how.backoff_ms = {100, 300};
  how.attempts_max = 3;
  auto core = make(false, how);
  welcome(core, one);
  core.arrived(the_queue, batch(0, 2), at_ms(0));
  auto out = core.nack(one, the_queue, offset{0}, std::nullopt, "no", at_ms(10));
  const auto row = std::get<effects::waiting>(all<delivery_core::write>(*out).at(0).what).row;
  CHECK(row.attempts == 1);
  CHECK(row.error == "no");
  CHECK(row.due == at_ms(110).wall);
  CHECK(core.tick(at_ms(109)).empty());
  auto due = core.tick(at_ms(110));
  REQUIRE(all<delivery_core::look>(due).size() == 1);
  CHECK(lent(core.looked(the_queue, offset{0}, batch(0, 2), at_ms(110))) == "1:0+1#2");
  out = core.nack(one, the_queue, offset{0}, std::nullopt, "no", at_ms(200));
  CHECK(core.tick(at_ms(499)).empty());
  CHECK(lent(core.tick(at_ms(500))) == "1:0+1#3"); // It is still there from the last time.
  out = core.nack(one, the_queue, offset{0}, std::nullopt, "still no", at_ms(600));
  const auto dead = all<delivery_core::bury>(*out);
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].row.attempts == 3);
  CHECK(dead[0].row.error == "still no");
  CHECK(dead[0].row.first_failed == at_ms(10).wall);
  core.buried(the_queue, offset{0}, at_ms(601));
  CHECK(core.queues().at(the_queue).progress.finished(offset{0}));
}

TEST_CASE("a group is idle until the next lease ends or the next message is due") {
  delivery_settings how;
  how.backoff_ms = {7'200'000};
  auto core = make(false, how);
  CHECK_FALSE(core.next(at_ms(0)));
  welcome(core, member_id{1});
  core.arrived(the_queue, batch(0, 1), at_ms(0));
  CHECK(core.next(at_ms(10)) == how.lease_ms - 10);
  REQUIRE(core.nack(member_id{1}, the_queue, offset{0}, std::nullopt, "no", at_ms(20)));
  CHECK(core.next(at_ms(how.lease_ms)) == 0); // It looks which lease ends next: none.
  core.tick(at_ms(how.lease_ms));
  const auto due = 7'200'000 + 20;
  CHECK(core.next(at_ms(how.lease_ms)) == due - how.lease_ms);
  CHECK(core.next(at_ms(due)) == 0);
  CHECK(core.next(at_ms(due + 5)) == 0);
}

TEST_CASE("a late acknowledgement ends a message that waits, but not one that is being buried") {
  auto core = make();
  welcome(core, one);
  core.arrived(the_queue, batch(0, 2), at_ms(0));
  REQUIRE(core.nack(one, the_queue, offset{0}, std::nullopt, "", at_ms(0)).ok());
  REQUIRE(core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(1)).ok());
  CHECK(core.queues().at(the_queue).progress.finished(offset{0}));
  CHECK(core.idle() == false);
  REQUIRE(core.reject(one, the_queue, offset{1}, "bad", at_ms(2)).ok());
  const auto late = core.settle(one, the_queue, {{offset{1}, 1}}, at_ms(3));
  CHECK(all<delivery_core::write>(*late).empty());
  CHECK(core.burying(the_queue, {{offset{0}, 2}}));
  core.buried(the_queue, offset{1}, at_ms(4));
  CHECK(core.idle());
}

TEST_CASE("a lease that ends, and a lost consumer, are failures; a farewell is none") {
  delivery_settings how;
  how.lease_ms = 1'000;
  how.backoff_ms = {0};
  auto core = make(false, how);
  welcome(core, one, 1);
  core.arrived(the_queue, batch(0, 1), at_ms(0));
  core.renew(one, at_ms(900));
  CHECK(core.tick(at_ms(1'899)).empty());
  auto out = core.tick(at_ms(1'900));
  CHECK(std::get<effects::waiting>(all<delivery_core::write>(out).at(0).what).row.error ==
        "its lease ended");
  CHECK(lent(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(1'900))) == "1:0+1#2");
  welcome(core, two);
  out = core.leave(one, true, at_ms(1'901));
  CHECK(lent(out) == "2:0+1#3");
  welcome(core, one);
  CHECK(lent(core.leave(two, false, at_ms(1'902))) == "1:0+1#3");
}

TEST_CASE("a renewal does not end a lease sooner, when leases have become shorter") {
  delivery_settings how;
  how.lease_ms = 2'000;
  auto core = make(false, how);
  welcome(core, one, 2);
  core.arrived(the_queue, batch(0, 2), at_ms(0));
  how.lease_ms = 1'000;
  core.alter(how);
  core.renew(one, at_ms(10));
  CHECK(core.reclaim(one, the_queue, {{offset{1}, 1}}, at_ms(10)).empty());
  CHECK(core.tick(at_ms(1'999)).empty());
  CHECK_FALSE(core.tick(at_ms(2'000)).empty());
}

TEST_CASE("keyed: one of a key at a time, and a failed one holds back only its key") {
  delivery_settings how;
  how.backoff_ms = {500};
  auto core = make(true, how);
  welcome(core, one);
  welcome(core, two);
  CHECK(lent(core.arrived(the_queue, batch(0, 6, {1, 1, 2, 0, 2, 1}), at_ms(0))) == "1:0+1 1:2+2");
  CHECK(core.waiting() == 3);
  REQUIRE(core.nack(one, the_queue, offset{0}, std::nullopt, "", at_ms(1)).ok());
  CHECK(lent(*core.settle(one, the_queue, {{offset{2}, 1}}, at_ms(2))) == "2:4+1");
  REQUIRE(core.settle(two, the_queue, {{offset{4}, 1}}, at_ms(4)).ok());
  CHECK(lent(core.tick(at_ms(501))) == "1:0+1#2");
  CHECK(lent(*core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(502))) == "2:1+1");
}

TEST_CASE("after a restart what was lent waits for its holder, for one lease") {
  delivery_settings how;
  how.lease_ms = 1'000;
  delivery_core core{{group_id{9}, false, how}, [](std::uint64_t) { return 0; }};
  delivery_progress before;
  before.lend({{offset{0}, 4}});
  before.settle({{offset{1}, 1}});
  core.add_queue(the_queue, before, offset{6}, at_ms(0));
  welcome(core, one);
  CHECK(lent(core.arrived(the_queue, batch(0, 6), at_ms(1))) == "1:4+2");
  CHECK(core.reclaim(one, the_queue, {{offset{0}, 3}}, at_ms(500)) ==
        std::vector<offset_range>{{offset{1}, 1}});
  // That it was not presented is no failure: the node was away, and maybe it never came.
  const auto out = core.tick(at_ms(1'000));
  CHECK(all<delivery_core::write>(out).empty());
  REQUIRE(all<delivery_core::look>(out).size() == 1);
  CHECK(lent(core.looked(the_queue, offset{3}, batch(0, 6), at_ms(1'000))) == "1:3+1");
}

TEST_CASE("a filter goes for what nobody was lent, also if the group had another one before") {
  delivery_progress before;
  before.lend({{offset{0}, 4}});
  before.settle({{offset{1}, 1}});
  waiting_record row;
  row.at = offset{2};
  row.attempts = 1;
  row.due = unix_ms{1'000'500};
  before.put(row);
  delivery_core core{{group_id{9}, false, {}}, [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, before, offset{8}, at_ms(0));
  welcome(core, one);
  auto some = std::make_shared<delivery_batch>(*batch(0, 8));
  some->passes = std::vector<offset_range>{{offset{6}, 1}};
  const auto out = core.arrived(the_queue, some, at_ms(1));
  CHECK(lent(out) == "1:6+1");
  const auto written = all<delivery_core::write>(out);
  const auto* left_out = std::get_if<effects::settled>(&written.at(0).what);
  REQUIRE(left_out != nullptr);
  CHECK(left_out->ranges == std::vector<offset_range>{{offset{4}, 2}, {offset{7}, 1}});
  CHECK(core.left_out().filtered == 3);
  CHECK(core.reclaim(one, the_queue, {{offset{0}, 1}, {offset{3}, 1}}, at_ms(2)).empty());
  REQUIRE(all<delivery_core::look>(core.tick(at_ms(500))).size() == 1);
  CHECK(lent(core.looked(the_queue, offset{2}, batch(0, 8), at_ms(500))) == "1:2+1#2");
}

TEST_CASE(
  "after a restart nobody waits for a holder longer than a minute, however long leases are") {
  delivery_settings how;
  how.lease_ms = 3'600'000;
  delivery_core core{{group_id{9}, true, how}, [](std::uint64_t) { return 0; }};
  delivery_progress before;
  before.lend({{offset{0}, 2}});
  core.add_queue(the_queue, before, offset{2}, at_ms(0));
  welcome(core, one);
  CHECK(lent(core.arrived(the_queue, batch(0, 2, {7, 8}), at_ms(1))).empty());
  CHECK(core.reclaim(one, the_queue, {{offset{0}, 1}}, at_ms(2)).empty());
  CHECK(all<delivery_core::look>(core.tick(at_ms(59'999))).empty());
  const auto looks = all<delivery_core::look>(core.tick(at_ms(60'000)));
  REQUIRE(looks.size() == 1);
  CHECK(looks[0].at == offset{1}); // The other has its holder.
}

TEST_CASE("what was given back is not lent to anybody after a restart") {
  auto core = make();
  delivery_progress log;
  const auto fold = [&log](const delivery_core::effects_list& out) {
    for (const auto& each : all<delivery_core::write>(out)) {
      if (const auto* e = std::get_if<effects::lent>(&each.what)) log.lend(e->ranges);
      if (const auto* e = std::get_if<effects::returned>(&each.what)) log.give_back(e->ranges);
    }
  };
  welcome(core, one);
  fold(core.arrived(the_queue, batch(0, 4), at_ms(0)));
  SECTION("one by one") { fold(core.give_back(one, the_queue, {{offset{0}, 4}}, at_ms(1))); }
  SECTION("by a farewell") { fold(core.leave(one, false, at_ms(1))); }
  core.leave(one, false, at_ms(2));
  CHECK(log.lent().to_ranges().size() <= 1);
  log.give_back({{offset{0}, 4}}); // What was lent again to the same member, which left then.
  delivery_core after{{group_id{9}, false, {}}, [](std::uint64_t) { return 0; }};
  after.add_queue(the_queue, log, offset{4}, at_ms(3));
  CHECK(after.in_flight() == 0);
  welcome(after, two);
  CHECK(lent(after.arrived(the_queue, batch(0, 4), at_ms(4))) == "2:0+4");
}

TEST_CASE("what may be lent at a time is limited, for each and for all") {
  delivery_settings how;
  how.member_in_flight_max = 3;
  how.in_flight_max = 5;
  auto core = make(false, how);
  welcome(core, one, 100);
  welcome(core, two, 100);
  CHECK(lent(core.arrived(the_queue, batch(0, 20), at_ms(0))) == "1:0+3 2:3+2");
}

TEST_CASE("a group with too many waiting messages takes no new ones") {
  delivery_settings how;
  how.waiting_max = 2;
  auto core = make(false, how);
  welcome(core, one);
  core.arrived(the_queue, batch(0, 4), at_ms(0));
  REQUIRE(core.nack(one, the_queue, offset{0}, std::nullopt, "", at_ms(1)).ok());
  REQUIRE(core.nack(one, the_queue, offset{1}, std::nullopt, "", at_ms(1)).ok());
  CHECK(all<delivery_core::pull>(core.wanted(the_queue, 10, much)).empty());
  const auto out = core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(2));
  CHECK(all<delivery_core::pull>(*out).size() == 1);
}

TEST_CASE("messages past the end of a queue cannot be acknowledged, but those beside them") {
  auto core = make();
  welcome(core, one);
  core.arrived(the_queue, batch(0, 2), at_ms(0));
  CHECK(core.past_end(the_queue, {{offset{0}, 1}, {offset{1}, 2}}));
  CHECK(core.past_end(the_queue, {{offset{1}, ~std::uint64_t{0}}}));
  CHECK_FALSE(core.past_end(the_queue, {{offset{0}, 2}}));
  REQUIRE(core.settle(one, the_queue, {{offset{1}, 2}, {offset{9}, 5}}, at_ms(1)).ok());
  CHECK(core.queues().at(the_queue).progress.finished(offset{1}));
  CHECK_FALSE(core.queues().at(the_queue).progress.met(offset{2}));
  CHECK(core.settle(one, queue_id{77}, {{offset{0}, 1}}, at_ms(1)).code() == errc::queue_unknown);
  CHECK(core.nack(two, the_queue, offset{0}, std::nullopt, "", at_ms(1)).code() == errc::not_owner);
}

TEST_CASE("what a transaction has acknowledged is not lent, also if it was not read before") {
  auto core = make();
  welcome(core, one);
  REQUIRE(core.settle(member_id{0}, the_queue, {{offset{1}, 2}}, at_ms(0)).ok());
  CHECK(lent(core.arrived(the_queue, batch(0, 4), at_ms(1))) == "1:0+1 1:3+1");
}

TEST_CASE("keyed: several messages of a key that end together leave none of them behind") {
  auto core = make(true);
  welcome(core, one);
  CHECK(lent(core.arrived(the_queue, batch(0, 4, {7, 7, 7, 7}), at_ms(0))) == "1:0+1");
  CHECK(lent(*core.settle(one, the_queue, {{offset{0}, 3}}, at_ms(1))) == "1:3+1");
}

TEST_CASE("keyed: what waits behind another is not read a second time, unless that is too much") {
  const bool roomy = GENERATE(true, false);
  delivery_core core{
    {.group = group_id{9}, .keyed = true, .how = {}, .window_bytes = roomy ? 10'000u : 100u},
    [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, delivery_progress{}, offset{0}, at_ms(0));
  welcome(core, one);
  core.arrived(the_queue, batch(0, 4, {7, 8, 7, 8}), at_ms(0));
  const auto done = *core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(1));
  CHECK(all<delivery_core::look>(done).size() == (roomy ? 0 : 1));
  CHECK(lent(done) == (roomy ? "1:2+1" : ""));
}

TEST_CASE("without room for all, batches of messages that come back soon stay at hand") {
  delivery_core core{{.group = group_id{9}, .how = {}, .window_bytes = 2'000},
                     [](std::uint64_t) { return 0; }};
  core.add_queue(the_queue, delivery_progress{}, offset{0}, at_ms(0));
  welcome(core, one);
  // Each in a batch of its own; about four of these are too much.
  for (std::uint64_t at = 0; at < 8; ++at) {
    core.arrived(the_queue, batch(at, 1), at_ms(0));
    REQUIRE(core.nack(one, the_queue, offset{at}, at == 0 ? 100 : 5'000, "no", at_ms(0)).ok());
  }
  core.tick(at_ms(100));
  REQUIRE(lent(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(100))) == "1:0+1#2");
  REQUIRE(core.nack(one, the_queue, offset{0}, 100, "no", at_ms(101)).ok());
  REQUIRE(lent(core.tick(at_ms(201))) == "1:0+1#3"); // It needs no look.
  core.tick(at_ms(5'000));
  for (std::uint64_t at = 1; at < 8; ++at)
    REQUIRE(lent(core.looked(the_queue, offset{at}, batch(at, 1), at_ms(5'000))) ==
            "1:" + std::to_string(at) + "+1#2");
  REQUIRE(core.nack(one, the_queue, offset{0}, 100, "no", at_ms(5'001)).ok());
  CHECK(lent(core.tick(at_ms(5'101))) == "1:0+1#4");
}

TEST_CASE("what a batch says of its messages' ends is read anew when that changed") {
  auto core = make(true);
  welcome(core, one);
  core.arrived(the_queue, batch(0, 2, {7, 7}), at_ms(0));
  core.read_anew();
  const auto done = *core.settle(one, the_queue, {{offset{0}, 1}}, at_ms(1));
  CHECK(all<delivery_core::look>(done).size() == 1);
}

TEST_CASE("what is given back and lent once more is another lending") {
  auto core = make(true);
  welcome(core, one);
  const auto first = all<delivery_core::lend>(core.arrived(the_queue, batch(0, 1), at_ms(0)));
  REQUIRE(first.size() == 1);
  core.give_back(one, the_queue, {{offset{0}, 1}}, at_ms(1));
  const auto again =
    all<delivery_core::lend>(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(1)));
  REQUIRE(again.size() == 1);
  CHECK_FALSE(core.in_force(the_queue, offset{0}, first[0].number));
  CHECK(core.in_force(the_queue, offset{0}, again[0].number));
}

TEST_CASE("keyed: what was read stays known when retention passes it: it was copied before") {
  auto core = make(true);
  welcome(core, one);
  core.arrived(the_queue, batch(0, 4, {7, 7, 7, 7}), at_ms(0));
  CHECK(core.raise_start(the_queue, offset{3}, at_ms(1)).empty());
  CHECK(core.in_force(the_queue, offset{0}, 1));
  CHECK(core.in_flight() == 1);
}

namespace {

waiting_record brought_back(std::uint64_t at, std::uint64_t key = 0) {
  waiting_record row;
  row.at = offset{at};
  row.key = key;
  row.letter_queue = queue_id{6};
  return row;
}

} // namespace

TEST_CASE("what is delivered of a message that was brought back is its letter") {
  auto core = make();
  welcome(core, one, 1);
  core.arrived(the_queue, batch(0, 4), at_ms(0));
  REQUIRE(core.reject(one, the_queue, offset{0}, "no", at_ms(1)).ok());
  CHECK(lent(core.buried(the_queue, offset{0}, at_ms(2))).empty()); // Another is lent since.
  core.revived(the_queue, brought_back(0), at_ms(3));
  core.tick(at_ms(4));
  const auto done = core.settle(one, the_queue, {{offset{1}, 1}}, at_ms(5));
  const auto looks = all<delivery_core::look>(*done); // Though its batch is still in the window.
  REQUIRE(looks.size() == 1);
  CHECK(looks[0].at == offset{0});
  CHECK(lent(*done) == "1:2+1");
  const auto next = core.settle(one, the_queue, {{offset{2}, 1}}, at_ms(6));
  CHECK(lent(*next) == "1:3+1");
  REQUIRE(core.settle(one, the_queue, {{offset{3}, 1}}, at_ms(7)).ok());
  CHECK(lent(core.looked(the_queue, offset{0}, batch(0, 1), at_ms(8))) == "1:0+1");
}

TEST_CASE("whoever has a message that was brought back keeps it when retention passes its source") {
  auto core = make();
  core.raise_start(the_queue, offset{3}, at_ms(0));
  welcome(core, one);
  core.revived(the_queue, brought_back(1), at_ms(0));
  core.tick(at_ms(100'000));
  CHECK(lent(core.looked(the_queue, offset{1}, batch(1, 1), at_ms(100'000))) == "1:1+1");
  CHECK(lent(core.raise_start(the_queue, offset{5}, at_ms(100'001))).empty());
  CHECK(core.in_force(the_queue, offset{1}, 1));
  CHECK(core.queues().at(the_queue).progress.lent().contains(offset{1}));
  CHECK(core.settle(one, the_queue, {{offset{1}, 1}}, at_ms(100'002)).ok());
  CHECK(core.in_flight() == 0);
}

TEST_CASE(
  "keyed: what was brought back goes when retention passes what reading had to meet before") {
  delivery_core core{{group_id{9}, true, {}}, [](std::uint64_t) { return 0; }};
  delivery_progress progress;
  progress.put(brought_back(1, 7));
  progress.lend({{offset{4}, 2}});
  core.add_queue(the_queue, progress, offset{9}, at_ms(0));
  welcome(core, one);
  CHECK(
    all<delivery_core::look>(core.tick(at_ms(1))).empty()); // A later one of its key may be out.
  const auto looks = all<delivery_core::look>(core.raise_start(the_queue, offset{9}, at_ms(2)));
  REQUIRE(looks.size() == 1);
  CHECK(looks[0].at == offset{1});
}
