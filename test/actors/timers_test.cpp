#include "test/actors/requests.hpp"
#include "test/actors/rig.hpp"
#include "test/e2e/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

/// A node whose shards have an index of what waits, and write it often.
struct waiting_room {
  temp_dir dir;
  rig r;

  explicit waiting_room(std::uint64_t checkpoint_entries = 5) {
    r.timers_folder = dir.path();
    r.checkpoint_entries = checkpoint_entries;
    r.crash(false);
    r.start();
  }
  [[nodiscard]] std::int64_t in(std::chrono::milliseconds time) const {
    return r.clocks->wall().value + time.count();
  }
};

/// Stores messages for later in one queue.
struct armer {
  rig::client& c;
  queue_id queue;
  producer_id producer{9};
  std::uint64_t last = 0;

  void arm(std::uint32_t count, std::int64_t due, const std::string& name = "n") {
    REQUIRE(c.ask<frames::receipt>(next(count, due, name)).ok());
  }

  frames::produce next(std::uint32_t count, std::int64_t due, const std::string& name) {
    const std::vector<std::pair<std::string_view, std::string_view>> properties{
      {"carafe-timer", name}};
    batch_builder builder;
    for (std::uint32_t i = 0; i < count; ++i) {
      message_view m;
      m.body = "x";
      m.properties = properties;
      m.deliver_at = due;
      REQUIRE(builder.add(m).ok());
    }
    const auto batch = builder.finish(codec::none);
    REQUIRE(batch.ok());
    frames::produce out;
    out.queue = queue;
    out.producer = producer;
    out.first = sequence{last + 1};
    out.previous = sequence{last};
    out.count = batch->count;
    out.compression = batch->compression;
    out.checksum = batch->checksum;
    out.batch = batch->bytes;
    last += count;
    return out;
  }
};

frames::timers listed(rig::client& c, frames::timer_list wish) {
  auto found = c.ask<frames::timers>(std::move(wish));
  REQUIRE(found.ok());
  return *found;
}

} // namespace

