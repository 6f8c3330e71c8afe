#include "actors/time_zones.hpp"
#include "test/actors/requests.hpp"
#include "test/actors/rig.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

schedule_definition every(std::uint64_t ms, std::string name = "s", std::string key = {}) {
  schedule_definition out;
  out.name = std::move(name);
  out.topic = "t";
  out.when = every_rule{ms, {}};
  out.missed = missed_policy::all;
  out.message = batch_of({"tick"}, key).bytes.text();
  return out;
}

frames::schedule_line put(rig::client& c, const schedule_definition& what) {
  auto made = c.ask<frames::schedules>(frames::schedule_put{what, false});
  REQUIRE(made.ok());
  REQUIRE(made->lines.size() == 1);
  return made->lines[0];
}

frames::schedule_line line(rig::client& c, const std::string& name = "s") {
  auto found = c.ask<frames::schedules>(frames::schedule_list{name, {}, 0});
  REQUIRE(found.ok());
  return found->lines.at(0);
}

/// Every message of these queues: how often each time was sent.
std::map<std::int64_t, int> times_sent(rig& r, const std::vector<frames::topic_queue>& queues,
                                       const std::string& schedule = "s") {
  rig::client c{r, "reader"};
  std::map<std::int64_t, int> out;
  std::uint64_t id = 0;
  for (const auto& queue : queues)
    REQUIRE(c.ask<frames::subscribed>(subscription(++id, queue.queue, {})).ok());
  r.pass(200ms);
  while (auto d = c.take<frames::deliver>()) {
    auto batch = batch_reader::open(d->batch, d->compression, {});
    REQUIRE(batch.ok());
    for (std::uint32_t i = 0; i < batch->count(); ++i) {
      std::map<std::string_view, std::string_view> properties;
      const auto message = batch->message(i);
      for (const auto& [name, value] : message.properties) properties[name] = value;
      if (properties["carafe-schedule"] != schedule) continue;
      const auto due = std::stoll(std::string{properties["carafe-schedule-due-ms"]});
      CHECK(d->broker_time.value >= due);
      CHECK(message.body == "tick");
      ++out[due];
    }
  }
  c.disconnect();
  return out;
}

} // namespace

