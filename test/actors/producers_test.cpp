#include "test/actors/requests.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::test;

namespace {

frames::producer_opened open(rig::client& c, const std::string& name = "importer") {
  const auto answer =
    c.ask<frames::producer_answer>(frames::producer_request{frames::producer_open{name}});
  REQUIRE(answer.ok());
  return std::get<frames::producer_opened>(answer->what);
}

result<frames::producer_progress> progress(rig::client& c, const frames::producer_opened& holder) {
  auto answer = c.ask<frames::producer_answer>(
    frames::producer_request{frames::producer_progress_ask{holder.name, holder.epoch, "t"}});
  if (!answer) return answer.error();
  return std::get<frames::producer_progress>(answer->what);
}

/// Two messages of a name's holder, the first batch of a producer id of its own.
frames::produce numbered(queue_id queue, const frames::producer_opened& holder,
                         std::uint64_t producer, std::uint64_t first) {
  auto out = produce_of(queue, producer_id{producer}, sequence{1}, sequence{0}, {"a", "b"});
  out.named = {holder.name, holder.epoch, sequence{first}, sequence{first + 1}, 2};
  return out;
}

/// A batch of messages with these ids, the first of a producer id of its own.
frames::produce with_ids(queue_id queue, std::uint64_t producer,
                         const std::vector<std::string>& ids) {
  batch_builder builder;
  for (const auto& id : ids) {
    message_view m;
    m.body = id;
    m.dedup_id = id;
    REQUIRE(builder.add(m));
  }
  const auto batch = *builder.finish(codec::none);
  frames::produce out;
  out.queue = queue;
  out.producer = producer_id{producer};
  out.first = sequence{1};
  out.count = batch.count;
  out.checksum = batch.checksum;
  out.batch = batch.bytes;
  return out;
}

frames::topic_description make_deduplicating(rig::client& c, std::uint64_t window_ms) {
  frames::topic_create create;
  create.name = "t";
  create.queues = 1;
  create.settings.dedup_window_ms = window_ms;
  auto made = c.ask<frames::topic_description>(create);
  REQUIRE(made.ok());
  return *made;
}

std::vector<frames::duplicate> duplicates_of(result<frames::producer_answer> answer) {
  REQUIRE(answer.ok());
  return std::get<frames::duplicates>(answer->what).messages;
}

} // namespace

TEST_CASE("once a name is opened again its former holder is fenced in every shard") {
  rig r{3};
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 6);
  const auto first = open(c);
  std::uint64_t producer = 0;
  for (const auto& queue : topic.queues)
    REQUIRE(c.ask<frames::receipt>(numbered(queue.queue, first, ++producer, 1)).ok());
  const auto second = open(c);
  CHECK(second.name == first.name);
  CHECK(second.epoch == first.epoch + 1);
  for (const auto& queue : topic.queues) {
    CHECK(c.ask<frames::receipt>(numbered(queue.queue, first, ++producer, 3)).code() ==
          errc::producer_fenced);
    CHECK(c.ask<frames::receipt>(numbered(queue.queue, second, ++producer, 1)).code() ==
          errc::duplicate_too_old);
  }
  CHECK(progress(c, first).code() == errc::producer_fenced);
  const auto there = progress(c, second);
  REQUIRE(there.ok());
  CHECK(there->spread == 2);
  REQUIRE(there->queues.size() == 6);
  for (const auto& place : there->queues) CHECK(place.last == sequence{2});
}

TEST_CASE("names, epochs and numbers survive a crash, also in shards that are made later") {
  rig r{2};
  frames::producer_opened holder;
  queue_id queue;
  {
    rig::client c{r, "c"};
    holder = open(c);
    queue = make_topic(c, "t", 2, durability::interval).queues[1].queue;
    REQUIRE(c.ask<frames::receipt>(numbered(queue, holder, 1, 10)).ok());
  }
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  CHECK(c.ask<frames::receipt>(numbered(queue, holder, 2, 10)).code() == errc::duplicate_too_old);
  CHECK(c.ask<frames::receipt>(numbered(queue, holder, 3, 12)).ok());
  const auto next = open(c);
  CHECK(next.epoch == holder.epoch + 1);
  CHECK(c.ask<frames::receipt>(numbered(queue, holder, 4, 14)).code() == errc::producer_fenced);
  REQUIRE(c.ask<frames::ok>(frames::producer_request{frames::producer_forget{"importer"}}).ok());
  CHECK(c.ask<frames::receipt>(numbered(queue, next, 5, 14)).code() == errc::producer_fenced);
  CHECK(open(c).name != holder.name);
}

TEST_CASE("an opening that a kill cuts off anywhere leaves a name that can be opened") {
  for (int steps = 0;; ++steps) {
    rig r{2};
    frames::producer_opened holder;
    queue_id queue;
    {
      rig::client c{r, "c"};
      queue = make_topic(c, "t", 2).queues[0].queue;
      holder = open(c);
      c.post(99, frames::producer_request{frames::producer_open{"importer"}});
    }
    bool more = true;
    for (int i = 0; i < steps && more; ++i) more = r.run_one([](std::size_t) { return 0; });
    r.crash(false);
    r.start();
    rig::client c{r, "c"};
    const auto next = open(c);
    CHECK(next.epoch > holder.epoch);
    CHECK(c.ask<frames::receipt>(numbered(queue, holder, 1, 1)).code() == errc::producer_fenced);
    CHECK(c.ask<frames::receipt>(numbered(queue, next, 2, 1)).ok());
    if (!more || steps > 200) break;
  }
}

TEST_CASE("a batch with messages that are stored already is not stored, and told which") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_deduplicating(c, 60'000).queues[0].queue;
  REQUIRE(c.ask<frames::receipt>(with_ids(queue, 1, {"a", "b"})).ok());
  CHECK(duplicates_of(c.ask<frames::producer_answer>(with_ids(queue, 2, {"x", "b"}))) ==
        std::vector<frames::duplicate>{{1, offset{1}, false}});
  auto seen = c.ask<frames::topic_description>(frames::topic_describe{"t", false});
  CHECK(seen->queues[0].end == offset{2});
  // The rest, under the same sequence.
  const auto rest = c.ask<frames::receipt>(with_ids(queue, 2, {"x"}));
  REQUIRE(rest.ok());
  CHECK(rest->first == offset{2});
  // A retry of the first batch is one.
  CHECK(c.ask<frames::receipt>(with_ids(queue, 1, {"a", "b"}))->duplicate);
  r.crash(false);
  r.start();
  rig::client again{r, "c"};
  CHECK(duplicates_of(again.ask<frames::producer_answer>(with_ids(queue, 3, {"x"}))) ==
        std::vector<frames::duplicate>{{0, offset{2}, false}});
  r.clocks->now_ms += 61'000;
  CHECK(again.ask<frames::receipt>(with_ids(queue, 3, {"x"})).ok());
}

TEST_CASE("a duplicate of what is in flight is told when that is stored") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_deduplicating(c, 60'000).queues[0].queue;
  c.post(1, with_ids(queue, 1, {"a"}));
  c.post(2, with_ids(queue, 2, {"a"}));
  r.settle();
  REQUIRE(c.take<frames::receipt>());
  const auto answer = c.take<frames::producer_answer>();
  REQUIRE(answer);
  CHECK(std::get<frames::duplicates>(answer->what).messages ==
        std::vector<frames::duplicate>{{0, offset{0}, false}});
}