TEST_CASE("timers: all that have a name are moved and cancelled, however many they are") {
  waiting_room at;
  rig::client c{at.r, "c"};
  const auto topic = make_topic(c, "t", 2);
  armer first{c, topic.queues[0].queue};
  armer second{c, topic.queues[1].queue};
  const auto due = at.in(1h);
  for (int i = 0; i < 6; ++i) first.arm(2'000, due + i);
  second.arm(10, due);
  second.arm(5, due, "another");
  constexpr std::uint32_t all = 12'010;
  const auto changed = [&](frames::body wish) {
    const auto done = c.ask<frames::timers_changed>(std::move(wish));
    REQUIRE(done.ok());
    return done->count;
  };
  // Also to a time at which some wait already, and none is counted twice.
  CHECK(changed(frames::timer_move{{"t", "n"}, due + 3}) == all);
  CHECK(changed(frames::timer_move{{"t", "n"}, due + 3}) == all);
  CHECK(changed(frames::timer_move{{"t", "n"}, due + 60'000}) == all);
  for (const auto& each : listed(c, {"t", unix_ms{0}, 0}).pending)
    REQUIRE(each.due.value == (each.name == "n" ? due + 60'000 : due));
  CHECK(changed(frames::timer_end{{"t", "n"}}) == all);
  CHECK(listed(c, {"t", unix_ms{0}, 0}).total == 5);
  CHECK(c.ask<frames::timers_changed>(frames::timer_end{{"t", "n"}}).code() == errc::timer_unknown);
}

TEST_CASE("timers: ended ones that the index still has hide nothing from a list") {
  waiting_room at;
  rig::client c{at.r, "c"};
  const auto topic = make_topic(c, "t", 1);
  armer a{c, topic.queues[0].queue};
  // The index is written now and then; one of these rounds ends between two times.
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 6; ++i) a.arm(50, at.in(1h), "gone");
    a.arm(20, at.in(2h), "kept");
    REQUIRE(c.ask<frames::timers_changed>(frames::timer_end{{"t", "gone"}}).ok());
    const auto found = listed(c, {"t", unix_ms{0}, 10});
    REQUIRE(found.pending.size() == 10);
    for (const auto& each : found.pending) REQUIRE(each.name == "kept");
  }
}

TEST_CASE("timers: sooner ones of other topics hide nothing from a list, however many they are") {
  waiting_room at;
  rig::client c{at.r, "c"};
  const auto others = make_topic(c, "others", 1);
  const auto topic = make_topic(c, "t", 1);
  armer sooner{c, others.queues[0].queue};
  for (int i = 0; i < 30; ++i) sooner.arm(2'000, at.in(1h) + i, "");
  armer a{c, topic.queues[0].queue};
  a.arm(3, at.in(2h));
  CHECK(listed(c, {"t", unix_ms{0}, 10}).pending.size() == 3);
  CHECK(listed(c, {"others", unix_ms{0}, 0}).pending.size() == 10'000);
}

TEST_CASE("timers: a list goes on behind a message, also among those that are due together") {
  waiting_room at;
  rig::client c{at.r, "c"};
  const auto topic = make_topic(c, "t", 2);
  const auto due = at.in(1h);
  for (const auto& each : topic.queues) {
    armer a{c, each.queue};
    a.arm(25, due);
    a.arm(3, due + 1);
  }
  using place = std::tuple<unix_ms, queue_id, std::uint64_t>;
  std::vector<place> seen;
  frames::timer_list wish{"t", unix_ms{0}, 7};
  for (;;) {
    const auto found = listed(c, wish).pending;
    if (found.empty()) break;
    for (const auto& each : found) seen.emplace_back(each.due, each.queue, each.place);
    std::tie(wish.after, wish.after_queue, wish.after_place) = seen.back();
  }
  CHECK(seen.size() == 56);
  CHECK(std::ranges::is_sorted(seen));
  CHECK(std::set<place>(seen.begin(), seen.end()).size() == 56);
  // A time alone passes over all that are due then.
  CHECK(listed(c, {"t", unix_ms{due}, 0}).pending.size() == 6);
}

TEST_CASE("timers: one without a key is delivered though its topic was compacted meanwhile") {
  waiting_room at;
  rig::client c{at.r, "c"};
  const auto topic = make_topic(c, "t", 1);
  armer a{c, topic.queues[0].queue};
  a.arm(1, at.in(500ms));
  frames::topic_alter wish{"t", 0, {}};
  wish.compacted = true;
  REQUIRE(c.ask<frames::topic_description>(wish).ok());
  at.r.pass(1s);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, topic.queues[0].queue, {})).ok());
  CHECK(delivered(c) == range(0, 1));
}

TEST_CASE("timers: those that came faster than the index is written are taken once it is") {
  waiting_room at{1'000'000};
  rig::client c{at.r, "c"};
  const auto topic = make_topic(c, "t", 1);
  armer a{c, topic.queues[0].queue};
  std::vector<frames::produce> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(a.next(1'000, at.in(1h) + i, ""));
    c.post(1'000 + static_cast<std::uint64_t>(i), sent.back());
  }
  static_cast<void>(listed(c, {"t", unix_ms{0}, 1}));
  std::size_t taken = 0;
  while (c.take<frames::receipt>()) ++taken;
  REQUIRE(taken < sent.size());
  const auto why = c.take<frames::error>();
  REQUIRE(why);
  CHECK(why->why.code == errc::too_many_requests);
  CHECK(why->retry_after_ms > 0);
  // No time goes by.
  for (; taken < sent.size(); ++taken) REQUIRE(c.ask<frames::receipt>(sent[taken]).ok());
  CHECK(listed(c, {"t", unix_ms{0}, 1}).total == 60'000);
}
