#include "test/actors/requests.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace carafe;
using namespace carafe::test;

namespace {

/// Takes the first offset of each batch that has come, by subscription.
std::map<std::uint64_t, std::vector<std::uint64_t>> delivered_to_each(rig::client& c) {
  std::map<std::uint64_t, std::vector<std::uint64_t>> got;
  while (auto d = c.take<frames::deliver>()) got[d->subscription.value].push_back(d->base.value);
  return got;
}

} // namespace

TEST_CASE(
  "a connection that takes nothing holds a bounded number of bytes, however many it reads") {
  rig r;
  rig::client writer{r, "writer"};
  const auto queue = make_topic(writer, "t", 1).queues[0].queue;
  constexpr std::size_t body_bytes = 300'000;
  constexpr std::uint64_t messages = 10, readers = 200;
  for (std::uint64_t i = 0; i < messages; ++i)
    REQUIRE(writer
              .ask<frames::receipt>(produce_of(queue, producer_id{9}, sequence{i + 1}, sequence{i},
                                               {std::string(body_bytes, 'x')}))
              .ok());
  rig::client c{r, "c"};
  c.in->takes = false;
  for (std::uint64_t i = 1; i <= readers; ++i) c.post(i, subscription(i, queue, {}, 1u << 30));
  r.settle();
  // All readers together could be sent 600 MB.
  CHECK(c.in->untaken_bytes < 16u << 20);
  c.take_again();
  const auto got = delivered_to_each(c);
  CHECK(got.size() == readers);
  for (const auto& [id, offsets] : got) CHECK(offsets == range(0, messages));
}

TEST_CASE("a connection that reads very many queues gets what is stored in each of them") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 40);
  for (const auto& queue : topic.queues) sender{c, queue.queue}.send(3);
  std::uint64_t id = 0;
  for (const auto& queue : topic.queues)
    REQUIRE(c.ask<frames::subscribed>(subscription(++id, queue.queue, {})).ok());
  r.settle();
  const auto got = delivered_to_each(c);
  CHECK(got.size() == topic.queues.size());
  for (const auto& [reader, offsets] : got) CHECK(offsets == range(0, 3));
}

TEST_CASE("whatever is under way when a topic is deleted is answered") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    rig r;
    rig::client c{r, "c"};
    sender s{c, make_topic(c, "t", 1).queues[0].queue};
    s.send(3);
    const auto joined = c.ask<frames::joined>(joining("g", "t"));
    REQUIRE(joined.ok());
    const auto mine = c.take<frames::assigned>();
    REQUIRE(mine);
    c.in->frames.clear();
    const start_position then{start_position::kind::at_time, {}, r.clocks->wall()};
    std::vector<frames::body> wishes{frames::topic_describe{"t", false},
                                     subscription(7, s.queue, then),
                                     frames::group_reset{"g", "t", std::nullopt, then},
                                     committing(joined->member, *mine, offset{2}),
                                     frames::group_describe{"g"},
                                     frames::topic_delete{"t"},
                                     frames::topic_describe{"t", false},
                                     subscription(8, s.queue, then)};
    std::mt19937 random{seed};
    std::shuffle(wishes.begin(), wishes.end(), random);
    std::uint64_t request = 1'000;
    for (const auto& wish : wishes) c.post(++request, wish);
    while (r.run_one([&](std::size_t count) { return random() % count; })) {
    }
    r.pass(std::chrono::seconds{30});
    std::set<std::uint64_t> answered;
    for (const auto& f : c.in->frames)
      if (f.request != 0) answered.insert(f.request);
    INFO("seed " << seed);
    CHECK(answered.size() == wishes.size());
  }
}

TEST_CASE("whoever asked a group that was deleted is answered when its shard goes on") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(3);
  const auto joined = c.ask<frames::joined>(joining("g", "t"));
  REQUIRE(joined.ok());
  const auto mine = c.take<frames::assigned>();
  REQUIRE(mine);
  auto& log = *r.disks.at(shard_id{0}).log;
  log.append_fails = errc::storage_full;
  c.post(500, committing(joined->member, *mine, offset{2}));
  c.post(501, frames::leave{joined->member});
  c.post(502, frames::group_delete{"g"});
  r.pass(std::chrono::seconds{20});
  log.append_fails = errc::none;
  r.pass(std::chrono::seconds{20});
  std::set<std::uint64_t> answered;
  for (const auto& f : c.in->frames) answered.insert(f.request);
  for (const std::uint64_t request : {500u, 501u, 502u}) CHECK(answered.contains(request));
}

TEST_CASE("a silent connection is closed when its time is over, and not much later") {
  rig r;
  rig::client c{r, "silent"};
  r.pass(std::chrono::seconds{2});
  c.send(1, frames::ping{});
  r.pass(std::chrono::milliseconds{29'900});
  CHECK_FALSE(c.in->closed);
  r.pass(std::chrono::milliseconds{300});
  CHECK(c.in->closed);
}
