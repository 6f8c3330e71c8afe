#include "test/sim/seat_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/health.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace carafe::sim {

namespace {

using std::chrono::milliseconds;

constexpr int rounds_max = 600;
constexpr std::size_t queues_max = 6;

} // namespace

seat_act::seat_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }, stage_.earliest,
          [this] { return stage_.node->clocks->now_ms; },
          // Short, for little time passes in a run.
          stage_.node->groups.grace_ms = d.between(1'000, 6'000)),
    sender_(*stage_.node, "sender of papers") {
  stage_.node->groups.revoke_timeout_ms = d.between(200, 3'000);
  // Members may have nothing to say for long.
  stage_.node->session_settings.idle_timeout_ms = 600'000;
  const auto ids = d.between(2, 4), guests = d.percent(50) ? 0 : d.between(1, 2);
  for (std::uint64_t i = 1; i <= ids + guests; ++i) {
    const bool id = i <= ids;
    const auto name = (id ? "desk-" : "guest-") + std::to_string(i);
    told_.add_member(name, id);
    sitters_.emplace_back(stage_, name, id ? name : std::string{}, id && d.percent(50) ? i : 0,
                          told_);
  }
}

void seat_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = desk_topic;
  wish.queues = static_cast<std::uint32_t>(d.between(2, 5));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(60) ? 0 : d.between(1, 2)];
  if (d.percent(20)) wish.settings.retention_ms = d.between(1'000, 8'000);
  topic_ = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : topic_.queues) told_.add_queue(queue.queue);
}

void seat_act::step(dice& d) {
  const auto roll = d.below(100);
  if (roll < 20) return send(d);
  if (roll < 21) return add_queue();
  if (roll < 22) return forget_seat(d);
  if (roll < 25) return void(look());
  if (roll < 30) return go_at_rest(d);
  for (auto& each : sitters_)
    if (d.percent(60)) each.step(d);
}

// -- who sends ------------------------------------------------------------------------------------

void seat_act::send(dice& d) {
  if (sender_.idle()) {
    queue_ = d.pick(topic_.queues).queue;
    const batch_name name{producer_, counter_ + 1, static_cast<std::uint32_t>(d.between(1, 4))};
    batch_.clear();
    for (std::uint32_t i = 0; i < name.count; ++i) batch_.push_back({producer_, name.first + i});
    counter_ = counter_ + name.count;
    sender_.offer(produce_of(name, queue_, std::exchange(last_[queue_], counter_)));
  }
  if (d.percent(2)) sender_.cut();
  take_receipt();
}

void seat_act::take_receipt() {
  const auto receipt = sender_.step();
  if (!receipt) return;
  for (std::size_t i = 0; i < batch_.size(); ++i)
    told_.stored({queue_, receipt->first + i}, batch_[i]);
}

// -- who changes the group ------------------------------------------------------------------------

/// The node may refuse it, or not answer.
void seat_act::add_queue() {
  if (topic_.queues.size() >= queues_max) return;
  frames::topic_alter wish;
  wish.name = desk_topic;
  wish.queues = static_cast<std::uint32_t>(topic_.queues.size()) + 1;
  stage_.note("a queue is added to " + wish.name);
  told_.queue_may_come();
  rig::client admin{*stage_.node, "admin of papers"};
  const auto done = admin.ask<frames::topic_description>(wish);
  admin.post_disconnect();
  if (!done) return;
  topic_ = *done;
  for (const auto& queue : topic_.queues) told_.add_queue(queue.queue);
  told_.queues_known();
}

void seat_act::forget_seat(dice& d) {
  std::vector<sitter*> away;
  for (auto& each : sitters_)
    if (!each.id().empty() && told_.is_away(each.name())) away.push_back(&each);
  if (away.empty()) return;
  const auto& name = d.pick(away)->name();
  stage_.note("the seat of " + name + " is to go");
  told_.forgetting(name);
  rig::client admin{*stage_.node, "admin of seats"};
  const auto done = admin.ask<frames::ok>(frames::group_forget{desk_group, name});
  admin.post_disconnect();
  if (done) told_.forgotten(name);
}

// -- what is sure ---------------------------------------------------------------------------------

/// Lets everything that was sent arrive, also what was sent for that.
void seat_act::arrive() {
  for (int i = 0; i < 2; ++i) {
    stage_.node->settle();
    for (auto& each : sitters_) each.take();
  }
}

/// … and what has to be tried again, if it can be done.
/// @returns Whether nothing stands in its way.
bool seat_act::look() {
  bool well = is_healthy(*stage_.node);
  if (well) stage_.node->pass(tried_again);
  arrive();
  well = well && is_healthy(*stage_.node);
  told_.calm({well, std::ranges::all_of(sitters_, &sitter::settled)});
  return well;
}

