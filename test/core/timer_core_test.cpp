#include "actors/core/timer_batches.hpp"
#include "actors/core/timer_core.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::core;

namespace {

timer_ptr row(std::int64_t due, std::uint64_t number, std::string name = {}) {
  auto out = std::make_shared<timer_record>();
  out->at = {unix_ms{due}, queue_id{1}, number};
  out->producer = producer_id{5};
  out->sequence = sequence{number + 1};
  out->name = std::move(name);
  out->batch = "batch";
  return out;
}

timer_query named(const std::string& name) {
  timer_query out;
  out.queues = {queue_id{1}};
  out.name = name;
  return out;
}

/// A core that has read an empty index up to `now` + 60 s.
timer_core ready(unix_ms now) {
  timer_core core;
  REQUIRE(core.wants(now));
  core.loaded({}, true);
  return core;
}

effects::batch batch_of(const std::vector<message_view>& messages) {
  batch_builder builder;
  for (const auto& m : messages) REQUIRE(builder.add(m));
  const auto encoded = builder.finish(codec::lz4);
  effects::batch out;
  out.queue = queue_id{1};
  out.base = offset{40};
  out.count = encoded->count;
  out.producer = producer_id{0xab};
  out.first = sequence{7};
  out.compression = encoded->compression;
  out.bytes = encoded->bytes;
  out.timed = true;
  return out;
}

} // namespace

TEST_CASE("timers: what is due is told once, in the order of times, and not before") {
  auto core = ready(unix_ms{1'000});
  core.armed(row(3'000, 0), true);
  core.armed(row(2'000, 1), true);
  core.armed(row(9'000, 2), true);
  CHECK(core.due(unix_ms{1'999}).empty());
  CHECK(core.next(unix_ms{1'000}) == unix_ms{2'000});
  const auto due = core.due(unix_ms{3'000});
  REQUIRE(due.size() == 1);
  REQUIRE(due[0].rows.size() == 2);
  CHECK(due[0].rows[0]->at.number == 1);
  CHECK(due[0].rows[1]->at.number == 0);
  CHECK(core.due(unix_ms{3'000}).empty());
  core.release({due[0].rows[1]->at});
  CHECK(core.due(unix_ms{3'000}).size() == 1);
}

TEST_CASE("timers: who is being delivered cannot be cancelled any more") {
  auto core = ready(unix_ms{1'000});
  core.armed(row(2'000, 0, "close"), true);
  const auto found = core.find(named("close"), {});
  REQUIRE(found.size() == 1);
  REQUIRE(core.due(unix_ms{2'000}).size() == 1);
  CHECK_FALSE(core.claim(found[0]->at));
  core.ended(found[0]->at);
  CHECK(core.find(named("close"), {}).empty());
}

TEST_CASE("timers: what the index says is overruled by what came after it was written") {
  auto core = ready(unix_ms{1'000});
  const auto stored = row(500'000, 0, "close");
  CHECK(core.find(named("close"), {stored}).size() == 1);
  core.ended(stored->at);
  CHECK(core.find(named("close"), {stored}).empty());
  auto later = std::make_shared<timer_record>(*stored);
  later->at.due = unix_ms{600'000};
  core.armed(later, false);
  const auto found = core.find(named("close"), {stored});
  REQUIRE(found.size() == 1);
  CHECK(found[0]->at.due == unix_ms{600'000});
  const auto& changes = core.cut().all();
  REQUIRE(changes.size() == 2);
  CHECK_FALSE(changes.at(stored->at).row);
  CHECK(changes.at(later->at).row == later);
}

TEST_CASE("timers: what came and went between two checkpoints costs the index nothing") {
  auto core = ready(unix_ms{1'000});
  core.armed(row(2'000, 0), true);
  core.ended({unix_ms{2'000}, queue_id{1}, 0});
  CHECK(core.cut().empty());
}

TEST_CASE("timers: a batch for later is taken apart, and joined again when it is due") {
  std::vector<message_view> messages(2);
  const std::vector<std::pair<std::string_view, std::string_view>> named_so{
    {"region", "north"}, {"carafe-timer", "close 1"}};
  messages[0].body = "first";
  messages[0].key = "k";
  messages[0].properties = named_so;
  messages[0].deliver_at = 50'000;
  messages[1].body = "second";
  messages[1].priority = 7;
  messages[1].deliver_at = -2'000;
  const auto rows = split_timers(batch_of(messages), unix_ms{10'000}, {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[0]->at == timer_key{unix_ms{50'000}, queue_id{1}, 40});
  CHECK((*rows)[1]->at == timer_key{unix_ms{12'000}, queue_id{1}, 41});
  CHECK((*rows)[0]->name == "close 1");
  CHECK((*rows)[1]->sequence == sequence{8});
  CHECK((*rows)[1]->armed == unix_ms{10'000});
  const auto joined = join_timers(*rows, {});
  REQUIRE(joined);
  CHECK(joined->taken == 2);
  const auto batch = batch_reader::open(joined->batch.bytes, joined->batch.compression, {});
  REQUIRE(batch);
  CHECK_FALSE(batch->timed());
  const auto first = batch->message(0);
  CHECK(first.body == "first");
  CHECK(first.key == "k");
  REQUIRE(first.properties.size() == 4);
  CHECK(first.properties[2] ==
        std::pair<std::string_view, std::string_view>{timer_id_property, "00000000000000ab-7"});
  CHECK(first.properties[3] ==
        std::pair<std::string_view, std::string_view>{timer_due_property, "50000"});
  CHECK(batch->message(1).priority == 7);
}

TEST_CASE("timers: a message of the largest size is delivered without the node's properties") {
  const std::string body(1'000, 'b');
  std::vector<message_view> messages(1);
  messages[0].body = body;
  messages[0].deliver_at = 50'000;
  batch_limits limits;
  limits.message_bytes_max = 1'000;
  const auto rows = split_timers(batch_of(messages), unix_ms{0}, limits);
  REQUIRE(rows);
  const auto joined = join_timers(*rows, limits);
  REQUIRE(joined);
  const auto batch = batch_reader::open(joined->batch.bytes, codec::none, limits);
  REQUIRE(batch);
  CHECK(batch->message(0).body == body);
  CHECK(batch->message(0).properties.empty());
}
