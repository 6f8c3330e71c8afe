#include "test/sim/seat_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace carafe::sim {

namespace {

constexpr const char* topic_name = "desks";
constexpr const char* group_name = "clerks";
constexpr int rounds_max = 400;
/// What failed is tried again after half a second.
constexpr int rest_rounds = 16;
constexpr auto rest_round = std::chrono::milliseconds{50};

std::string desk(std::uint64_t number) { return "desk-" + std::to_string(number); }

} // namespace

seat_act::seat_act(stage s, dice& d)
  : act(std::move(s)),
    grace_ms_(d.between(1'000, 5'000)),
    told_(grace_ms_, [this](const std::string& what) { stage_.note(what); }),
    group_(stage_.earliest),
    operator_(*stage_.node, "operator of desks"),
    sender_(*stage_.node, "sender to desks"),
    seats_(d.between(1, 3)) {
  stage_.node->groups.grace_ms = grace_ms_;
  stage_.node->groups.revoke_timeout_ms = d.between(200, 3'000);
}

void seat_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(2, 6));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(60) ? 0 : d.between(1, 2)];
  topic_ = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : topic_.queues) told_.queue(queue.queue);
  stage_.ask<frames::group_description>(frames::group_put{group_name, "ordered", {topic_name}});
  for (std::uint64_t i = 1; i <= seats_; ++i) add(desk(i), d.percent(50) ? 500 + i : 0);
  if (d.percent(60)) add({}, 0);
}

void seat_act::add(std::string id, std::uint64_t holder) {
  members_.emplace_back(*stage_.node, ++made_,
                        seat_wish{group_name, topic_name, std::move(id), holder}, told_, group_);
}

// -- what happens ---------------------------------------------------------------------------------

void seat_act::step(dice& d) {
  told_.time_is(stage_.node->clocks->now_ms);
  std::erase_if(members_, [](const seat_member& m) { return m.dead(); });
  const auto roll = d.below(100);
  if (roll < 8) return go(d);
  if (roll < 18) return come(d);
  if (roll < 26) return send(d);
  if (roll < 27) return forget(d);
  if (roll < 36) {
    look();
    return;
  }
  if (roll < 42) return rest();
  for (auto& m : members_)
    if (d.percent(70)) m.step(d);
}

void seat_act::go(dice& d) {
  if (members_.empty()) return;
  auto& m = d.pick(members_);
  // Who has no id moves queues when it goes.
  if (m.id().empty() && d.percent(60)) return;
  const auto roll = d.below(100);
  if (roll < 40) return m.cut();
  if (roll < 75) return m.die();
  m.leave();
}

void seat_act::come(dice& d) {
  if (d.percent(10)) {
    if (members_.size() < 5) add({}, 0);
    return;
  }
  const auto id = desk(d.between(1, seats_));
  const auto there = std::ranges::find(members_, id, &seat_member::id);
  if (there == members_.end()) return add(id, d.percent(50) ? 600 + made_ : 0);
  // A second one while the first is there: mostly another one, or the same on a new connection.
  if (members_.size() >= 6 || !d.percent(20)) return;
  add(id, d.percent(50) ? there->holder() : 700 + made_);
}

void seat_act::forget(dice& d) {
  operator_.take();
  if (!operator_.ready()) return;
  const auto id = desk(d.between(1, seats_));
  told_.forgetting(id);
  operator_.ask(frames::group_forget{group_name, id});
}

void seat_act::send(dice& d) {
  if (sender_.idle()) {
    if (!queue_ || d.percent(30)) {
      queue_ = topic_.queues[d.below(topic_.queues.size())];
      batch_ = {producer_id{500'000 + ++producers_}, sequence{1}, 0};
    }
    const auto previous = sequence{batch_.first.value + batch_.count - 1};
    batch_.first = previous + 1;
    batch_.count = static_cast<std::uint32_t>(d.between(1, 3));
    sender_.offer(produce_of(batch_, queue_->queue, previous));
  }
  if (d.percent(2)) sender_.cut();
  sender_.step();
}

bool seat_act::look() {
  stage_.node->settle();
  if (!stage_.node->ended->empty()) return false; // A disk has failed.
  told_.time_is(stage_.node->clocks->now_ms);
  for (auto& m : members_) m.take();
  told_.settled();
  return true;
}

bool seat_act::sound() const {
  return std::ranges::all_of(stage_.node->disks, [](const auto& row) {
    const auto& log = *row.second.log;
    return log.append_fails == errc::none && log.sync_fails == errc::none &&
           log.read_fails == errc::none && log.room == storage::log_room::everything &&
           row.second.state->save_fails == errc::none;
  });
}

void seat_act::rest() {
  if (!look() || !sound()) return;
  const auto since = stage_.node->clocks->now_ms;
  const auto life = node_lives_;
  for (int i = 0; i < rest_rounds; ++i) {
    stage_.pass(rest_round);
    if (life != node_lives_) return;
  }
  if (look()) told_.rested(since);
}

// -- the node's ends ------------------------------------------------------------------------------

void seat_act::node_died() {
  ++node_lives_;
  told_.time_is(stage_.node->clocks->now_ms);
  for (auto& m : members_) m.node_died();
  told_.node_died();
  group_.node_died();
  operator_.node_died();
  sender_.node_died();
}

void seat_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  for (const auto& queue : topic_.queues) {
    if (queue.shard != shard) continue;
    group_.lost_power(queue.queue);
    const auto end = end_in_log(*stage_.node, queue.queue);
    for (auto& m : members_) m.lost_end(queue.queue, end);
  }
  if (!queue_ || queue_->shard != shard) return;
  sender_.give_up();
  queue_.reset();
}

void seat_act::node_started() {
  told_.time_is(stage_.node->clocks->now_ms);
  told_.node_started();
}

// -- the end --------------------------------------------------------------------------------------

/// Until everybody is in the group, with what is its own.
void seat_act::wait_for_all(dice& d) {
  const auto all = [this] {
    std::size_t owned = 0;
    for (const auto& m : members_) owned += m.queues();
    return owned == topic_.queues.size() &&
           std::ranges::all_of(members_, [](const seat_member& m) { return m.joined(); });
  };
  for (int round = 0; round < rounds_max && !all(); ++round) {
    told_.time_is(stage_.node->clocks->now_ms);
    for (int i = 0; i < 4; ++i)
      for (auto& m : members_) m.step(d);
    stage_.pass(rest_round);
  }
  told_.time_is(stage_.node->clocks->now_ms);
  expect(all(), "a group's members wait for queues that nobody has");
  rest();
}

void seat_act::finish(dice& d) {
  told_.time_is(stage_.node->clocks->now_ms);
  for (auto& m : members_) m.die();
  members_.clear();
  rest();
  for (std::uint64_t i = 1; i <= seats_; ++i) add(desk(i), 0);
  add({}, 0);
  wait_for_all(d);
  // Each is restarted, and finds its queues.
  for (std::uint64_t i = 1; i <= seats_; ++i) {
    const auto m = std::ranges::find(members_, desk(i), &seat_member::id);
    m->cut();
    look();
    wait_for_all(d);
  }
  // Nobody comes back.
  std::erase_if(members_, [](seat_member& m) {
    if (!m.id().empty()) m.die();
    return m.dead();
  });
  look();
  stage_.skip(std::chrono::milliseconds{grace_ms_});
  wait_for_all(d);
}

} // namespace carafe::sim
