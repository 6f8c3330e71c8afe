#include "actors/core/delivery_batches.hpp"
#include "actors/core/story_telling.hpp"
#include "actors/core/timer_batches.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

using letter_state = frames::group_story::letter_state;
using kind = frames::story_event::kind;
using now_state = frames::group_story::state;
using settled_why = effects::settled::reason;
using commit_why = effects::commit::reason;

constexpr queue_id orders{12}, letters{40};
constexpr group_id billing{21}, desk{22};
constexpr producer_id somebody{7};

effects::batch batch_of(queue_id queue, std::uint64_t base, producer_id producer,
                        std::uint64_t first,
                        const std::vector<std::pair<std::string_view, std::string_view>>& says = {},
                        std::int64_t deliver_at = 0, std::uint32_t count = 1) {
  batch_builder builder;
  for (std::uint32_t i = 0; i < count; ++i) {
    message_view m;
    m.body = "x";
    m.born = unix_ms{1};
    m.properties = says;
    m.deliver_at = deliver_at;
    CARAFE_ASSERT(builder.add(m));
  }
  auto encoded = builder.finish(codec::none);
  CARAFE_ASSERT(encoded.ok());
  effects::batch out;
  out.queue = queue;
  out.base = offset{base};
  out.count = count;
  out.producer = producer;
  out.first = sequence{first};
  out.bytes = encoded->bytes;
  out.timed = deliver_at != 0;
  return out;
}

/// A log of one shard, an entry a ms.
struct shard_log {
  std::vector<decoded_entry> entries;

