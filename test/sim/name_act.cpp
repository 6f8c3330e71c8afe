#include "test/sim/name_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace carafe::sim {

namespace {

constexpr const char* topic_name = "imported";
constexpr std::size_t lives_at_once = 3;
constexpr int rounds_max = 400;

} // namespace

name_act::name_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }),
    watcher_(*stage_.node, "watcher of names",
             [this](const watcher::message& m) { told_.delivered(m); }),
    operator_(*stage_.node, "operator of names"),
    forgets_(d.percent(30)) {
  log_.topic = topic_name;
  log_.forgetful = d.percent(25);
  // What is known of names is kept all the same.
  if (log_.forgetful) stage_.node->replica_settings.producer_expiry_ms = d.between(500, 5'000);
}

void name_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 4));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.below(3)];
  if (d.percent(15)) wish.settings.retention_ms = d.between(1'000, 8'000);
  log_.queues = stage_.ask<frames::topic_description>(wish).queues;
  for (const auto& queue : log_.queues) watcher_.watch(queue.queue);
  begin_life();
}

void name_act::begin_life() { lives_.emplace_back(*stage_.node, log_, told_); }

void name_act::step(dice& d) {
  std::erase_if(lives_, [](const name_life& each) { return each.dead(); });
  // A second one may come while the first still sends.
  if (lives_.empty() || (lives_.size() < lives_at_once && d.percent(1))) begin_life();
  const auto roll = d.below(100);
  if (roll < 20) return watcher_.step(d);
  if (roll < 25 && forgets_) return operate(d);
  if (roll == 99 && d.percent(20)) return add_queue();
  d.pick(lives_).step(d);
}

/// What is there keeps its queues.
void name_act::add_queue() {
  if (log_.queues.size() >= 5) return;
  rig::client admin{*stage_.node, "admin"};
  frames::topic_alter wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(log_.queues.size()) + 1;
  const auto done = admin.ask<frames::topic_description>(wish);
  admin.post_disconnect();
  if (!done) return;
  stage_.note("a queue is added to " + std::string{topic_name});
  for (const auto& queue : done->queues)
    if (std::ranges::find(log_.queues, queue.queue, &frames::topic_queue::queue) ==
        log_.queues.end())
      watcher_.watch(queue.queue);
  log_.queues = done->queues;
}

void name_act::operate(dice& d) {
  const auto news = operator_.take();
  if (news.answer && wish_) {
    const auto* error = std::get_if<frames::error>(&*news.answer);
    if (std::holds_alternative<frames::ok>(*news.answer))
      told_.forgotten(*wish_);
    else if (error != nullptr && error->why.code == errc::not_found)
      told_.not_there(*wish_);
  }
  if (news.answer || news.lost) wish_.reset();
  if (!operator_.ready() || !d.percent(10)) return;
  wish_ = told_.forgetting();
  operator_.ask(frames::producer_request{frames::producer_forget{"importer"}});
}

// -- the node's ends ------------------------------------------------------------------------------

void name_act::node_died() {
  for (auto& each : lives_) each.node_died();
  watcher_.node_died();
  operator_.node_died();
  told_.node_died();
}

void name_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  bool any = false;
  for (std::size_t index = 0; index < log_.queues.size(); ++index) {
    const auto& queue = log_.queues[index];
    if (queue.shard != shard) continue;
    any = true;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    watcher_.ends_at(queue.queue, end);
    if (index < log_.spread) log_.acknowledged[index].reset();
  }
  // It begins where the node says that it is, or it would leave a gap.
  if (any)
    for (auto& each : lives_) each.die();
}

// -- the end --------------------------------------------------------------------------------------

void name_act::finish(dice& d) {
  live_to_the_end(d);
  read_to_the_end();
  told_.check_finished([this](queue_id queue) { return watcher_.missed_below(queue); });
  check_progress();
}

void name_act::live_to_the_end(dice& d) {
  for (auto& each : lives_) each.die();
  lives_.clear();
  operator_.cut();
  stage_.pass(std::chrono::milliseconds{50});
  begin_life();
  for (int round = 0; round < rounds_max && !lives_.front().done(); ++round) {
    if (lives_.front().dead()) {
      lives_.clear();
      begin_life();
    }
    for (int i = 0; i < 10; ++i) lives_.front().step(d, true);
    stage_.pass(std::chrono::milliseconds{50});
  }
  expect(lives_.front().done(), "an application with a name gets no answer");
}

void name_act::read_to_the_end() {
  // Some may have been added, and nobody was told.
  for (const auto& queue : stage_.topic(topic_name).queues) watcher_.watch(queue.queue);
  const auto unread = [this] {
    return std::ranges::any_of(stage_.topic(topic_name).queues, [this](const auto& queue) {
      return watcher_.next(queue.queue) < queue.end;
    });
  };
  for (int round = 0; round < rounds_max && unread(); ++round) {
    watcher_.hurry();
    stage_.pass(std::chrono::milliseconds{50});
  }
  expect(!unread(), "the queues of a name cannot be read to their ends");
}

/// All of it is there, and told so, whatever became of the producers.
void name_act::check_progress() {
  const auto opened = stage_.ask<frames::producer_answer>(
    frames::producer_request{frames::producer_open{"importer"}});
  const auto holder = std::get<frames::producer_opened>(opened.what);
  const auto told = stage_.ask<frames::producer_answer>(
    frames::producer_request{frames::producer_progress_ask{holder.name, holder.epoch, topic_name}});
  expect(holder.name == log_.name, "a name has another id than its last holder was told");
  std::map<queue_id, sequence> last;
  for (const auto& place : std::get<frames::producer_progress>(told.what).queues)
    last[place.queue] = place.last;
  for (const auto& [index, number] : log_.made) {
    const auto queue = log_.queues[index].queue;
    const auto all = std::max(number, told_.last_seen(holder.name, queue));
    expect(last[queue] == all, to_string(numbered{holder.name, all}) +
                                 " is the last one of its queue, and the "
                                 "progress is " +
                                 std::to_string(last[queue].value));
  }
}

} // namespace carafe::sim
