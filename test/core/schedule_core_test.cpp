#include "actors/core/schedule_core.hpp"
#include "test/core/zones.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::int64_t start = 1'790'000'000'000;

unix_ms at(std::int64_t after_start) { return unix_ms{start + after_start}; }

result<std::shared_ptr<const time_zone>> find_zone(const std::string& name) {
  if (name.empty()) return std::shared_ptr<const time_zone>{new utc_zone};
  if (name == "Europe/Berlin")
    return std::shared_ptr<const time_zone>{std::make_shared<const made_up_zone>(berlin())};
  return {errc::schedule_invalid, "zone '" + name + "'"};
}

schedule_definition every(std::uint64_t ms, missed_policy missed = missed_policy::once) {
  schedule_definition out;
  out.name = "s";
  out.topic = "t";
  out.when = every_rule{ms, {}};
  out.missed = missed;
  return out;
}

frames::schedule_put putting(schedule_definition what, bool if_missing = false) {
  return {std::move(what), if_missing};
}

struct fixture {
  schedule_core core{{3}, find_zone};
  std::uint64_t ids = 0;

  schedule_id make(const schedule_definition& what, unix_ms now = at(0)) {
    const auto made = core.put(putting(what), schedule_id{++ids}, now);
    REQUIRE(made.ok());
    REQUIRE(made->effect);
    core.apply(*made->effect);
    return schedule_id{ids};
  }
  errc refused(const schedule_definition& what) {
    return core.put(putting(what), schedule_id{99}, at(0)).code();
  }
  schedule_core::firing step(unix_ms now) {
    const auto steps = core.due(now, 1);
    REQUIRE(steps.size() == 1);
    return steps[0];
  }
  void settle(const schedule_core::firing& step) { core.settled(step.schedule, step.after); }
  frames::schedule_line line() { return core.list({"s", {}, 0})->lines.at(0); }
};

} // namespace