TEST_CASE("schedules: messages come when they are due, in turn over queues of several shards") {
  rig r{3};
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 3);
  const auto made = put(c, every(1'000));
  CHECK(made.next.value == made.created.value + 1'000);
  r.pass(900ms);
  CHECK(line(c).progress.fired == 0);
  r.pass(5'300ms);
  const auto now = line(c);
  CHECK(now.progress.fired == 6);
  CHECK(now.progress.missed == 0);
  CHECK(now.progress.last_due.value == made.created.value + 6'000);
  CHECK(now.problem.empty());
  for (const auto& queue : topic.queues) CHECK(times_sent(r, {queue}).size() == 2);
}

TEST_CASE("schedules: a message with a key goes to its key's queue") {
  rig r{2};
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 4);
  put(c, every(1'000, "s", "order 7"));
  r.pass(4'200ms);
  CHECK(times_sent(r, {topic.queues[queue_of_key("order 7", 4).value]}).size() == 4);
}

TEST_CASE("schedules: over crashes each time is sent once", "[property]") {
  with_seeds(12, [](dice& d) {
    rig r{3};
    r.checkpoint_entries = d.between(1, 8);
    std::vector<frames::topic_queue> queues;
    {
      rig::client c{r, "c"};
      queues = make_topic(c, "t", 5).queues;
      put(c, every(1'000));
      put(c, every(1'300, "other"));
    }
    for (int round = 0; round < 12; ++round) {
      const auto until = r.clocks->now_ms + d.between(0, 3'000);
      while (r.clocks->now_ms < until) {
        r.advance(50ms);
        for (auto steps = d.below(60); steps > 0; --steps)
          if (!r.run_one([&](std::size_t count) { return d.below(count); })) break;
      }
      r.crash(d.percent(50));
      r.clocks->now_ms += d.below(4'000); // Down for so long.
      if (d.percent(10)) r.clocks->wall_shift_ms -= 2'000;
      r.start();
    }
    r.pass(8'000ms);
    rig::client c{r, "c"};
    for (const auto* name : {"s", "other"}) {
      const auto now = line(c, name);
      const auto interval = std::get<every_rule>(now.what.when).interval_ms;
      const auto sent = times_sent(r, queues, name);
      CHECK(now.progress.missed == 0);
      CHECK(now.progress.failed == 0);
      CHECK(sent.size() >= now.progress.fired);
      auto expected = now.created.value;
      for (const auto& [due, count] : sent) {
        expected += static_cast<std::int64_t>(interval);
        REQUIRE(due == expected);
        REQUIRE(count == 1);
      }
    }
  });
}

TEST_CASE("schedules: what a node was down for is sent as the policy says") {
  rig r{2};
  std::vector<frames::topic_queue> queues;
  {
    rig::client c{r, "c"};
    queues = make_topic(c, "t", 2).queues;
    for (const auto& [name, policy] :
         std::map<std::string, missed_policy>{{"skip", missed_policy::skip},
                                              {"once", missed_policy::once},
                                              {"all", missed_policy::all}}) {
      auto what = every(60'000, name);
      what.missed = policy;
      put(c, what);
    }
  }
  r.crash(false);
  r.clocks->now_ms += 10 * 60'000 + 30'000;
  r.start();
  rig::client c{r, "c"};
  r.pass(1'000ms);
  CHECK(times_sent(r, queues, "skip").empty());
  CHECK(line(c, "skip").progress.missed == 10);
  CHECK(times_sent(r, queues, "once").size() == 1);
  CHECK(line(c, "once").progress.missed == 9);
  CHECK(times_sent(r, queues, "all").size() == 10);
  CHECK(line(c, "all").progress.missed == 0);
  r.pass(60'000ms); // The client was silent for too long.
  rig::client other{r, "c"};
  for (const auto* name : {"skip", "once", "all"}) {
    const auto now = line(other, name);
    CHECK(now.progress.last_due.value > now.created.value + 10 * 60'000);
  }
}

TEST_CASE("schedules: without its topic a time has failed, and the next one finds it") {
  rig r;
  rig::client c{r, "c"};
  put(c, every(1'000));
  r.pass(2'200ms);
  auto now = line(c);
  CHECK(now.progress.failed == 2);
  CHECK(now.progress.fired == 0);
  CHECK(now.progress.error.find("topic_unknown") != std::string::npos);
  auto topic = make_topic(c, "t", 1);
  r.pass(1'000ms);
  CHECK(line(c).progress.fired == 1);
  // It is made anew: with other queues.
  REQUIRE(c.ask<frames::ok>(frames::topic_delete{"t"}).ok());
  topic = make_topic(c, "t", 2);
  r.pass(4'000ms);
  now = line(c);
  CHECK(now.progress.failed == 2);
  CHECK(now.progress.fired == 5);
  CHECK(times_sent(r, topic.queues).size() == 4);
}

TEST_CASE("schedules: a message without a key never gets into a compacted topic") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 1);
  const auto set_compacted = [&](bool compacted) {
    frames::topic_alter wish{"t", 0, {}};
    wish.compacted = compacted;
    REQUIRE(c.ask<frames::topic_description>(wish).ok());
  };
  put(c, every(1'000));
  put(c, every(1'000, "with-key", "k"));
  r.pass(1'200ms);
  CHECK(line(c).progress.fired == 1);
  set_compacted(true);
  CHECK(c.ask<frames::schedules>(frames::schedule_put{every(1'000, "late"), false}).code() ==
        errc::key_required);
  put(c, every(1'000, "late-with-key", "k"));
  r.pass(2'000ms);
  const auto now = line(c);
  CHECK(now.progress.fired == 1);
  CHECK(now.progress.failed == 2);
  CHECK(now.progress.error.find("key_required") != std::string::npos);
  CHECK(line(c, "with-key").progress.fired == 3);
  set_compacted(false);
  r.pass(1'000ms);
  CHECK(line(c).progress.fired == 2);
  CHECK(times_sent(r, topic.queues).size() == 2);
}

TEST_CASE("schedules: a topic is made by its use where the node does that") {
  rig r;
  r.create_on_use = 2;
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  put(c, every(1'000));
  r.pass(1'200ms);
  CHECK(line(c).progress.fired == 1);
  CHECK(c.ask<frames::topic_description>(frames::topic_describe{"t", false})->queues.size() == 2);
}

TEST_CASE("schedules: paused, resumed and deleted ones, also after a restart") {
  rig r{2};
  std::vector<frames::topic_queue> queues;
  {
    rig::client c{r, "c"};
    queues = make_topic(c, "t", 2).queues;
    put(c, every(1'000));
    r.pass(2'200ms);
    auto paused =
      c.ask<frames::schedules>(frames::schedule_put{frames::schedule_put::pause{"s"}, false});
    REQUIRE(paused.ok());
    CHECK(paused->lines.at(0).paused);
  }
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  r.pass(3'000ms);
  CHECK(line(c).progress.fired == 2);
  REQUIRE(
    c.ask<frames::schedules>(frames::schedule_put{frames::schedule_put::resume{"s"}, false}).ok());
  r.pass(2'000ms);
  const auto now = line(c);
  CHECK(now.progress.fired == 4);
  CHECK(now.progress.missed == 0);
  REQUIRE(c.ask<frames::ok>(frames::schedule_delete{"s"}).ok());
  CHECK(c.ask<frames::ok>(frames::schedule_delete{"s"}).code() == errc::schedule_unknown);
  r.pass(2'000ms);
  CHECK(times_sent(r, queues).size() == 4);
  for (const auto& [id, handles] : r.shards) {
    const auto rows = ask_actor<schedule_rows>(r, handles.shard, schedules_atom_v);
    CHECK(rows.schedules.empty());
    CHECK(rows.fired.empty());
  }
}

TEST_CASE("schedules: what a client asks for is checked") {
  rig r;
  r.schedule_settings.limits.schedules_max = 2;
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  const auto refused = [&](const schedule_definition& what, bool if_missing = false) {
    return c.ask<frames::schedules>(frames::schedule_put{what, if_missing}).error();
  };
  put(c, every(1'000));
  CHECK(refused(every(1'000)).code == errc::schedule_exists);
  CHECK(c.ask<frames::schedules>(frames::schedule_put{every(1'000), true}).ok());
  auto what = every(1'000, "u");
  what.when = cron_rule{"0 2 * 13 *", "Europe/Berlin"};
  CHECK(refused(what).code == errc::schedule_invalid);
  CHECK(refused(what).detail == "column 7: month: 13 is not within 1 to 12");
  what.when = cron_rule{"0 2 * * *", "Europe/Atlantis"};
  CHECK(refused(what).detail.find("Europe/Atlantis") != std::string::npos);
  what.when = cron_rule{"0 2 * * *", "../../etc/passwd"};
  CHECK(refused(what).code == errc::schedule_invalid);
  what = every(1'000, "u");
  what.message = "no batch";
  CHECK(refused(what).code != errc::none);
  put(c, every(1'000, "u"));
  CHECK(refused(every(1'000, "v")).code == errc::too_many_schedules);
  CHECK(c.ask<frames::schedules>(frames::schedule_list{})->total == 2);
  CHECK(c.ask<frames::schedules>(frames::schedule_list{"x", {}, 0}).code() ==
        errc::schedule_unknown);
}

TEST_CASE("schedules: zones are those of the system") {
  const auto zone = find_time_zone("Europe/Berlin");
  REQUIRE(zone.ok());
  const auto summer = (*zone)->at(1'780'000'000);
  CHECK(summer.offset_s == 7'200);
  CHECK(summer.begin_s == 1'774'746'000);
  CHECK(summer.end_s == 1'792'890'000);
  CHECK((*zone)->at(1'792'890'000).offset_s == 3'600);
  CHECK((*find_time_zone(""))->at(0).offset_s == 0);
  CHECK((*find_time_zone("Asia/Kolkata"))->at(1'780'000'000).offset_s == 19'800);
  for (const char* wrong : {"Europe/Atlantis", "no zone", "Europe/Berlin\n", "/etc/passwd"})
    CHECK(find_time_zone(wrong).code() == errc::schedule_invalid);
}