  void add(std::vector<effects::effect> effects) {
    decoded_entry entry;
    entry.header.index = entry_index{entries.size() + 1};
    entry.header.time = unix_ms{static_cast<std::int64_t>(entries.size()) + 1'000};
    entry.effects = std::move(effects);
    entries.push_back(std::move(entry));
  }
};

story_subject at_place(std::uint64_t at) {
  story_subject about;
  about.queue = orders;
  about.at = offset{at};
  return about;
}

story told(const shard_log& from, story_subject about) {
  story out{std::move(about), {{billing, true}, {desk, false}}};
  for (const auto& entry : from.entries) out.take(entry);
  return out;
}

std::vector<kind> kinds(const std::vector<frames::story_event>& events) {
  std::vector<kind> out;
  for (const auto& event : events) out.push_back(event.what);
  return out;
}

waiting_record failed(std::uint64_t at, std::uint32_t attempts, std::string error) {
  waiting_record row;
  row.at = offset{at};
  row.attempts = attempts;
  row.error = std::move(error);
  row.due = unix_ms{5'000};
  return row;
}

effects::lent lent_to(std::string member, std::uint64_t first = 0, std::uint64_t count = 3) {
  return {billing, orders, {{offset{first}, count}}, std::move(member)};
}

effects::settled settle(std::uint64_t at, settled_why why = settled_why::acknowledged) {
  return {billing, orders, {{offset{at}, 1}}, why};
}

frames::group_story in_billing(const story& what, whereabouts where, std::uint64_t start = 0) {
  return tell(what, billing, where, "worker-7", {offset{start}, {mono_ms{100}, unix_ms{9'000}}});
}

whereabouts is(whereabouts::place place) {
  whereabouts out;
  out.is = place;
  return out;
}

} // namespace

TEST_CASE("a story tells storing, deliveries, failures, death, redrive and the end, in order") {
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41, {}, 0, 3)});
  l.add({effects::commit{billing, orders, offset{0}, commit_why::began}});
  l.add({lent_to("worker-7")});
  l.add({effects::waiting{billing, orders, failed(1, 1, "busy")}, settle(0), settle(2)});
  l.add({lent_to("worker-8", 1, 1)});
  l.add({batch_of(letters, 5, no_producer, 0,
                  {{"carafe-dead-attempts", "2"}, {"carafe-dead-error", "never"}}),
         settle(1, settled_why::dead)});
  auto what = told(l, at_place(1));
  CHECK(what.begins());
  CHECK(what.id() == story_subject::message_id{somebody, sequence{42}});
  CHECK(kinds(what.events({})) == std::vector{kind::stored});
  auto group = in_billing(what, is(whereabouts::place::finished));
  CHECK(group.now == now_state::dead);
  CHECK(kinds(group.events) ==
        std::vector{kind::began, kind::lent, kind::failed, kind::lent, kind::dead});
  CHECK(group.attempts == 2);
  CHECK(group.error == "never");
  CHECK(group.letter_queue == letters);
  CHECK(group.letter == offset{5});
  CHECK(group.letter_is == letter_state::open);
  CHECK(group.events[2].error == "busy");
  CHECK(group.events[3].member == "worker-8");
  CHECK(group.events[3].attempt == 2);

  const auto letter_ends = [](std::uint64_t at, std::uint64_t count, settled_why why) {
    return effects::settled{billing, letters, {{offset{at}, count}}, why};
  };
  auto moved = l;
  moved.add(
    {batch_of(letters, 9, no_producer, 0, {}, 0, 2), letter_ends(4, 2, settled_why::moved)});
  const auto elsewhere = in_billing(told(moved, at_place(1)), is(whereabouts::place::finished));
  CHECK(elsewhere.letter_is == letter_state::open);
  CHECK(elsewhere.letter == offset{10});
  shard_log late; // It does not go back to when the message died.
  late.add({batch_of(letters, 9, no_producer, 0,
                     {{"carafe-dead-queue-id", std::to_string(orders.value)},
                      {"carafe-dead-offset", "1"},
                      {"carafe-dead-error", "never"}}),
            letter_ends(5, 1, settled_why::moved)});
  const auto found = in_billing(told(late, at_place(1)), is(whereabouts::place::finished), 7);
  CHECK(found.now == now_state::dead);
  CHECK(found.letter == offset{9});
  CHECK(found.error == "never");
  CHECK_FALSE(told(late, at_place(2)).parts().at(billing).mentioned);
  moved.add({letter_ends(10, 1, settled_why::gone)});
  CHECK(told(moved, at_place(1)).parts().at(billing).letter_is == letter_state::lost);
  auto purged = l;
  purged.add({effects::settled{billing, letters, {{offset{5}, 1}}}});
  CHECK(in_billing(told(purged, at_place(1)), is(whereabouts::place::finished)).letter_is ==
        letter_state::purged);

  waiting_record back;
  back.at = offset{1};
  back.letter_queue = letters;
  back.letter = offset{5};
  l.add({effects::waiting{billing, orders, back},
         effects::settled{billing, letters, {{offset{5}, 1}}}});
  l.add({lent_to("worker-9", 1, 1)});
  l.add({settle(1)});
  group = in_billing(told(l, at_place(1)), is(whereabouts::place::finished));
  CHECK(group.now == now_state::acknowledged);
  CHECK(group.letter_is == letter_state::redriven);
  CHECK(group.events.back().what == kind::acknowledged);
  CHECK(group.events[6].attempt == 1);
}

TEST_CASE("what ended a message is told: filter, time to live, nothing left") {
  const auto [why, state] = GENERATE(std::pair{settled_why::filtered, now_state::filtered},
                                     std::pair{settled_why::expired, now_state::expired},
                                     std::pair{settled_why::gone, now_state::lost},
                                     std::pair{settled_why::acknowledged, now_state::acknowledged});
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41)});
  l.add({settle(0, why)});
  l.add({lent_to("worker-7", 0, 1)}); // Written after what ended it.
  const auto group = in_billing(told(l, at_place(0)), is(whereabouts::place::finished));
  CHECK(group.now == state);
  CHECK(group.events.size() == 1);
}

TEST_CASE("a delivery after another one tells that the first was given back") {
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41)});
  l.add({lent_to("worker-7", 0, 1)});
  l.add({lent_to("", 0, 1)}); // Only more is known of it.
  l.add({lent_to("worker-8", 0, 1)});
  auto where = is(whereabouts::place::lent);
  where.lease_ends = mono_ms{350};
  const auto group = in_billing(told(l, at_place(0)), where);
  CHECK(kinds(group.events) == std::vector{kind::lent, kind::returned, kind::lent});
  CHECK(group.now == now_state::lent);
  CHECK(group.until == unix_ms{9'250});
}

TEST_CASE("offsets that a group commits tell what was acknowledged, and what was skipped") {
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41, {}, 0, 10)});
  l.add({effects::commit{desk, orders, offset{2}, commit_why::began}});
  const auto at = [&](std::uint64_t place, std::uint64_t committed) {
    return tell(told(l, at_place(place)), desk, offset{committed}, "worker-7", {});
  };
  CHECK(at(1, 2).now == now_state::skipped);
  CHECK(at(5, 2).now == now_state::unread);
  CHECK(at(5, 2).member == "worker-7");
  l.add({effects::commit{desk, orders, offset{6}}});
  CHECK(at(5, 6).now == now_state::acknowledged);
  CHECK(at(6, 6).now == now_state::unread);
  l.add({effects::commit{desk, orders, offset{3}, commit_why::reset}});
  CHECK(at(5, 3).now == now_state::unread);
  CHECK(kinds(at(5, 3).events) == std::vector{kind::began, kind::acknowledged, kind::reset});
}

