#include "test/sim/quota_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/health.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace carafe::sim {

namespace {

using std::chrono::milliseconds;

constexpr const char* topic_name = "metered";
constexpr std::size_t spenders = 3;
constexpr std::uint32_t queues_max = 3;
/// As the watcher asks for at most, while things break.
constexpr std::uint64_t credit_bytes = 8'000;
constexpr int rounds_max = 3'000;
constexpr std::uint64_t round_ms = 50;

/// Most have a quota of each kind, and it is less than what spenders would send.
quota_oracle::rates some_rates(dice& d) {
  return {d.percent(12) ? 0 : d.between(200, 3'000), d.percent(20) ? 0 : d.between(1'000, 8'000)};
}

} // namespace

quota_act::quota_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }, 2 * queues_max, credit_bytes),
    watcher_(*stage_.node, "reader of what is metered",
             [this](const watcher::message& m) { told_.delivered(m); }) {
  for (std::uint64_t i = 1; i <= spenders; ++i)
    spenders_.emplace_back(*stage_.node, i, d.percent(50), world_, told_);
  watcher_.weigh(
    [this](std::uint64_t bytes) { told_.weighed(bytes, calm_ms_, stage_.node->clocks->now_ms); });
}

void quota_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(1, queues_max));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(60) ? 0 : d.between(1, 2)];
  rates_ = some_rates(d);
  wish.settings.produce_bytes_per_second = rates_.produce;
  wish.settings.consume_bytes_per_second = rates_.consume;
  world_.topic = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : world_.topic.queues) watcher_.watch(queue.queue);
  told_.sure(rates_);
}

void quota_act::step(dice& d) {
  const auto roll = d.below(100);
  if (roll < 20) return watcher_.step(d);
  if (roll < 25) return check_patience(d);
  if (roll < 27) return alter(d);
  if (roll < 28) return check_answers();
  d.pick(spenders_).step(d);
}

/// Lets everything that was sent arrive.
void quota_act::calm() {
  stage_.node->settle();
  for (auto& each : spenders_) each.take();
  watcher_.take();
  calm_ms_ = stage_.node->clocks->now_ms;
  told_.calm(calm_ms_);
}

/// Nobody is refused in silence.
void quota_act::check_answers() {
  if (!is_healthy(*stage_.node)) return;
  stage_.node->pass(tried_again);
  calm();
  expect(!is_healthy(*stage_.node) || std::ranges::none_of(spenders_, &spender::busy),
         "a spender gets no answer, and nothing is broken");
}

/// Who waits as it is told, while nobody else sends, is accepted.
void quota_act::check_patience(dice& d) {
  calm();
  // What waits for a disk may be taken from the quota later.
  if (std::ranges::any_of(spenders_, &spender::busy)) return;
  auto& who = d.pick(spenders_);
  const auto wait_ms = who.send_now(d);
  if (!wait_ms) return;
  stage_.node->advance(milliseconds{*wait_ms});
  const auto again_ms = who.send_now(d);
  expect(!again_ms, "who has waited for " + std::to_string(*wait_ms) +
                      " ms, as it was told, and alone, is to wait again, for " +
                      std::to_string(again_ms.value_or(0)) + " ms");
}

/// The node may refuse it, or not answer.
void quota_act::alter(dice& d) {
  calm();
  const auto before = rates_;
  const bool was_sure = !unsure_;
  rates_ = some_rates(d);
  told_.unsure(rates_);
  frames::topic_alter wish;
  wish.name = topic_name;
  wish.produce_bytes_per_second = rates_.produce;
  wish.consume_bytes_per_second = rates_.consume;
  rig::client admin{*stage_.node, "operator of quotas"};
  const auto done = admin.ask<frames::topic_description>(wish);
  admin.post_disconnect();
  calm();
  unsure_ = !done.ok();
  stage_.note(done.ok() ? "quotas are changed" : "quotas may be changed");
  if (unsure_) return;
  told_.sure(rates_);
  if (!was_sure || before.produce == rates_.produce ||
      std::ranges::any_of(spenders_, &spender::busy))
    return;
  const auto refused = d.pick(spenders_).send_now(d);
  expect(!refused, "the produce quota was changed from " + std::to_string(before.produce) + " to " +
                     std::to_string(rates_.produce) +
                     " bytes a second, and the first batch is to wait for " +
                     std::to_string(refused.value_or(0)) + " ms");
}

void quota_act::node_died() {
  for (auto& each : spenders_) each.node_died();
  watcher_.node_died();
  told_.node_died();
}

void quota_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  bool any = false;
  for (const auto& queue : world_.topic.queues) {
    if (queue.shard != shard) continue;
    any = true;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    watcher_.ends_at(queue.queue, end);
  }
  if (any)
    for (auto& each : spenders_) each.lost_end();
}

void quota_act::node_started() {
  world_.topic = stage_.topic(topic_name);
  const auto& now = world_.topic.settings;
  rates_ = {now.produce_bytes_per_second, now.consume_bytes_per_second};
  unsure_ = false;
  calm();
  told_.sure(rates_);
}

// -- the end --------------------------------------------------------------------------------------

/// @returns Whether it comes to the ends of all queues.
bool quota_act::read_all(watcher& who) {
  const auto unread = [this, &who] {
    return std::ranges::any_of(
      world_.topic.queues, [&who](const auto& queue) { return who.next(queue.queue) < queue.end; });
  };
  for (int round = 0; round < rounds_max && unread(); ++round) {
    who.hurry();
    stage_.pass(milliseconds{round_ms});
    who.take();
    calm();
  }
  return !unread();
}

/// Whoever reads alone is sent what the quota allows, and no less.
void quota_act::check_pace() {
  watcher late{*stage_.node, "late reader of what is metered",
               [this](const watcher::message& m) { told_.delivered(m); }};
  std::uint64_t bytes = 0;
  late.weigh([this, &bytes](std::uint64_t more) {
    bytes += more;
    told_.weighed(more, calm_ms_, stage_.node->clocks->now_ms);
  });
  for (const auto& queue : world_.topic.queues) late.watch(queue.queue);
  const auto begun_ms = stage_.node->clocks->now_ms;
  const bool all = read_all(late);
  const auto took_ms = stage_.node->clocks->now_ms - begun_ms;
  const auto most_ms = rates_.consume == 0 ? 2'000 : bytes * 1'250 / rates_.consume + 3'000;
  expect(all && took_ms <= most_ms, "reading " + std::to_string(bytes) + " bytes alone takes " +
                                      std::to_string(took_ms) + " ms, and the consume quota is " +
                                      std::to_string(rates_.consume) + " bytes a second");
}

void quota_act::finish(dice&) {
  const auto open = [this] {
    bool any = false;
    for (auto& each : spenders_) any = !each.finish() || any;
    return any;
  };
  for (int round = 0; round < rounds_max && open(); ++round) {
    stage_.pass(milliseconds{round_ms});
    calm();
  }
  expect(!open(), "a spender gets no answer, or is refused without end");
  world_.topic = stage_.topic(topic_name);
  expect(read_all(watcher_), "what is metered cannot be read to its end");
  check_pace();
  told_.check_finished([this](queue_id queue) { return watcher_.missed_below(queue); });
}

} // namespace carafe::sim
