#include "actors/core/schedule_core.hpp"
#include "actors/core/shard_state.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

/// Schedules over three shards that are written at their own pace, with crashes and a clock that is
/// set forward and back. What may have been sent is known here from the definitions alone.
class schedule_simulation {
public:
  explicit schedule_simulation(dice& d) : dice_(&d) {
    for (auto& shard : shards_) shard = std::make_unique<shard_state>(1'000'000'000);
    restart();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    drain();
    check_counts();
  }

private:
  struct message {
    schedule_id schedule;
    unix_ms due;
    std::uint64_t passed = 0;
    unix_ms sent;
  };
  struct write {
    std::vector<effects::effect> effects;
    std::optional<message> sent;
    std::optional<effects::effect> wish;
    schedule_id schedule;
    schedule_progress progress;
  };

  void step() {
    const auto roll = dice_->below(100);
    if (roll < 8) return wish();
    if (roll < 40) return look();
    if (roll < 75) return commit();
    if (roll < 93) {
      now_ += static_cast<std::int64_t>(dice_->below(4'000));
      return;
    }
    if (roll < 95) return set_clock();
    if (roll < 97) return release_all();
    crash();
  }

  void wish() {
    if (changing_) return;
    const auto name = std::string(1, static_cast<char>('a' + dice_->below(4)));
    if (core_->is_busy(name)) return;
    result<schedule_core::decision> decided = failure{errc::none};
    if (core_->find(name) == nullptr) {
      schedule_definition what;
      what.name = name;
      what.topic = "t";
      what.missed = static_cast<missed_policy>(dice_->below(3));
      what.when = every_rule{1'000 * dice_->between(1, 8), {}};
      if (dice_->percent(20)) what.count_max = dice_->between(1, 10);
      if (dice_->percent(20)) what.until = unix_ms{now_ + 60'000};
      decided = core_->put({what, false}, schedule_id{++ids_}, unix_ms{now_});
    } else if (dice_->percent(20)) {
      decided = core_->remove(name);
    } else if (dice_->percent(50)) {
      decided = core_->put({frames::schedule_put::pause{name}, false}, {}, unix_ms{now_});
    } else {
      decided = core_->put({frames::schedule_put::resume{name}, false}, {}, unix_ms{now_});
    }
    if (!decided || !decided->effect) return;
    core_->claim(name);
    changing_ = true;
    write w;
    w.effects = {*decided->effect};
    w.wish = *decided->effect;
    pending_[0].push_back(std::move(w));
  }

  void look() {
    latest_ = std::max(latest_, now_);
    for (const auto& step : core_->due(unix_ms{now_}, dice_->between(1, 5))) {
      REQUIRE(step.due.value <= now_);
      write w;
      w.schedule = step.schedule;
      w.progress = step.after;
      std::size_t shard = 0;
      if (step.sends && dice_->percent(5)) {
        core_->hold(step.schedule, "not now");
        held_.push_back(step.schedule);
        continue;
      }
      if (step.sends && dice_->percent(5)) {
        w.progress = schedule_core::failed(step, "no topic");
      } else if (step.sends) {
        shard = dice_->below(shards_.size());
        w.sent = message{step.schedule, step.due, step.passed, unix_ms{now_}};
      }
      w.effects = {effects::schedule_fired{step.schedule, w.progress}};
      pending_[shard].push_back(std::move(w));
    }
  }

  /// The oldest entry of some shard is written.
  void commit() {
    const auto shard = dice_->below(shards_.size());
    if (pending_[shard].empty()) return;
    const auto w = std::move(pending_[shard].front());
    pending_[shard].pop_front();
    shards_[shard]->apply(unix_ms{now_}, w.effects);
    if (w.sent) note(*w.sent);
    if (!w.wish) return core_->settled(w.schedule, w.progress);
    changing_ = false;
    core_->apply(*w.wish);
    if (const auto* made = std::get_if<effects::schedule_put>(&*w.wish)) {
      records_[made->schedule.id] = made->schedule;
      paused_[made->schedule.id] |= made->schedule.paused;
    } else {
      const auto gone = std::get<effects::schedule_deleted>(*w.wish).schedule;
      records_.erase(gone);
      for (std::size_t other = 1; other < shards_.size(); ++other)
        if (dice_->percent(70)) { // Otherwise a crash came between: the next start does it.
          write follow;
          follow.effects = {effects::schedule_deleted{gone}};
          shards_[other]->apply(unix_ms{now_}, follow.effects);
        }
    }
  }

  void note(const message& m) {
    const auto& record = records_.at(m.schedule);
    auto& sent = sent_[m.schedule];
    if (!sent.empty()) REQUIRE(m.due > sent.rbegin()->first); // Neither twice nor out of order.
    const auto& every = std::get<every_rule>(record.what.when);
    REQUIRE((m.due.value - record.created.value) % static_cast<std::int64_t>(every.interval_ms) ==
            0);
    REQUIRE(m.due <= m.sent);
    if (record.what.until.value != 0) REQUIRE(m.due <= record.what.until);
    if (record.what.missed == missed_policy::skip)
      REQUIRE(m.sent.value - m.due.value <= schedule_core::late_ms);
    if (record.what.missed == missed_policy::all) REQUIRE(m.passed == 0);
    sent.emplace(m.due, m);
    if (record.what.count_max != 0) REQUIRE(sent.size() <= record.what.count_max);
  }

  void set_clock() {
    const auto by = static_cast<std::int64_t>(dice_->below(200'000));
    now_ += dice_->percent(60) ? by : -by;
  }

  void release_all() {
    for (const auto each : held_) core_->release(each);
    held_.clear();
  }

  void crash() {
    for (auto& each : pending_) each.clear();
    restart();
  }

  void restart() {
    changing_ = false;
    held_.clear();
    core_.emplace(schedule_limits{10}, [](const std::string&) {
      return result<std::shared_ptr<const time_zone>>{
        std::shared_ptr<const time_zone>{new utc_zone}};
    });
    for (const auto& [id, record] : shards_[0]->schedules()) core_->load(record);
    for (auto& shard : shards_) {
      std::vector<effects::effect> left;
      for (const auto& [id, progress] : shard->fired())
        if (!core_->learn(id, progress)) left.emplace_back(effects::schedule_deleted{id});
      shard->apply(unix_ms{now_}, left);
    }
    core_->loaded();
    REQUIRE(core_->size() == shards_[0]->schedules().size());
  }

  void drain() {
    // Those that come back forever are not waited for: only what is under way.
    for (int round = 0; round < 5'000; ++round) {
      release_all();
      look();
      for (int i = 0; i < 5; ++i) commit();
    }
    for (int round = 0; round < 100; ++round)
      for (int i = 0; i < 5; ++i) commit();
  }

  /// Every time up to `handled` was sent, missed or failed, if the schedule was never paused.
  void check_counts() {
    for (const auto& [id, record] : records_) {
      const auto* now = core_->progress(id);
      REQUIRE(now != nullptr);
      REQUIRE(now->fired == sent_[id].size());
      if (paused_[id]) continue;
      const auto& every = std::get<every_rule>(record.what.when);
      const auto passed =
        static_cast<std::uint64_t>(now->handled.value - record.created.value) / every.interval_ms;
      REQUIRE(now->fired + now->missed + now->failed == passed);
      // Where the clock was set back since, less is dealt with than was once behind.
      const auto behind_most =
        static_cast<std::uint64_t>(latest_ - record.created.value) / every.interval_ms;
      if (record.what.missed == missed_policy::all && behind_most <= schedule_core::catch_up_max)
        REQUIRE(now->missed == 0);
    }
  }

  dice* dice_;
  std::int64_t now_ = 1'790'000'000'000;
  /// The latest time at which the core was asked what is due.
  std::int64_t latest_ = now_;
  std::uint64_t ids_ = 0;
  std::optional<schedule_core> core_;
  std::array<std::unique_ptr<shard_state>, 3> shards_;
  std::array<std::deque<write>, 3> pending_;
  bool changing_ = false;
  std::vector<schedule_id> held_;
  std::map<schedule_id, schedule_record> records_;
  std::map<schedule_id, bool> paused_;
  std::map<schedule_id, std::map<unix_ms, message>> sent_;
};

} // namespace

TEST_CASE("schedules: each time is dealt with once, whatever crashes and wherever the clock is set",
          "[property]") {
  with_seeds(150, [](dice& d) { schedule_simulation{d}.run(600); });
}