/// What it has at this moment is kept for it, whatever the others do.
void seat_act::go_at_rest(dice& d) {
  const bool well = d.percent(40) && look();
  arrive();
  told_.calm({});
  std::vector<sitter*> there;
  for (auto& each : sitters_)
    if (!each.id().empty() && each.is_member()) there.push_back(&each);
  if (there.empty()) return;
  auto& goes = *d.pick(there);
  goes.stay_away(d.between(0, stage_.node->groups.grace_ms * 3 / 2));
  if (d.percent(60))
    goes.cut();
  else
    goes.leave();
  arrive();
  told_.calm({});
  told_.kept(goes.name(), well);
}

// -- what breaks ----------------------------------------------------------------------------------

void seat_act::node_died() {
  for (auto& each : sitters_) each.node_died();
  told_.node_died();
  sender_.node_died();
}

void seat_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  for (const auto& queue : topic_.queues)
    if (queue.shard == shard) told_.lost_end(queue.queue, end_in_log(*stage_.node, queue.queue));
  // What its producer had sent may be forgotten.
  sender_.give_up();
  producer_ = producer_id{producer_.value + 1};
  counter_ = sequence{0};
  last_.clear();
}

void seat_act::node_started() {
  topic_ = stage_.topic(desk_topic);
  told_.node_started();
  for (const auto& queue : topic_.queues) told_.add_queue(queue.queue);
}

// -- the end --------------------------------------------------------------------------------------

std::string seat_act::missing(const those& comes) const {
  for (const auto& each : sitters_)
    if (comes(each) && !(each.is_member() && each.settled()))
      return each.name() + " does not come to rest";
  for (const auto& queue : topic_.queues) {
    const auto where = "queue " + std::to_string(queue.queue.value) + " of the clerks";
    std::optional<bool> done;
    for (const auto& each : sitters_)
      if (const auto its = each.has_done(queue)) done = its;
    if (!done) return where + " has no owner";
    if (!*done) return where + " is not read to its end";
  }
  return {};
}

/// These members read, and commit, what is there.
void seat_act::read_all(const those& comes) {
  std::string what = "nobody came";
  for (int round = 0; round < rounds_max && !what.empty(); ++round) {
    for (auto& each : sitters_)
      if (comes(each)) each.hurry();
    stage_.pass(milliseconds{50});
    topic_ = stage_.topic(desk_topic);
    what = missing(comes);
  }
  expect(what.empty(), what);
  look();
}

/// One with an id is away for a while, in which more is sent; nobody else notices.
void seat_act::come_back(dice& d) {
  for (const auto& queue : topic_.queues) told_.add_queue(queue.queue);
  told_.queues_known();
  read_all([](const sitter&) { return true; });
  expect(told_.quiet(), "the clerks do not come to rest");
  auto& goes = sitters_.front(); // It has one.
  if (d.percent(50))
    goes.cut();
  else
    goes.leave();
  stage_.node->settle();
  told_.calm({});
  told_.kept(goes.name(), true);
  const auto rounds = d.between(0, stage_.node->groups.grace_ms / 50 - 5);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    send(d);
    stage_.pass(milliseconds{50});
    for (auto& each : sitters_)
      if (each.name() != goes.name()) each.hurry();
  }
  for (int i = 0; i < 6 && !goes.is_member(); ++i) {
    goes.hurry();
    stage_.node->settle();
    goes.take();
  }
  expect(goes.is_member(), goes.name() + " cannot have its seat again");
  read_all([](const sitter&) { return true; });
  expect(told_.quiet(), goes.name() + " came back, and queues have moved");
}

void seat_act::finish(dice& d) {
  for (int round = 0; round < rounds_max && !sender_.idle(); ++round) {
    take_receipt();
    stage_.pass(milliseconds{50});
  }
  expect(sender_.idle(), "a sender of papers gets no answer");
  // Some stay away, and their queues go to the others.
  std::set<std::string> away;
  for (auto& each : sitters_)
    if (!away.contains(each.name()) && away.size() + 1 < sitters_.size() && d.percent(30)) {
      each.cut();
      away.insert(each.name());
    }
  read_all([&away](const sitter& each) { return !away.contains(each.name()); });
  read_all([](const sitter&) { return true; });
  come_back(d);
  for (int round = 0; round < rounds_max && !sender_.idle(); ++round) {
    take_receipt();
    stage_.pass(milliseconds{50});
  }
  read_all([](const sitter&) { return true; });
  told_.check_finished();
}

} // namespace carafe::sim