TEST_CASE("schedules: one is due again and again, each time once") {
  fixture f;
  f.make(every(60'000));
  CHECK(f.core.next() == at(60'000));
  CHECK(f.core.due(at(59'999), 9).empty());
  for (int i = 1; i <= 3; ++i) {
    const auto step = f.step(at(i * 60'000 + 5));
    CHECK(step.sends);
    CHECK(step.due == at(i * 60'000));
    CHECK(step.passed == 0);
    CHECK(step.after.fired == static_cast<std::uint64_t>(i));
    CHECK(step.after.last_fired == at(i * 60'000 + 5));
    CHECK(f.core.due(at(i * 60'000 + 10), 9).empty()); // It is being written.
    f.settle(step);
    CHECK(f.core.due(at(i * 60'000 + 10), 9).empty());
  }
}

TEST_CASE("schedules: what was missed is skipped, sent once, or all of it") {
  // Ten minutes and a half pass; the last minute is half a minute late.
  const auto late = at(630'000);
  SECTION("skip") {
    fixture f;
    f.make(every(60'000, missed_policy::skip));
    const auto step = f.step(late);
    CHECK_FALSE(step.sends);
    CHECK(step.passed == 10);
    CHECK(step.after.handled == at(600'000));
    f.settle(step);
    CHECK(f.line().progress.missed == 10);
    CHECK(f.core.next() == at(660'000));
  }
  SECTION("skip, but what is on time comes") {
    fixture f;
    f.make(every(60'000, missed_policy::skip));
    const auto step = f.step(at(600'000 + schedule_core::late_ms));
    CHECK(step.sends);
    CHECK(step.due == at(600'000));
    CHECK(step.passed == 9);
    CHECK(step.after.missed == 9);
  }
  SECTION("once") {
    fixture f;
    f.make(every(60'000));
    const auto step = f.step(late);
    CHECK(step.sends);
    CHECK(step.due == at(600'000));
    CHECK(step.passed == 9);
    f.settle(step);
    CHECK(f.core.due(late, 9).empty());
  }
  SECTION("once, and what is on time comes too") {
    fixture f;
    f.make(every(60'000));
    const auto missed = f.step(at(600'001));
    CHECK(missed.due == at(540'000));
    CHECK(missed.passed == 8);
    f.settle(missed);
    const auto step = f.step(at(600'001));
    CHECK(step.due == at(600'000));
    CHECK(step.passed == 0);
  }
  SECTION("all") {
    fixture f;
    f.make(every(60'000, missed_policy::all));
    for (int i = 1; i <= 10; ++i) {
      const auto step = f.step(late);
      CHECK(step.sends);
      CHECK(step.due == at(i * 60'000));
      CHECK(step.after.missed == 0);
      f.settle(step);
    }
    CHECK(f.core.due(late, 9).empty());
  }
}

TEST_CASE("schedules: of very many missed times the newest are sent, the others counted") {
  fixture f;
  f.make(every(1'000, missed_policy::all));
  const auto now = at(50'000'500);
  std::uint64_t sent = 0;
  for (;;) {
    const auto steps = f.core.due(now, 1);
    if (steps.empty()) break;
    REQUIRE(steps[0].passed <= schedule_core::skip_max);
    sent += steps[0].sends ? 1 : 0;
    f.settle(steps[0]);
  }
  const auto line = f.line();
  CHECK(sent == line.progress.fired);
  CHECK(sent >= schedule_core::catch_up_max);
  CHECK(sent <= schedule_core::catch_up_max + 1);
  CHECK(line.progress.fired + line.progress.missed == 50'000);
  CHECK(line.progress.last_due == at(50'000'000));
}

TEST_CASE("schedules: a clock that is set back lets nothing come twice") {
  fixture f;
  f.make(every(60'000));
  f.settle(f.step(at(60'000)));
  CHECK(f.core.due(at(-500'000), 9).empty());
  CHECK(f.core.due(at(60'001), 9).empty());
  CHECK(f.step(at(120'000)).due == at(120'000));
}

TEST_CASE("schedules: one ends at its end, or after so many messages") {
  fixture f;
  auto what = every(60'000);
  what.until = at(150'000);
  f.make(what);
  f.settle(f.step(at(60'000)));
  f.settle(f.step(at(120'000)));
  CHECK_FALSE(f.core.next());
  CHECK(f.line().next == unix_ms{0});
  what = every(60'000);
  what.name = "u";
  what.count_max = 2;
  f.make(what);
  f.settle(f.step(at(60'000)));
  f.settle(f.step(at(120'000)));
  CHECK_FALSE(f.core.next());
}

TEST_CASE("schedules: what cannot be sent is counted, with its reason, and the next one comes") {
  fixture f;
  f.make(every(60'000));
  const auto step = f.step(at(60'000));
  const auto progress = schedule_core::failed(step, std::string(600, 'x'));
  CHECK(progress.error.size() == schedule_core::error_bytes_max);
  f.core.settled(step.schedule, progress);
  const auto line = f.line();
  CHECK(line.progress.failed == 1);
  CHECK(line.progress.fired == 0);
  CHECK(line.progress.last_due == unix_ms{0});
  CHECK(f.step(at(120'000)).due == at(120'000));
}

TEST_CASE("schedules: what cannot be written now is tried again, and says why meanwhile") {
  fixture f;
  f.make(every(60'000));
  const auto step = f.step(at(60'000));
  CHECK(f.core.is_busy("s"));
  f.core.hold(step.schedule, "the disk is full");
  CHECK_FALSE(f.core.is_busy("s"));
  CHECK(f.line().problem == "the disk is full");
  CHECK(f.core.due(at(60'100), 9).empty());
  f.core.release(step.schedule);
  const auto again = f.step(at(60'200));
  CHECK(again.due == at(60'000));
  CHECK(again.after.step == step.after.step);
  f.settle(again);
  CHECK(f.line().problem.empty());
}

TEST_CASE("schedules: a paused one sends nothing, and what passed then is not missed") {
  fixture f;
  const auto id = f.make(every(60'000));
  f.settle(f.step(at(60'000)));
  auto wish = f.core.put({frames::schedule_put::pause{"s"}, false}, {}, at(61'000));
  REQUIRE(wish.ok());
  f.core.apply(*wish->effect);
  CHECK_FALSE(f.core.next());
  CHECK(f.core.due(at(600'000), 9).empty());
  CHECK(f.line().paused);
  // Once more changes nothing.
  CHECK_FALSE(f.core.put({frames::schedule_put::pause{"s"}, false}, {}, at(62'000))->effect);
  wish = f.core.put({frames::schedule_put::resume{"s"}, false}, {}, at(610'000));
  REQUIRE(wish.ok());
  f.core.apply(*wish->effect);
  CHECK(f.core.next() == at(660'000));
  CHECK(f.core.progress(id)->fired == 1);
  CHECK(f.core.progress(id)->missed == 0);
  CHECK(f.core.put({frames::schedule_put::pause{"x"}, false}, {}, at(0)).code() ==
        errc::schedule_unknown);
}

TEST_CASE("schedules: names are unique, and there is a limit") {
  fixture f;
  f.make(every(60'000));
  CHECK(f.refused(every(60'000)) == errc::schedule_exists);
  const auto same = f.core.put(putting(every(60'000), true), schedule_id{9}, at(5));
  REQUIRE(same.ok());
  CHECK_FALSE(same->effect);
  CHECK(f.core.put(putting(every(61'000), true), schedule_id{9}, at(5)).code() ==
        errc::schedule_exists);
  for (const char* name : {"a", "b"}) {
    auto what = every(60'000);
    what.name = name;
    f.make(what);
  }
  auto what = every(60'000);
  what.name = "c";
  CHECK(f.refused(what) == errc::too_many_schedules);
  auto gone = f.core.remove("a");
  REQUIRE(gone.ok());
  f.core.apply(*gone->effect);
  f.make(what);
  CHECK(f.core.remove("a").code() == errc::schedule_unknown);
}

TEST_CASE("schedules: what makes no sense is refused") {
  fixture f;
  auto what = every(60'000);
  what.name = "a b";
  CHECK(f.refused(what) == errc::schedule_invalid);
  what = every(60'000);
  what.topic = "%DLQ%g";
  CHECK(f.refused(what) == errc::topic_name_invalid);
  CHECK(f.refused(every(999)) == errc::schedule_invalid);
  what = every(60'000);
  what.until = at(59'000);
  CHECK(f.refused(what) == errc::schedule_invalid);
  what.until = at(-1);
  CHECK(f.refused(what) == errc::schedule_invalid);
  what = every(60'000);
  what.when = cron_rule{"0 0 30 2 *", ""};
  CHECK(f.refused(what) == errc::schedule_invalid);
  what.when = cron_rule{"0 0 * *", ""};
  CHECK(f.refused(what) == errc::schedule_invalid);
  what.when = cron_rule{"0 0 * * *", "Mars/Olympus"};
  CHECK(f.refused(what) == errc::schedule_invalid);
  what.when = cron_rule{"0 0 * * *", "Europe/Berlin"};
  CHECK(f.refused(what) == errc::none);
}

TEST_CASE("schedules: they are listed by name, a page at a time, without their messages") {
  fixture f;
  for (const char* name : {"c", "a", "b"}) {
    auto what = every(60'000);
    what.name = name;
    what.message = "bytes";
    f.make(what);
  }
  const auto first = f.core.list({{}, {}, 2});
  REQUIRE(first->lines.size() == 2);
  CHECK(first->total == 3);
  CHECK(first->lines[0].what.name == "a");
  CHECK(first->lines[0].what.message.empty());
  const auto rest = f.core.list({{}, "b", 0});
  REQUIRE(rest->lines.size() == 1);
  CHECK(rest->lines[0].what.name == "c");
  CHECK(f.core.list({"b", {}, 0})->lines.at(0).what.message == "bytes");
  CHECK(f.core.list({"x", {}, 0}).code() == errc::schedule_unknown);
}

TEST_CASE("schedules: one whose zone the machine has lost waits, and says so") {
  schedule_core core{{3}, find_zone};
  schedule_record record;
  record.id = schedule_id{5};
  record.what = every(1);
  record.what.when = cron_rule{"0 0 * * *", "Mars/Olympus"};
  core.load(record);
  core.loaded();
  CHECK_FALSE(core.next());
  CHECK(core.list({"s", {}, 0})->lines.at(0).problem.find("Mars/Olympus") != std::string::npos);
}