TEST_CASE("a group that commits offsets passed over what its filter or its age kept from it") {
  const auto tagged = [](std::uint64_t ttl_ms) {
    auto batch = batch_of(orders, 3, somebody, 41, {{"region", "us"}});
    batch_builder builder;
    message_view m;
    const std::vector<std::pair<std::string_view, std::string_view>> says{{"region", "us"}};
    m.properties = says;
    m.ttl_ms = ttl_ms;
    CARAFE_ASSERT(builder.add(m));
    auto encoded = builder.finish(codec::none);
    CARAFE_ASSERT(encoded.ok());
    batch.bytes = encoded->bytes;
    batch.ranked = encoded->ranked;
    return batch;
  };
  const auto wanted = [](const std::string& text) {
    auto parsed = parse_filter({message_filter::kind::sql, text});
    CARAFE_ASSERT(parsed.ok());
    return std::make_shared<const filter>(std::move(**parsed));
  };
  const auto tell_of = [&](const shard_log& l, const std::string& text, topic_expiry expiry = {}) {
    story what{at_place(3), {{billing, true}, {desk, false}}};
    if (!text.empty()) what.filter_by(desk, wanted(text));
    what.expire_by(expiry);
    for (const auto& entry : l.entries) what.take(entry);
    return tell(what, desk, offset{6}, "worker-7", {});
  };
  shard_log l;
  l.add({tagged(0)}); // At 1000 ms.
  l.add({effects::commit{desk, orders, offset{0}, commit_why::began}});
  l.add({effects::commit{desk, orders, offset{3}}});
  l.add({effects::commit{desk, orders, offset{6}}});
  SECTION("a filter") {
    const auto over = tell_of(l, "region = 'eu'");
    CHECK(over.now == now_state::filtered);
    CHECK(kinds(over.events) == std::vector{kind::began, kind::filtered});
    CHECK(over.events[1].at == offset{6});
    CHECK(tell_of(l, "region = 'us'").now == now_state::acknowledged);
    l.add({effects::commit{desk, orders, offset{2}, commit_why::reset}});
    CHECK(tell_of(l, "region = 'eu'").now == now_state::done); // By what the group says.
    l.add({effects::commit{desk, orders, offset{5}}});
    const auto again = tell_of(l, "region = 'eu'");
    CHECK(again.now == now_state::filtered);
    CHECK(kinds(again.events) ==
          std::vector{kind::began, kind::filtered, kind::reset, kind::filtered});
  }
  SECTION("the topic's time to live") {
    CHECK(tell_of(l, "", {4, false}).now == now_state::acknowledged);
    const auto over = tell_of(l, "", {2, false});
    CHECK(over.now == now_state::done);
    CHECK(kinds(over.events) == std::vector{kind::began, kind::expired, kind::acknowledged});
    CHECK(over.events[1].time == unix_ms{1'002});
    CHECK(tell_of(l, "region = 'eu'", {2, false}).now == now_state::filtered);
    CHECK(tell_of(l, "", {2, true}).now == now_state::acknowledged);
  }
  SECTION("its own") {
    l.entries[0].effects = {tagged(2)};
    CHECK(tell_of(l, "").now == now_state::done);
    CHECK(tell_of(l, "", {1'000, false}).now == now_state::done);
  }
}

TEST_CASE("what retention took is told, but not of what a group still had") {
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41)});
  l.add({lent_to("worker-7", 0, 1)});
  l.add({effects::queue_start{orders, offset{1}, true}}); // Spared.
  CHECK(kinds(told(l, at_place(0)).events(offset{0})) == std::vector{kind::stored});
  auto row = failed(0, 0, "");
  row.letter_queue = kept_messages;
  row.stored = unix_ms{1'000};
  l.add({effects::kept{billing, orders, offset{1}, {row}}});
  l.add({effects::queue_start{orders, offset{1}, true}});
  const auto what = told(l, at_place(0));
  CHECK(kinds(what.events(offset{1})) == std::vector{kind::stored, kind::deleted});
  CHECK(what.events(offset{1}).back().time == unix_ms{1'004});
  CHECK(tell(what, {offset{1}, {}}).now == frames::message_story::state::deleted);
  CHECK(in_billing(what, is(whereabouts::place::lent), 1).now == now_state::lent);

  shard_log unread;
  unread.add({batch_of(orders, 0, somebody, 41)});
  unread.add({effects::queue_start{orders, offset{1}, true}});
  CHECK(in_billing(told(unread, at_place(0)), is(whereabouts::place::finished), 1).now ==
        now_state::lost);
}

TEST_CASE("a message for later is followed from its id to its place, and back from there") {
  shard_log l;
  l.add({batch_of(orders, 3, somebody, 40, {}, 8'000, 4)});
  timer_record moved;
  moved.at = {unix_ms{7'000}, orders, 5};
  l.add({effects::timer_moved{unix_ms{8'000}, moved}});
  l.add({batch_of(orders, 100, no_producer, 0, {{timer_id_property, "0000000000000007-42"}}, 0, 2),
         effects::timers_ended{orders,
                               effects::timers_ended::reason::fired,
                               {{unix_ms{6'000}, orders, 1}, {unix_ms{7'000}, orders, 5}}}});
  l.add({settle(101)});
  const auto whole = std::vector{kind::stored_for_later, kind::moved, kind::fired};
  story_subject by_id;
  by_id.wanted = story_subject::message_id{somebody, sequence{42}};
  by_id.queues = {orders};
  SECTION("from its id") {
    const auto what = told(l, by_id);
    CHECK(kinds(what.events({})) == whole);
    CHECK(what.subject().at == offset{101});
    CHECK(in_billing(what, is(whereabouts::place::finished)).now == now_state::acknowledged);
  }
  SECTION("from its place") {
    auto about = at_place(101);
    about.wanted = earlier_id_of(std::get<effects::batch>(l.entries[2].effects[0]), offset{101});
    CHECK(about.wanted == by_id.wanted);
    about.queues = {orders};
    const auto what = told(l, about);
    CHECK(kinds(what.events({})) == whole);
    CHECK(what.id() == *by_id.wanted);
  }
  SECTION("cancelled before") {
    l.entries.resize(2);
    l.add({effects::timers_ended{
      orders, effects::timers_ended::reason::cancelled, {{unix_ms{7'000}, orders, 5}}}});
    CHECK(told(l, by_id).state() == frames::message_story::state::cancelled);
  }
  SECTION("waiting") {
    l.entries.resize(2);
    CHECK(told(l, by_id).state() == frames::message_story::state::pending);
    CHECK(told(l, by_id).due() == unix_ms{7'000});
  }
}

namespace {

effects::tx_prepared half_of(transaction_id id, queue_id queue, std::uint64_t first) {
  half_batch half;
  half.queue = queue;
  half.first = sequence{first};
  half.count = 2;
  return {id, "tills", 0, 0, 0, {half}, {}};
}

effects::batch transacted(std::uint64_t base, std::uint64_t first) {
  auto out = batch_of(orders, base, somebody, first, {}, 0, 2);
  out.transacted = true;
  return out;
}

} // namespace

TEST_CASE("a half message is followed through its transaction") {
  const transaction_id id{somebody, 3};
  shard_log l;
  l.add({half_of(id, orders, 41)});
  story_subject by_id;
  by_id.wanted = story_subject::message_id{somebody, sequence{42}};
  by_id.queues = {orders};
  SECTION("open") {
    const auto what = told(l, by_id);
    CHECK(what.state() == frames::message_story::state::prepared);
    CHECK(kinds(what.events({})) == std::vector{kind::prepared});
    CHECK(what.events({}).at(0).member == "tills");
    CHECK(what.events({}).at(0).transaction.id == id);
  }
  SECTION("rolled back") {
    l.add({effects::tx_ended{id, false, {}}});
    const auto what = told(l, by_id);
    CHECK(what.state() == frames::message_story::state::rolled_back);
    CHECK(kinds(what.events({})) == std::vector{kind::prepared, kind::rolled_back});
  }
  SECTION("committed in its own shard, from its id and from its place") {
    l.add({transacted(7, 41), effects::tx_ended{id, true, {}}});
    auto by_place = at_place(8);
    by_place.wanted = earlier_id_of(std::get<effects::batch>(l.entries[1].effects[0]), offset{8});
    CHECK(by_place.wanted == by_id.wanted);
    by_place.queues = {orders};
    for (const auto& about : {by_id, by_place}) {
      const auto what = told(l, about);
      CHECK(what.state() == frames::message_story::state::stored);
      CHECK(what.subject().at == offset{8});
      CHECK(kinds(what.events({})) == std::vector{kind::prepared, kind::stored});
      CHECK(what.events({}).at(1).transaction.id == id);
    }
  }
  SECTION("committed, with its part still to come") {
    l.add({effects::tx_ended{id, true, {shard_id{1}}}});
    const auto what = told(l, by_id);
    CHECK(what.committed());
    CHECK(kinds(what.events({})) == std::vector{kind::prepared, kind::committed});
    CHECK(what.state() == frames::message_story::state::prepared);
  }
}

TEST_CASE("a commit in another shard is told, also if both entries are of one moment") {
  const transaction_id id{somebody, 3};
  shard_log own, other;
  own.add({transacted(7, 41), effects::tx_applied{shard_id{2}, shard_id{1}, 5, false}});
  auto about = at_place(7);
  about.wanted = story_subject::message_id{somebody, sequence{41}};
  about.queues = {orders};
  story whole{about, {{billing, true}, {desk, false}}};
  whole.walks(shard_id{1});
  for (const auto& entry : own.entries) whole.take(entry);
  other.add({half_of(id, orders, 41)});
  other.add({effects::tx_ended{id, true, {shard_id{1}}}});
  other.entries[1].header.time = own.entries[0].header.time;
  whole.walks(shard_id{2});
  for (const auto& entry : other.entries) whole.take(entry);
  CHECK(kinds(whole.events({})) == std::vector{kind::prepared, kind::committed, kind::stored});
}

TEST_CASE("a part of another shard's commit says who kept the transaction") {
  shard_log l;
  l.add({transacted(7, 41), effects::tx_applied{shard_id{2}, shard_id{1}, 5, false}});
  const auto what = told(l, at_place(7));
  CHECK(what.coordinator() == shard_id{2});
  CHECK_FALSE(what.was_half());
}

TEST_CASE("what a transaction acknowledged says so, and what a schedule sent") {
  shard_log l;
  l.add({batch_of(orders, 0, no_producer, 0,
                  {{"carafe-schedule", "nightly"}, {"carafe-schedule-due-ms", "900"}})});
  l.add({lent_to("worker-7")});
  l.add({settle(0), effects::tx_ended{{somebody, 4}, true, {}}});
  const auto what = told(l, at_place(0));
  const auto stored = what.events({}).at(0);
  CHECK(stored.schedule == "nightly");
  CHECK(stored.due == unix_ms{900});
  const auto end = what.parts().at(billing).events.all().back();
  CHECK(end.what == kind::acknowledged);
  CHECK(end.transaction.id == transaction_id{somebody, 4});
}

TEST_CASE("what was given back is told when it was") {
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41)});
  l.add({lent_to("worker-7")});
  l.add({effects::returned{billing, orders, {{offset{0}, 1}}}});
  const auto what = told(l, at_place(0));
  CHECK(kinds(what.parts().at(billing).events.all()) == std::vector{kind::lent, kind::returned});
  CHECK(in_billing(what, is(whereabouts::place::ready)).now == now_state::ready);
}

TEST_CASE("a long story keeps its beginning and its end, and says how much it left out") {
  shard_log l;
  l.add({batch_of(orders, 0, somebody, 41)});
  for (std::uint32_t i = 1; i <= 300; ++i) {
    l.add({lent_to("worker-7", 0, 1)});
    l.add({effects::waiting{billing, orders, failed(0, i, "busy")}});
  }
  auto where = is(whereabouts::place::waiting);
  where.attempts = 300;
  const auto group = in_billing(told(l, at_place(0)), where);
  CHECK(group.events.size() == event_list::events_max);
  CHECK(group.events_left_out == 600 - event_list::events_max);
  CHECK(group.events.front().attempt == 1);
  CHECK(group.events.back().attempt == 300);
  CHECK(group.attempts == 300);
}

TEST_CASE("an answer holds as many groups as it may, and counts the rest") {
  frames::message_story out;
  std::size_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    frames::group_story group;
    group.group = "g";
    for (int event = 0; event < 100; ++event)
      group.events.emplace_back().error.assign(delivery_error_bytes_max, 'x');
    add(out, std::move(group), bytes);
  }
  CHECK(out.groups.size() + out.groups_left_out == 100);
  CHECK(out.groups.size() > 5);
  CHECK(out.groups.size() < 30);
}
